"""What stands behind a run's line on the page: facts, settings, curves, what it takes for what, its worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from kit.drawing import judgement
from kit.drawing.judgement import Classes
from kit.errors import KitError
from kit.judge.standing import Comparison, Standing
from kit.report import charts, media
from kit.report.media import Shown
from kit.task.catalog import Entry
from kit.task.contract import Data
from kit.train import keeping, predictions
from kit.words import duration, figure, size

CLASSES = 20
"""Classes up to which a matrix of confusions can be read; of more, the pairs that are confused most are listed."""

PAIRS = 15
"""Pairs of classes that are listed."""

JUDGED = 5
"""Best runs of which the page shows what they take for what."""

MISTAKES = 12
"""Worst mistakes of the best run."""

HEAT = 9
"""Shades of a matrix's cells."""


class Matrix(NamedTuple):
    """How often each class was predicted as each: `cells` are lines of (count, shade 0 to HEAT)."""

    names: list[str]
    cells: list[list[tuple[int, int]]]


class Pair(NamedTuple):
    """Two classes that are confused, how often, and of how many rows of the true one."""

    true: str
    predicted: str
    rows: int
    of: int


class Wrong(NamedTuple):
    """One of the worst mistakes."""

    id: str
    true: str
    predicted: str
    surety: float | None
    shown: Shown


@dataclass
class Details:
    """What stands behind a run's line."""

    facts: list[tuple[str, str]]
    settings: list[tuple[str, str]]
    folds: list[tuple[str, str]]
    curves: list[tuple[str, Markup]] = field(default_factory=list)
    matrix: Matrix | None = None
    pairs: list[Pair] = field(default_factory=list)
    mistakes: list[Wrong] = field(default_factory=list)
    wrong: int | None = None


class Line(NamedTuple):
    """A run's line in the table, and what stands behind it."""

    standing: Standing
    cells: dict[str, str]
    tags: tuple[str, ...]
    note: str
    details: Details


def line(one: Standing) -> Line:
    run, known = one.run, one.run.record
    kept = keeping.listed(run)

    def said(value: float | None, sign: str = "") -> str:
        return "" if value is None else (("+" if sign and value > 0 else "") + figure(value))

    cells = {
        "cv": said(run.score),
        "interval": "" if one.low is None or one.high is None else f"± {figure((one.high - one.low) / 2)}",
        "sd": said(known.sd),
        "seeds": "" if one.seed_sd is None else f"{figure(one.seed_sd)} of {one.seeds}",
        "public": said(one.public),
        "private": said(one.private),
        "gap": said(one.gap, "+"),
        "behind": said(one.behind, "+"),
        "p": "" if one.test is None else f"{one.test.p:.3f}" if one.test.p >= 0.0005 else "<0.001",
        "errors": "" if one.correlation is None else f"{one.correlation:.2f}",
        "verdict": one.verdict,
        "time": duration(known.fit_seconds) or "",
        "finished": known.finished[:16].replace("T", " "),
    }
    return Line(one, cells, kept.tags, kept.text, _details(one))


def _details(one: Standing) -> Details:
    run, known = one.run, one.run.record
    facts = [
        ("judged by", known.split + (f", fold {run.plan.only} only" if run.plan.only is not None else "")),
        ("rows", f"{known.rows.train:,} to train on, {known.rows.out_of_fold:,} held out, {known.rows.test:,} to test"),
        ("seed", str(run.plan.seed)),
        ("device", f"{known.device} ({known.where})"),
        ("parameters", f"{known.parameters:,}" if known.parameters else ""),
        ("memory", size(known.peak_memory_bytes) if known.peak_memory_bytes else ""),
        ("git", known.git.commit[:12] + (", with changes" if known.git.dirty else "") if known.git else ""),
        ("packages", ", ".join(f"{name} {version}" for name, version in known.versions.items())),
        *((name, figure(score)) for name, score in known.also.items()),
        ("against the best", _tested(one)),
        ("over folds", f"{one.again.name}: p = {one.again.p:.3f}" if one.again else ""),
    ]
    if known.decision:
        chosen = ", ".join(f"{name} {_value(value)}" for name, value in known.decision.chosen.items())
        facts.append(("decision", f"{chosen}, chosen on the out-of-fold predictions"))
    settings = [(name, _value(value)) for name, value in run.plan.settings.items()]
    folds = [(name, figure(score)) for name, score in known.fold_scores.items()]
    return Details([(name, text) for name, text in facts if text], settings, folds, charts.curves(run))


def _value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _tested(one: Standing) -> str:
    if one.test is None:
        return ""
    reach = (
        ""
        if one.test.low is None or one.test.high is None
        else f", gain of the best {figure(one.test.low)} to {figure(one.test.high)}"
    )
    return f"{one.test.name}: p = {one.test.p:.3f}{reach}"


def judged(entry: Entry, compared: Comparison, lines: Sequence[Line], notes: list[str]) -> None:
    """Add to the best runs what they take for what, and to the best of all its worst mistakes."""
    train: Data | None = None
    shown = [line for line in lines if not line.standing.left_out and (line.standing.run.folder / "oof.npz").is_file()]
    for place, line in enumerate(shown[:JUDGED]):
        run, details = line.standing.run, line.details
        try:
            oof = predictions.load(run.folder / "oof.npz", *predictions.OOF)
            told = judgement.of(entry.competition, run.chosen, oof)
            if told is None:
                continue
            if isinstance(told, Classes):
                details.wrong = len(told.wrong)
                if len(told.names) <= CLASSES:
                    details.matrix = _confusions(told.names, told.counts())
                else:
                    details.pairs = _most_confused(told)
            if place == 0:
                train, _ = entry.competition.load(entry.public())
                details.mistakes = _mistakes(entry, train, oof["ids"], told)
        except KitError as error:
            notes.append(f"{run.name}: {error.wrong}")


def _confusions(names: list[str], counts: np.ndarray) -> Matrix:
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    off = np.where(np.eye(len(names), dtype=bool), 0, shares)
    most = off.max(initial=0.0) or 1.0
    shades = np.where(off > 0, np.clip(np.ceil(HEAT * np.sqrt(off / most)), 1, HEAT), 0).astype(int)
    return Matrix(names, [list(zip(*line, strict=True)) for line in zip(counts.tolist(), shades.tolist(), strict=True)])


def _most_confused(told: Classes) -> list[Pair]:
    wrong, many = told.wrong, len(told.names)
    codes, counts = np.unique(told.y[wrong] * many + told.label[wrong], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:PAIRS]
    sizes = np.bincount(told.y, minlength=many)
    return [
        Pair(told.names[code // many], told.names[code % many], int(times), int(sizes[code // many]))
        for code, times in zip(codes[order].tolist(), counts[order], strict=True)
    ]


def _mistakes(entry: Entry, train: Data, ids: np.ndarray, told: Classes | judgement.Values) -> list[Wrong]:
    order = np.argsort(train.ids, kind="stable")
    worst = told.worst(MISTAKES)
    rate = getattr(train.x.store, "rate", None)
    wrong = []
    for one in worst:
        at = order[min(np.searchsorted(train.ids, ids[one.at], sorter=order), len(order) - 1)]
        if train.ids[at] != ids[one.at]:
            continue
        shown = media.show(entry.competition.kind, train.x[int(at)], rate)
        wrong.append(Wrong(str(ids[one.at]), one.true, one.predicted, one.surety, shown))
    return wrong
