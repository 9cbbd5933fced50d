"""AutoGluon on one competition: fitted on its training rows, its submission written. `benchmarks.any` runs it in an
environment of its own:

    uv venv /tmp/ag && uv pip install --python /tmp/ag/bin/python "autogluon.tabular[lightgbm,catboost,xgboost]"
    python -m benchmarks.any --autogluon /tmp/ag/bin/python

It imports nothing of kit. Preset medium_quality, 60 seconds of fitting, two cores. It gets what helps it: the metric,
logarithms of targets that are compared as such, lists as texts.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SECONDS = 60
METRICS = {"accuracy": "accuracy", "multiclass_log_loss": "log_loss", "map@3": "log_loss"}


def read(path: Path) -> pd.DataFrame:
    """A table, its lists as texts."""
    table = pd.read_json(path) if path.suffix == ".json" else pd.read_csv(path)
    for name in table:
        if table[name].map(lambda value: isinstance(value, list)).any():
            table[name] = table[name].map(" ".join)
    return table


def fit(train: pd.DataFrame, target: str, metric: str, seconds: float, folder: str) -> Any:
    """A fitted predictor of one column."""
    from autogluon.tabular import TabularPredictor

    predictor = TabularPredictor(target, eval_metric=metric, path=folder, verbosity=0)
    return predictor.fit(train, presets="medium_quality", time_limit=seconds, num_cpus=2, num_gpus=0)


def main(files: Path, task: dict[str, Any], out: Path) -> float:
    """Write the submission; the seconds of fitting."""
    train, test = (read(next(files.glob(f"{name}.*"))) for name in ("train", "test"))
    shown = pd.read_csv(next(path for path in files.glob("*.csv") if "ubmission" in path.name))
    targets, key = task["targets"], task["id"]
    columns = [name for name in test.columns if name in train.columns and name != key]
    if key in train and not pd.api.types.is_integer_dtype(train[key]) and task["metric"] == "rmsle":
        columns.append(key)  # a date
    logs, made = "rmsle" in task["metric"], pd.DataFrame({key: test[key]})
    source = targets if all(name in train for name in targets) else [own for own in train if own not in test]
    seconds = 0.0
    for target in source:
        rows = train[[*columns, target]].copy()
        if logs:
            rows[target] = np.log1p(rows[target])
        metric = METRICS.get(task["metric"], "root_mean_squared_error")
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            predictor = fit(rows, target, metric, SECONDS / len(source), folder)
            seconds += time.perf_counter() - started
            if task["metric"] in ("multiclass_log_loss", "map@3"):
                shares = predictor.predict_proba(test[columns])
            else:
                pred = predictor.predict(test[columns])
        if task["metric"] == "multiclass_log_loss":
            made[targets] = shares[targets].to_numpy()
        elif task["metric"] == "map@3":
            best = np.argsort(-shares.to_numpy(), axis=1)[:, :3]
            made[target] = [" ".join(shares.columns[row]) for row in best]
        else:
            made[target] = np.maximum(np.expm1(pred), 0).to_numpy() if logs else pred.to_numpy()
    made[shown.columns].to_csv(out, index=False)
    return seconds


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3]))))
