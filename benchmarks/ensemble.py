"""Choosing the weights of a blend: `kit ensemble` against `hillclimbers` and AutoGluon's greedy selection.

    pip install hillclimbers==0.1.4
    python -m benchmarks.ensemble --rows 1000000 --runs 50 --peer-seconds 120

Made-up probabilities of two classes: runs share errors in five families and differ in how good they are. kit selects
25 times, on all rows and again without each of five folds. AutoGluon's selection is its algorithm as it stands in
`core/models/greedy_ensemble/ensemble_selection.py`, 25 picks, with the functions that its scorers call: log loss and
AUC by NumPy on one column, F1 and accuracy by scikit-learn. hillclimbers gets scikit-learn's functions, as its README
has it. A peer that is not done after `--peer-seconds` is stopped. Of AutoGluon's picks, which cost the same each, the
rest is reckoned; of hillclimbers it is told how many evaluations were made, of which a round has 2,450 of 50 runs.
`cpu` are seconds of the processor, which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from kit.judge import climb, scorers
from kit.judge.scoring import Pool
from kit.task import merging, metrics
from kit.task.contract import Metric

PICKS, FOLDS = 25, 5
METRICS = {"log loss": metrics.log_loss, "AUC": metrics.auc, "F1": metrics.f1, "accuracy": metrics.accuracy}


def made(rows: int, runs: int, seed: int = 0) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Targets 0 or 1, probabilities (rows, 2) float32 of each run, and folds."""
    random = np.random.default_rng(seed)
    signal = 1.5 * random.normal(0, 1, rows).astype(np.float32)
    y = (random.random(rows) < 1 / (1 + np.exp(-signal))).astype(np.int64)
    families = [random.normal(0, 1, rows).astype(np.float32) for _ in range(5)]
    preds = []
    for run in range(runs):
        error = 0.5 * families[run % 5] + (0.6 + 0.02 * run) * random.normal(0, 1, rows).astype(np.float32)
        p = 1 / (1 + np.exp(-(0.8 * signal + 0.6 * error)))
        preds.append(np.stack([1 - p, p], axis=1).astype(np.float32))
    return y, preds, random.integers(0, FOLDS, rows)


def with_kit(metric: Metric, y: np.ndarray, preds: list[np.ndarray], fold: np.ndarray) -> dict[str, Any]:
    """Seconds of the selection on all rows, and of the same with those that are nested in folds."""
    started, spent = time.perf_counter(), time.process_time()
    scorer = scorers.of(Pool(metric, merging.mean, preds, y, fold, {}, None))
    found = climb.climb(scorer)
    plain, plain_cpu = time.perf_counter() - started, time.process_time() - spent
    for number in range(FOLDS):
        climb.climb(scorer, number)
    nested, nested_cpu = time.perf_counter() - started, time.process_time() - spent
    score = metric.score(y, merging.mean(preds, climb.weights(found)))
    return {"plain": plain, "nested": nested, "plain cpu": plain_cpu, "nested cpu": nested_cpu, "score": score}


def errors_of(metric: Metric) -> Callable[[np.ndarray, np.ndarray], float]:
    """What AutoGluon's scorer computes of one column of probabilities, lower is better."""
    from sklearn.metrics import accuracy_score, f1_score

    def log_loss(y: np.ndarray, p: np.ndarray) -> float:
        p = np.clip(p.astype(float), 1e-15, 1 - 1e-15)
        return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())

    def auc(y: np.ndarray, p: np.ndarray) -> float:
        order = np.argsort(p, kind="mergesort")[::-1]
        p, true = p[order], y[order]
        ends = np.r_[np.nonzero(np.diff(p))[0], len(p) - 1]
        hits = np.cumsum(true)[ends]
        false = 1 + ends - hits
        return float(1 - np.trapezoid(np.r_[0, hits] / hits[-1], np.r_[0, false] / false[-1]))

    return {
        "log loss": log_loss,
        "AUC": auc,
        "F1": lambda y, p: float(1 - f1_score(y, (p >= 0.5).astype(int), pos_label=1)),
        "accuracy": lambda y, p: float(1 - accuracy_score(y, (p >= 0.5).astype(int))),
    }[metric.name]


