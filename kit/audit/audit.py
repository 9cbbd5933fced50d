"""All detectors over one competition: what each has to say, in the order of how much it matters."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kit import places
from kit.audit import labels, near, order, pairs, shift
from kit.audit.finding import NAMES, Finding
from kit.errors import KitError
from kit.explore import columns
from kit.explore import table as tables
from kit.judge import choose
from kit.notes import tell
from kit.task import decisions, outputs, splits
from kit.task.catalog import Entry
from kit.task.contract import Competition, Data, Kind
from kit.train import predictions
from kit.train.runs import Run
from kit.words import count

MOST: dict[Kind, int] = {"text": 300_000, "table": 2_000_000, "image": 100_000, "audio": 50_000}
"""Rows of train, and of test, in which repeats are looked for: images and recordings are compared each with each, and a
text takes 512 bytes of minima and 8 for each of its pieces."""

EXAMPLES = 5
"""Examples of a finding."""

TARGET = 0.99
"""The share of the target's loss that a column alone explains from which it is called the target itself."""


@dataclass(frozen=True)
class Audit:
    """What was found, and the groups of train rows that all detectors of repeats join together, (rows,); None where
    each row is its own."""

    findings: tuple[Finding, ...]
    ids: np.ndarray
    group: np.ndarray | None

    @property
    def leaks(self) -> list[Finding]:
        """Leaks that the competition does not acknowledge."""
        return [one for one in self.findings if one.level == "leak" and not one.acknowledged]


def audit(entry: Entry, runs: tuple[Run, ...] = ()) -> Audit:
    """Look at the entry's rows, and at the best of `runs` for its labels.

    Raises KitError when the data is not here, and for a name in `acknowledged` that no finding has.
    """
    competition = entry.competition
    if unknown := sorted(set(competition.acknowledged) - set(NAMES)):
        raise KitError(
            f"{entry.name} acknowledges {unknown[0]!r}, which no finding is called.", f"Known: {', '.join(NAMES)}."
        )
    tell("Reading")
    train, test = competition.load(entry.public())
    part, tests = (_drawn(data, MOST[competition.kind]) for data in (train, test))
    tell("Looking for rows that repeat each other")
    exact, alike = _repeats(competition, part, tests)
    findings = [
        *_across_folds(competition, train, part, exact, alike),
        *_target(train, test),
        *_across_sets(part, tests, exact, alike),
        *_conflicts(part, exact, alike),
    ]
    tell("Looking at labels and order")
    findings += [*_doubts(entry, train, runs), *_order(train)]
    tell("Telling test rows from train rows")
    findings += _shift(competition, train, test)
    group = _groups(part, exact, alike)
    findings += _offered(part, group)
    if len(part) < len(train) or len(tests) < len(test):
        said = f"Repeats were looked for in {len(part):,} of {len(train):,} train rows and {len(tests):,} of "
        findings.append(Finding("rows", "note", 0, f"{said}{len(test):,} test rows, drawn by lot."))
    known = competition.acknowledged
    found = tuple(one._replace(acknowledged=known.get(one.name, "")) for one in findings)
    return Audit(found, part.ids, group)


def _drawn(data: Data, most: int) -> Data:
    """The rows themselves, or as many as `most` of them by lot, in their order."""
    if len(data) <= most:
        return data
    return data.rows(np.sort(np.random.default_rng(0).permutation(len(data))[:most]))


def write(found: Audit, to: Path) -> Path | None:
    """The groups as a CSV file of `id` and `group`, whole or not at all; None where there are none."""
    if found.group is None:
        return None
    with places.whole(to) as part, part.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("id", "group"))
        lines.writerows(zip(found.ids.tolist(), found.group.tolist(), strict=True))
    return to


def _repeats(competition: Competition, train: Data, test: Data) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of equal rows, and of nearly equal ones that are not equal; rows of test are numbered after train's."""
    import pandas as pd

    ours, theirs = train.x.take(), test.x.take()
    if isinstance(ours, pd.DataFrame):
        both = pd.concat([ours, theirs[[name for name in ours.columns if name in theirs.columns]]], ignore_index=True)
        exact = pairs.exact(both)
    else:
        both = np.empty(len(ours) + len(theirs), object)
        both[:] = [*(train.x[row] for row in range(len(train))), *(test.x[row] for row in range(len(test)))]
        exact = pairs.exact(both)
    alike = near.near(competition.kind, train, test)
    same = pairs.groups(len(train) + len(test), exact)
    return exact, alike[same[alike[:, 0]] != same[alike[:, 1]]]


