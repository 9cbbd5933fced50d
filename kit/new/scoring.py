"""The metric: as Kaggle or a person says, else what the sample file and the targets make likely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from kit.errors import KitError
from kit.new.look import Table
from kit.new.roles import Roles
from kit.new.wanted import Wanted
from kit.task import metrics
from kit.task.contract import Metric

RARE = 0.12
"""The share of the rarer of two classes below which accuracy says nothing, and a competition is scored by AUC."""

TAIL = {"i": 3.0, "f": 6.0}
"""How many medians the 99th percentile of targets must be for them to be compared as logarithms: whole numbers, which
count things, and others."""


@dataclass(frozen=True)
class Scored:
    """The metric by its short name, why, whether it is sure, and other likely ones."""

    metric: Metric
    short: str
    why: str
    sure: bool
    others: tuple[str, ...] = ()


def scored(roles: Roles, wanted: Wanted, asked: str = "", official: str = "") -> tuple[Scored, Wanted]:
    """The metric, and the targets as it sees them: a metric of numbers makes numbers of whole-number labels.

    `asked` is what a person said, `official` is Kaggle's `evaluationMetric`; of the latter an unknown name is no error.
    Raises KitError for a metric that cannot score such targets.
    """
    table = roles.labels or roles.train
    assert table is not None
    if asked or official:
        try:
            named = metrics.named(asked or official)
        except KitError:
            if asked:
                raise
        else:
            named = _for_columns(named, wanted)
            fitting = _fitting(named, wanted, table)
            return Scored(named, named.names[0], "as you said" if asked else "as Kaggle says", True), fitting
    short, why, sure, others = _likely(table, wanted)
    if official:
        why = f"Kaggle says {official!r}, which kit does not know; {why}"
    return Scored(metrics.named(short), short, why, sure, others), wanted


def _likely(table: Table, wanted: Wanted) -> tuple[str, str, bool, tuple[str, ...]]:
    """The likeliest metric, why, whether it is sure, and the other likely ones."""
    several = len(wanted.columns) > 1
    if wanted.kind == "guesses":
        return f"map@{wanted.most}", f"lists of {wanted.most} guesses", True, ()
    if wanted.kind == "flags":
        return "mean_columnwise_auc", "a probability for each of several columns", False, ("mean_columnwise_log_loss",)
    if wanted.kind == "text":
        return "accuracy", "free words are right or wrong", False, ()
    if wanted.kind == "labels":
        if several:
            return "log_loss", "a probability for each class", False, ("mean_columnwise_auc",)
        if len(wanted.labels) > 2:
            others = ("macro_f1", "quadratic_weighted_kappa") if isinstance(wanted.labels[0], int) else ("macro_f1",)
            return "accuracy", f"one of {len(wanted.labels)} labels", False, others
        shares = table.values(wanted.source[0]).value_counts(normalize=True)
        if wanted.probable:
            return "auc", "the sample file holds numbers between two classes", False, ("log_loss",)
        if shares.min() < RARE:
            return "auc", f"only {shares.min():.1%} of the training rows are of the rarer class", False, ("f1",)
        return "accuracy", "the sample file holds labels of two classes", False, ("auc", "f1")
    values = [table.values(name).dropna().astype(float) for name in wanted.source]
    if all(_long_tail(each) for each in values):
        name = "mean_columnwise_rmsle" if several else "rmsle"
        return name, "targets from 0 on with a long tail", False, ("rmse", "mae")
    return ("mean_columnwise_rmse" if several else "rmse"), "targets are numbers", False, ("mae", "rmsle")


def _long_tail(values: pd.Series) -> bool:
    if values.min() < 0 or values.median() <= 0:
        return bool(values.min() >= 0 and values.max() > 10)
    whole = "i" if (values % 1 == 0).all() else "f"
    return bool(values.quantile(0.99) / values.median() > TAIL[whole])


def _for_columns(metric: Metric, wanted: Wanted) -> Metric:
    """The metric as Kaggle means it for several columns: column by column."""
    if wanted.kind == "flags" and metric.names[0] == "log_loss":
        return metrics.named("mean_columnwise_log_loss")
    return metric


def _fitting(metric: Metric, wanted: Wanted, table: Table) -> Wanted:
    """The targets as the metric sees them. Raises KitError where it cannot score them."""
    form = metric.predictions
    several = len(wanted.source) > 1
    column = table.values(wanted.source[0]).dropna()
    if form == "numbers":
        if wanted.kind in ("numbers", "flags"):
            return replace(wanted, kind="numbers")
        if several and wanted.kind == "labels":
            return replace(wanted, kind="numbers", labels=())
        if column.dtype.kind not in "iuf":
            raise KitError(
                f"{metric.name} compares numbers, and the target {wanted.source[0]!r} holds {_shown(wanted.labels)}.",
                "A metric of labels, such as accuracy, scores these.",
                "--metric accuracy",
            )
        return replace(wanted, kind="numbers", labels=(), probable=False, why_kind=f"{metric.name} compares numbers")
    if form == "positive" and several:
        return replace(wanted, kind="flags" if wanted.kind != "numbers" else "numbers", probable=True)
    if form == "positive" and wanted.kind == "labels" and len(wanted.labels) != 2:
        raise KitError(
            f"{metric.name} is for two classes, and the target {wanted.source[0]!r} has {len(wanted.labels)}.",
            "For more classes there are accuracy, macro_f1 and log_loss.",
            "--metric log_loss",
        )
    if form in ("labels", "probabilities", "guesses") and wanted.kind == "numbers" and not several:
        labels = _labels_of(column)
        if labels is None:
            raise KitError(
                f"{metric.name} scores labels, and the target {wanted.source[0]!r} holds numbers with fractions.",
                "A metric of numbers, such as rmse, scores these.",
                "--metric rmse",
            )
        why = f"{metric.name} scores labels"
        wanted = replace(wanted, kind="labels", labels=labels, why_kind=why)
    if form == "guesses":
        return replace(wanted, kind="guesses", most=metric.guesses)
    return replace(wanted, probable=form in ("positive", "probabilities"))


def _labels_of(column: pd.Series) -> tuple[Any, ...] | None:
    """Whole numbers as labels; None where some have fractions."""
    values = column.unique().tolist()
    if any(float(value) % 1 for value in values):
        return None
    return tuple(sorted(int(value) for value in values))


def _shown(labels: tuple[Any, ...]) -> str:
    return ", ".join(map(str, labels[:3])) + (", ..." if len(labels) > 3 else "") if labels else "texts"
