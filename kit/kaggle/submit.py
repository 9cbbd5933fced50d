"""What is sent to Kaggle: chosen, checked, and shown before it goes."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from kit import records
from kit.errors import KitError
from kit.judge import changes, choose
from kit.kaggle import ledger
from kit.notes import tell
from kit.task import lines, submission
from kit.task.catalog import Entry
from kit.train import runs
from kit.train.runs import Run


class Parcel(NamedTuple):
    """A checked file, ready to be sent. `run` is None for a file of the user's own."""

    file: Path
    run: Run | None
    rows: submission.Rows
    sha256: str
    message: str


def choose_run(entry: Entry, word: str | None) -> Run | None:
    """The run that `word` names, else the best by cross-validation; None when there is none to choose from.

    Raises KitError when the named run is unknown, unfinished, or of other data than `entry` names.
    """
    if word is None:
        known = [run for run in runs.every(entry.name) if run.plan.sample == entry.sample]
        for place in choose.ranked(entry, known):
            if place.left_out:
                tell(f"Left out: run {place.run.name} {place.left_out}.")
        return choose.best(entry, known)
    run = choose.sendable(runs.find(entry.name, word))
    if run.plan.sample != entry.sample:
        what = "the embedded sample" if run.plan.sample else "the real data"
        flag = " --sample" if run.plan.sample else ""
        raise KitError(
            f"Run {run.name} was trained on {what}.",
            "It can only be checked against the data it predicts.",
            f"kit submit {entry.name} {run.name} --dry-run{flag}",
        )
    return run


def pack(entry: Entry, file: Path, run: Run | None, *, code: bool = False) -> Parcel:
    """The file, checked against the competition's sample submission.

    With `code` it is what a kernel left that is going to be run again on hidden rows. Where the kernel saw fewer test
    rows than lie here, as on an emulator that hosts this very data, the file is read and not compared. Raises KitError,
    naming row or column, when Kaggle would refuse it.
    """
    form = entry.competition.submission
    sample = entry.public() / form.sample
    rows = submission.read(form, file) if code else {}
    if not rows or len(rows) >= len(lines.of_sample(form, sample)):
        rows = submission.check(form, file, sample)
    return Parcel(file, run, rows, records.sha256(file), message(run, file))


def earlier(entry: Entry, parcel: Parcel) -> dict[str, dict[str, Any]]:
    """How the file differs from the last and from the best one that were sent, under `last` and `best`; each with how
    far the score can move, where the metric bounds that. Files that are gone, or are the same bytes, are left out."""
    metric = entry.competition.metric
    sent = [one for one in ledger.read(entry) if one.ref and one.sha256 != parcel.sha256]
    scored = {one.id: one.public_score for one in sent if one.public_score is not None}
    chosen = {"last": sent[-1].id if sent else "", "best": metric.best(scored) if scored else ""}
    against: dict[str, dict[str, Any]] = {}
    for word, wanted in chosen.items():
        attempt = next((one for one in sent if one.id == wanted), None)
        if attempt is None or not os.path.isfile(attempt.path):
            continue
        try:
            change = changes.difference(submission.read(entry.competition.submission, attempt.path), parcel.rows)
        except KitError as error:
            tell(f"Not compared with submission {attempt.ref}: {error.wrong}")
            continue
        against[word] = {
            "ref": attempt.ref,
            "name": attempt.run or attempt.name,
            "public_score": attempt.public_score,
            "rows_changed": change.changed,
            "share_changed": change.share,
            "commonest": [list(move) for move in change.moves],
            "score_moves_at_most": changes.most(metric, change),
        }
    return against


def words(entry: Entry, rows: int, facts: dict[str, Any]) -> str:
    """One entry of `earlier` as a sentence."""
    score = "" if facts["public_score"] is None else f", public {facts['public_score']:.5f}"
    text = (
        f"{facts['name']} (ref {facts['ref']}{score}): {facts['rows_changed']:,} of {rows:,} labels differ, "
        f"{facts['share_changed']:.2%}"
    )
    if entry.competition.submission.labels is not None and facts["commonest"]:
        text += " (" + ", ".join(f"{old}→{new} {count:,}" for old, new, count in facts["commonest"]) + ")"
    if (most := facts["score_moves_at_most"]) is not None:
        text += f"; {entry.competition.metric.name} over all rows moves by at most {most:.5f}"
    return text


def message(run: Run | None, file: Path) -> str:
    """The description that Kaggle shows beside the submission."""
    if run is None:
        return file.name
    score = f" {run.record.metric} {run.score:.5f}" if run.score is not None else ""
    commit = run.record.git.commit[:7] if run.record.git else ""
    return f"{run.name}{score}" + (f" {commit}" if commit else "")


def card(entry: Entry, parcel: Parcel) -> dict[str, Any]:
    """What would be sent, for a person to look at once more."""
    form = entry.competition.submission
    facts: dict[str, Any] = {
        "competition": entry.name,
        "file": str(parcel.file),
        "bytes": parcel.file.stat().st_size,
        "sha256": parcel.sha256,
        "rows": len(parcel.rows),
        "columns": ",".join(form.columns),
        "message": parcel.message,
    }
    if parcel.run is not None and parcel.run.score is not None:
        facts["out-of-fold"] = f"{parcel.run.record.metric} {parcel.run.score:.5f}"
    for at, column in enumerate(form.targets):
        counts = Counter(values[at] for values in parcel.rows.values())
        if len(counts) <= 20:
            facts[column] = "  ".join(f"{label}: {count:,}" for label, count in sorted(counts.items()))
    return facts
