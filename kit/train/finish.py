"""The end of every run, fitted or blended: predictions stored, submission written, record last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from kit import places, records
from kit.task import decisions, outputs, submission
from kit.task.contract import Competition, Metric
from kit.train import predictions
from kit.train.record import Decision, Record, Rows
from kit.train.runs import Run


def conclude(
    competition: Competition,
    run: Run,
    *,
    oof: dict[str, np.ndarray],
    test: dict[str, np.ndarray],
    sample: Path,
    train_rows: int,
    labels: outputs.Values | None,
    facts: dict[str, Any],
    scored: bool = True,
) -> Run:
    """Finish `run`: `oof.npz`, `test.npz`, `submission.csv`, and last `run.json` with scores and `facts`, the other
    fields of a Record.

    `oof` has ids, fold, y, pred and the columns that the metrics need of the held-out rows, and no rows when none was
    held out; `test` has ids and pred; `sample` is the sample submission; `labels` are the label values in the order of
    the probability columns. A decision that is chosen on out-of-fold predictions is chosen here, for the
    submission on all of them; what is scored is each fold decided as chosen on the others. Without `scored` nothing is:
    the predictions were chosen on the very rows. Raises KitError when the submission would be refused.
    """
    metric, form = competition.metric, competition.submission
    scores: dict[str, float] = {}
    also: dict[str, float] = {}
    decision: Decision | None = None

    def score(by: Metric, pred: np.ndarray, rows: Any = slice(None)) -> float:
        return by.score(oof["y"][rows], pred[rows], {name: column[rows] for name, column in oof.items()}, labels)

    if len(oof["ids"]):
        predictions.save(run.folder / "oof.npz", **oof)
    if len(oof["ids"]) and scored:
        judged = decisions.nested(competition, oof["fold"], oof["y"], oof["pred"])
        for number in np.unique(oof["fold"]):
            rows = oof["fold"] == number
            scores[str(number)] = score(metric, judged, rows)
        # What a decision leaves is a label; other metrics than those of labels judge the probabilities behind it.
        decided = (None, "labels")
        also = {
            other.name: score(other, judged if other.predictions in decided else oof["pred"])
            for other in competition.also
        }
        if decisions.fits(competition) and len(scores) > 1:
            form = replace(form, decide=decisions.fit(competition, oof["y"], oof["pred"]))
            decision = Decision(
                chosen=decisions.facts(form.decide),
                score=score(metric, np.asarray(form.decide(oof["pred"]))),
                unchosen=score(metric, np.asarray(competition.submission.decide(oof["pred"]))),
            )
    predictions.save(run.folder / "test.npz", **test)
    with places.whole(run.submission) as part:
        submission.write(form, test["ids"], test["pred"], sample, part)
    values = list(scores.values())
    return run.finish(
        Record(
            name=run.name,
            plan=run.plan,
            metric=metric.name,
            higher_is_better=metric.higher_is_better,
            oof_score=score(metric, judged) if scores else None,
            also=also,
            decision=decision,
            fold_scores=scores,
            mean=float(np.mean(values)) if scores else None,
            sd=float(np.std(values, ddof=1)) if len(scores) > 1 else None,
            rows=Rows(train=train_rows, out_of_fold=len(oof["ids"]), test=len(test["ids"])),
            finished=records.now(),
            **facts,
        )
    )