def _across_folds(
    competition: Competition, every: Data, train: Data, exact: np.ndarray, alike: np.ndarray
) -> Iterator[Finding]:
    """Repeats that are in different folds: what a model has learned by heart is then taken for what it understands.
    `train` are those of `every` train row that were looked at, in the same order."""
    try:
        fold = splits.column(competition.split, every)
        fold = fold if len(train) == len(every) else fold[np.isin(every.ids, train.ids)]
    except KitError as error:
        yield Finding("duplicates", "warning", 0, f"The folds could not be cut: {error.wrong}")
        return
    for name, found, what in (("duplicates", exact, "equal"), ("near-duplicates", alike, "nearly equal")):
        inside = found[(found < len(train)).all(1)]
        if not len(inside):
            yield Finding(name, "note", 0, f"No two train rows are {what}.")
            continue
        # Of a chain a-b-c the ends are alike too: whole groups count.
        group = pairs.groups(len(train), inside)
        size = np.bincount(group)
        several = size[group] > 1
        lowest, highest = np.full(len(size), len(train)), np.full(len(size), -1)
        np.minimum.at(lowest, group, fold)
        np.maximum.at(highest, group, fold)
        torn = several & (lowest != highest)[group]
        cut = inside[fold[inside[:, 0]] != fold[inside[:, 1]]]
        if torn.any():
            said = (
                f"{count(int(torn.sum()), 'train row')} of {int(several.sum()):,} that are {what} to another are cut "
            )
            said += "apart by the folds: the score is too good."
            yield Finding(name, "leak", int(torn.sum()), said, _examples(train, cut if len(cut) else inside))
        else:
            said = f"{count(int(several.sum()), 'train row')} are {what} to another, each with all of them in one fold."
            yield Finding(name, "note", int(several.sum()), said, _examples(train, inside))


def _across_sets(train: Data, test: Data, exact: np.ndarray, alike: np.ndarray) -> Iterator[Finding]:
    """Test rows that repeat train rows: they are easier than folds without repeats say."""
    for name, found, what in (("test-duplicates", exact, "equal"), ("near-test-duplicates", alike, "nearly equal")):
        # A test row may be tied to a train row by another test row.
        group = pairs.groups(len(train) + len(test), found)
        known = np.isin(group[len(train) :], group[: len(train)])
        if not known.any():
            continue
        crossing = found[(found[:, 0] < len(train)) != (found[:, 1] < len(train))]
        ids = np.concatenate([train.ids.astype(str), test.ids.astype(str)])
        examples = tuple(f"{ids[one]} and test {ids[other]}" for one, other in np.sort(crossing, axis=1)[:EXAMPLES])
        said = f"{count(int(known.sum()), 'test row')} of {len(test):,} ({known.mean():.1%}) are {what} to a train row."
        yield Finding(name, "warning", int(known.sum()), said, examples)


def _conflicts(train: Data, exact: np.ndarray, alike: np.ndarray) -> Iterator[Finding]:
    """Rows that repeat each other under different labels."""
    if train.y is None or train.y.ndim > 1 or train.y.dtype.kind == "f":
        return
    for found, what in ((exact, "equal"), (alike, "nearly equal")):
        inside = found[(found < len(train)).all(1)]
        mixed = inside[train.y[inside[:, 0]] != train.y[inside[:, 1]]]
        if len(mixed):
            rows = len(np.unique(mixed))
            said = f"{count(rows, 'train row')} have another label than a row that is {what}."
            yield Finding("conflicting-labels", "warning", rows, said, _examples(train, mixed, labels=True))


