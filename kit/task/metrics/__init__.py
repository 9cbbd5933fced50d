"""The catalogue of what Kaggle scores by. The direction and the perfect score are stated, never guessed."""

from __future__ import annotations

import difflib
import re

from kit.errors import KitError
from kit.task.contract import Metric
from kit.task.metrics.for_labels import (
    accuracy,
    balanced_accuracy,
    f1,
    macro_f1,
    macro_precision,
    macro_recall,
    mcc,
    micro_f1,
    quadratic_weighted_kappa,
    weighted_f1,
)
from kit.task.metrics.for_numbers import (
    mae,
    mape,
    mean_columnwise_rmse,
    mean_columnwise_rmsle,
    median_absolute_error,
    mse,
    r2,
    rmse,
    rmsle,
    rmspe,
    smape,
    weighted_mae,
)
from kit.task.metrics.for_probabilities import brier, log_loss, mean_columnwise_log_loss
from kit.task.metrics.for_ranks import auc, average_precision, gini, map_at, mean_columnwise_auc
from kit.task.outputs import labels as labels

CATALOGUE: tuple[Metric, ...] = (
    accuracy,
    balanced_accuracy,
    f1,
    macro_f1,
    micro_f1,
    weighted_f1,
    macro_precision,
    macro_recall,
    mcc,
    quadratic_weighted_kappa,
    log_loss,
    mean_columnwise_log_loss,
    brier,
    auc,
    mean_columnwise_auc,
    average_precision,
    gini,
    mse,
    rmse,
    rmsle,
    rmspe,
    mae,
    weighted_mae,
    mape,
    smape,
    r2,
    median_absolute_error,
    mean_columnwise_rmse,
    mean_columnwise_rmsle,
)
"""Every metric with a name of its own; beside them there is `map_at(k)` for every k."""


def named(name: str) -> Metric:
    """The metric that is called `name`: its short name such as `rmsle` or `map@3`, or Kaggle's own, such as `Root Mean
    Squared Logarithmic Error`. Capitals, spaces, hyphens and underscores do not matter.

    Raises KitError for an unknown name, with near ones.
    """
    known = {_plain(word): metric for metric in CATALOGUE for word in (metric.name, *metric.names)}
    asked = _plain(name)
    if asked in known:
        return known[asked]
    if place := re.fullmatch(r"(?:map|meanaverageprecision)(?:at|atk)?([1-9]\d*)", asked):
        return map_at(int(place[1]))
    near = difflib.get_close_matches(asked, [*known, "mapat3"], 3, 0.6)
    short = dict.fromkeys(known[word].names[0] if word in known else "map@3" for word in near)
    raise KitError(
        f"No metric is called {name!r}." + (f" Did you mean {' or '.join(short)}?" if short else ""),
        f"Known are {', '.join(metric.names[0] for metric in CATALOGUE)}, and map@1, map@2 and so on.",
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("@", "at").replace("²", "2"))
