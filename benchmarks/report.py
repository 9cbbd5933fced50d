"""Seconds of `kit compare` and `kit report` over 200 runs of 50,000 rows, and bytes of the page.

    python -m benchmarks.report [--runs 200] [--rows 50000] [--metric accuracy|log_loss|auc|f1|rmse]

Runs are made up in a folder that is deleted: probabilities of two classes, or numbers, five folds, a history of 20
epochs each, every third run with a public score. Each command is a process of its own; the first also learns how the
competition is declared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

DECLARATION = '''"""Made-up rows of two classes, for a measurement."""

from pathlib import Path

import numpy as np

from kit.task import decisions, metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import KaggleCompetition
from kit.task.targets import Labels, Numbers


def load(public: Path) -> tuple[Data, Data]:
    rows = np.load(public / "rows.npz")
    return Data(rows["ids"], rows["x"], rows["y"]), Data(rows["ids"][:1000], rows["x"][:1000])


competition = Competition(
    source=KaggleCompetition("made-up"),
    load=load,
    split=splits.Stratified(5),
    metric=metrics.named({metric!r}),
    submission=Submission("id", "target", decide={decide}, holds={holds}),
    default="none",
)
'''
DECIDE = {"f1": "decisions.Threshold()", "rmse": "lambda pred: pred"}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=200)
    asked.add_argument("--rows", type=int, default=50_000)
    asked.add_argument("--metric", default="accuracy", choices=["accuracy", "log_loss", "auc", "f1", "rmse"])
    asked.add_argument("--repeats", type=int, default=3)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KIT_HOME"] = folder
        make(Path(folder), given.runs, given.rows, given.metric)
        for verb in ("compare", "report"):
            taken = []
            for _ in range(given.repeats):
                started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
                done = subprocess.run(
                    [sys.executable, "-m", "kit", verb, "made-up"], capture_output=True, text=True, check=True
                )
                seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
                taken.append(f"{seconds:.2f} s ({cpu:.2f} s of CPU)")
            said = f"kit {verb}, {given.runs} runs x {given.rows:,} rows, {given.metric}: "
            print(said + ", ".join(taken), flush=True)
            if verb == "compare":
                print("\n".join(line[:160] for line in done.stdout.splitlines()[-4:]))
        page = Path(folder, "submissions", "made-up", "report.html")
        print(f"page: {page.stat().st_size:,} bytes")


def make(home: Path, count: int, rows: int, metric: str) -> None:
    """The competition, its rows, and its runs, a little better from one to the next."""
    from kit.task import catalog, decisions
    from kit.train import predictions, record, runs
    from kit.train.record import Plan, Record, Rows

    folder = home / "competitions" / "made_up"
    folder.mkdir(parents=True)
    numbers = metric == "rmse"
    decide = DECIDE.get(metric, "metrics.labels" if metric == "accuracy" else "lambda pred: pred[:, 1]")
    holds = "Labels((0, 1))" if metric in ("accuracy", "f1") else "Numbers()"
    (folder / "competition.py").write_text(DECLARATION.format(metric=metric, decide=decide, holds=holds))
    random = np.random.default_rng(0)
    public = home / "data" / "made-up" / "public"
    public.mkdir(parents=True)
    ids = np.arange(rows)
    y = random.normal(0, 1, rows) if numbers else (random.random(rows) < 0.4).astype(np.int64)
    np.savez(public / "rows.npz", ids=ids, x=random.random((rows, 4), np.float32), y=y)
    (public.parent / "manifest.json").write_text("{}")
    entry = catalog.find("made-up")
    scored, fold = entry.competition.metric, ids % 5
    hard = random.normal(0, 1, rows).astype(np.float32)
    for number in range(count):
        noise = 0.7 * hard + random.normal(0, 0.8 + 0.2 * (count - number) / count, rows).astype(np.float32)
        logit = 1.5 * (y - 0.5) + noise
        p = 1 / (1 + np.exp(-logit))
        pred = (y + 0.5 * noise if numbers else np.stack([1 - p, p], 1)).astype(np.float32)
        plan = Plan("made-up", f"model{number // 3}", "", {"rate": 0.1, "depth": number // 3}, seed=number % 3)
        run = runs.create(plan)
        predictions.save(run.folder / "oof.npz", ids=ids, fold=fold, y=y, pred=pred)
        judged = decisions.nested(entry.competition, fold, y, pred)
        score = scored.score(y, judged)
        folds = {str(at): scored.score(y[fold == at], judged[fold == at]) for at in range(5)}
        for at in range(5):
            (run.folder / f"fold-{at}").mkdir()
            lines = [f"{step},{step},{1 / step:.5f},{0.1 + 1 / step + step / 60:.5f}" for step in range(1, 21)]
            text = "step,seconds,loss,val_loss\n" + "\n".join(lines) + "\n"
            (run.folder / f"fold-{at}" / "history.csv").write_text(text)
        if number % 3 == 0:
            sent = {"public_score": score - 0.003, "private_score": score + 0.001, "status": "complete"}
            (run.folder / "kaggle.json").write_text(json.dumps(sent))
        run.finish(
            Record(
                name=run.name,
                plan=plan,
                metric=scored.name,
                higher_is_better=scored.higher_is_better,
                split="Stratified(folds=5, seed=0)",
                groups=None,
                oof_score=score,
                rows=Rows(rows, rows, 1000),
                fit_seconds=60.0,
                seconds=70.0,
                where="local",
                device="a processor, 2 cores",
                versions={"python": "3.11.7", "numpy": "2.4.6", "pandas": "3.1.1", "scikit-learn": "1.9.1"},
                finished=f"2026-01-01T{number // 60:02d}:{number % 60:02d}:00Z",
                fold_scores=folds,
                mean=float(np.mean([*folds.values()])),
                sd=float(np.std([*folds.values()], ddof=1)),
            )
        )
        record.write(run.folder / record.PLAN, plan)


if __name__ == "__main__":
    main()