def _target(train: Data, test: Data) -> Iterator[Finding]:
    """A column that is the target itself."""
    table = train.x.take()
    target = tables.indicators(train.y)
    if not hasattr(table, "columns") or target is None:
        return
    for one in columns.described(table, test.x.take(), target):
        if (one.tells or 0.0) >= TARGET:
            said = f"The column {one.name!r} alone explains {one.tells:.1%} of the target: it may hold the answer."
            yield Finding("target-column", "leak", len(train), said)


def _doubts(entry: Entry, train: Data, runs: tuple[Run, ...]) -> Iterator[Finding]:
    """Labels that are likely wrong, by the best run's out-of-fold predictions."""
    best = choose.best(entry, runs)
    if best is None or not (best.folder / "oof.npz").is_file() or train.y is None:
        return
    try:
        oof = predictions.load(best.folder / "oof.npz", *predictions.OOF)
        values = decisions.labels(entry.competition, oof["y"])
        values = outputs.classes(oof["y"], outputs.columns(oof["y"], oof["pred"]), values)
        if entry.competition.metric.predictions in (None, "numbers"):
            return
        p = outputs.probabilities(oof["pred"], values)
        y = outputs.index(outputs.plain(oof["y"]), values)
    except KitError as error:
        tell(f"Labels were not looked at: {error.wrong}")
        return
    doubts = labels.doubtful(y, np.asarray(p, np.float64))
    names = np.asarray(values).astype(str)
    examples = tuple(
        f"{oof['ids'][row]}: {names[y[row]]}, more likely {names[other]} ({own:.2f} for its label)"
        for row, other, own in list(zip(*doubts, strict=True))[:EXAMPLES]
    )
    said = f"{count(len(doubts.rows), 'label')} of {len(y):,} may be wrong, by {best.name} (confident learning)."
    yield Finding("label-errors", "warning" if len(doubts.rows) else "note", len(doubts.rows), said, examples)


def _order(train: Data) -> Iterator[Finding]:
    if train.y is None:
        return
    for one in order.told(train.ids, train.y):
        if one.share is not None:
            how = f"neighbours share a label in {one.share:.1%} of cases, and by chance in {one.usual:.1%}"
        else:
            how = "neighbours are more alike than by chance"
        said = f"{one.by.capitalize()} tell{'s' * one.by.endswith('file')} of the target: {how}. No model may see it."
        yield Finding("order", "warning", len(train), said)


def _shift(competition: Competition, train: Data, test: Data) -> Iterator[Finding]:
    null = shift.measured(competition.kind, train, test)
    if null is None:
        return
    said = (
        f"Test rows are told from train rows with an AUC of {null.auc:.3f}; by lot it is {max(null.shuffled):.3f} at "
    )
    said += f"most in {len(null.shuffled)} tries (p = {null.p:.2f})."
    if null.real and null.words:
        said += f" Most telling: {', '.join(null.words)}."
    yield Finding("shift", "warning" if null.real else "note", len(test), said)


def _groups(train: Data, exact: np.ndarray, alike: np.ndarray) -> np.ndarray | None:
    """Groups over all detectors of repeats, and over those that the competition declares."""
    found = np.concatenate([exact, alike])
    joined = [found[(found < len(train)).all(1)]]
    if train.group is not None:
        joined.append(pairs.chained(np.unique(train.group.astype(str), return_inverse=True)[1]))
    every = np.concatenate(joined)
    return pairs.groups(len(train), every) if len(every) else None


def _offered(train: Data, group: np.ndarray | None) -> Iterator[Finding]:
    """The groups, where the competition's own are not the same."""
    if group is None:
        return
    many = int((np.bincount(group) > 1).sum())
    if train.group is not None and len(np.unique(train.group.astype(str))) == group.max() + 1:
        return
    said = f"{count(many, 'group')} of several rows would keep repeats in one fold; {group.max() + 1:,} groups in all."
    yield Finding("groups", "note", int((np.bincount(group)[group] > 1).sum()), said)


def _examples(train: Data, found: np.ndarray, *, labels: bool = False) -> tuple[str, ...]:
    def said(row: int) -> str:
        return f"{train.ids[row]}" + (f" ({train.y[row]})" if labels and train.y is not None else "")

    return tuple(f"{said(one)} and {said(other)}" for one, other in found[:EXAMPLES].tolist())