def with_autogluon(metric: Metric, y: np.ndarray, preds: list[np.ndarray], most: float) -> dict[str, Any]:
    """The selection of `EnsembleSelection`, its rounding and its preference for runs that are picked already."""
    error, columns = errors_of(metric), [pred[:, 1] for pred in preds]
    random = np.random.RandomState(0)
    picked: list[int] = []
    met: list[float] = []
    total, weighted, tried = (np.zeros(len(y)) for _ in range(3))
    started, spent, rounded = time.perf_counter(), time.process_time(), False
    for step in range(PICKS):
        if step:
            total *= (step - 1) / step
            total += columns[picked[-1]] / step
            weighted[:] = step / (step + 1) * total
        scores = np.zeros(len(columns))
        for run, column in enumerate(columns):
            tried[:] = weighted + 1 / (step + 1) * column
            scores[run] = error(y, tried)
            scores[run] = scores[run].round(6) if rounded else scores[run]
        best = np.argwhere(scores == scores.min()).flatten()
        known = [run for run in best if run in picked]
        picked.append(int(random.choice(known or best)))
        met.append(scores[picked[-1]])
        rounded = rounded or abs(met[0]) > 1e-4
        if time.perf_counter() - started > most:
            break
    seconds, cpu = time.perf_counter() - started, time.process_time() - spent
    counts = np.bincount(picked[: int(np.argmin(met)) + 1], minlength=len(preds))
    score = metric.score(y, merging.mean(preds, counts))
    whole = PICKS / len(picked)
    return {"seconds": seconds * whole, "cpu": cpu * whole, "picks": len(picked), "score": score}


class Enough(Exception):
    """hillclimbers has had its seconds."""


def with_hillclimbers(metric: Metric, y: np.ndarray, preds: list[np.ndarray], most: float) -> dict[str, Any]:
    """`climb_hill` with its defaults, without pictures; None where it is not installed."""
    try:
        import hillclimbers  # type: ignore[import-not-found]
    except ImportError:
        return {"seconds": None}
    import pandas as pd
    from sklearn import metrics as sk

    functions = {
        "log loss": sk.log_loss,
        "AUC": sk.roc_auc_score,
        "F1": lambda true, p: sk.f1_score(true, p >= 0.5),
        "accuracy": lambda true, p: sk.accuracy_score(true, p >= 0.5),
    }
    started, spent, asked, best = time.perf_counter(), time.process_time(), 0, [np.inf]
    sign = -1 if metric.higher_is_better else 1

    def score(true: Any, p: Any) -> float:
        nonlocal asked
        if time.perf_counter() - started > most:
            raise Enough
        asked += 1
        value = float(functions[metric.name](true, p))
        best.append(min(best[-1], sign * value))
        return value

    score.__name__ = metric.name
    table = pd.DataFrame({f"run {at}": pred[:, 1] for at, pred in enumerate(preds)})
    done = False
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Enough):
        hillclimbers.climb_hill(
            train=pd.DataFrame({"target": y}),
            oof_pred_df=table,
            test_pred_df=table.head(2),
            target="target",
            objective="maximize" if metric.higher_is_better else "minimize",
            eval_metric=hillclimbers.partial(score),
            plot_hill=False,
        )
        done = True
    seconds, cpu = time.perf_counter() - started, time.process_time() - spent
    return {"seconds": seconds, "cpu": cpu, "evaluations": asked, "done": done, "score": sign * best[-1]}


def main() -> None:
    """Measure and print a line a metric."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--runs", type=int, default=50)
    asked.add_argument("--peer-seconds", type=float, default=120)
    asked.add_argument("--metrics", default=",".join(METRICS))
    given = asked.parse_args()
    y, preds, fold = made(given.rows, given.runs)
    data = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    ours = {name: with_kit(METRICS[name], y, preds, fold) for name in given.metrics.split(",")}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{given.runs} runs x {given.rows:,} rows; GiB at most: {data:.2f} with the rows alone, {memory:.2f} with kit"
    )
    for name, kit in ours.items():
        gluon = with_autogluon(METRICS[name], y, preds, given.peer_seconds)
        hill = with_hillclimbers(METRICS[name], y, preds, given.peer_seconds)
        print(f"{name}\n  kit          {told(kit)}\n  AutoGluon    {told(gluon)}\n  hillclimbers {told(hill)}")
        wall, cpu, nested = kit["plain"] / gluon["seconds"], kit["plain cpu"] / gluon["cpu"], kit["nested cpu"]
        print(
            f"  kit takes {wall:.3f} of AutoGluon's seconds and {cpu:.3f} of its processor seconds; nested "
            f"{nested / kit['plain cpu']:.2f} of plain",
            flush=True,
        )


def told(figures: dict[str, Any]) -> str:
    """Figures in a line; seconds are followed by those of the processor."""
    return ", ".join(
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
    )


if __name__ == "__main__":
    main()
