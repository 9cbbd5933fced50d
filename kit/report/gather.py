"""What the page shows of one competition, gathered from its runs, its data and what was explored of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from kit.judge import compare as judge
from kit.judge.standing import Comparison
from kit.report import behind, charts, media, studies
from kit.report.behind import HEAT, Line, Matrix
from kit.task.catalog import Entry
from kit.train.runs import Run
from kit.words import duration, figure

PICTURES = 3_000_000
"""Bytes of explore's pictures on the page, and of those of all studies."""


@dataclass
class Section:
    """One competition. `columns` are those of the table in which a run has something; `island` are the numbers of all
    runs, a list for each column."""

    name: str
    summary: str
    sample: bool
    metric: str
    higher_is_better: bool
    words: list[str]
    facts: list[tuple[str, str, str]]
    charts: list[tuple[str, str, Markup]]
    lines: list[Line]
    columns: set[str]
    island: dict[str, list[Any]]
    alike: Matrix | None
    studies: list[studies.Study]
    pictures: list[tuple[str, str]]
    unfinished: list[str]
    notes: list[str]


def section(entry: Entry, runs: Sequence[Run], *, public_share: float | None = None, pictures: bool = True) -> Section:
    """What the page shows of a competition's `runs` of the entry's data.

    Raises KitError where the declaration cannot be read.
    """
    mine = [run for run in runs if run.plan.sample == entry.sample]
    compared = judge.compare(entry, mine, public_share=public_share)
    metric = entry.competition.metric
    notes: list[str] = []
    lines = [behind.line(one) for one in compared.standings]
    behind.judged(entry, compared, lines, notes)
    groups = _seed_groups(compared)
    drawn: list[tuple[str, str, Markup | None]] = [
        ("Scores", _about_scores(compared), charts.scores(compared)),
        ("Progress", "Orange: better than all before by more than one standard error of the difference (the Ladder's "
         "rule). Blue: within the noise of the best before, or worse.", charts.over_time(compared)),
        ("CV and leaderboard", "The band is what the choice of rows alone can do, two standard errors. A dot outside "
         "it (orange) tells of something else: a leak, folds unlike the test rows, or a public part unlike the rest.",
         charts.against_public(compared)),
        ("Seeds", "Runs that differ in nothing but the seed: how far apart chance alone sets them.",
         charts.seeds(groups, metric.name)),
    ]  # fmt: skip
    return Section(
        entry.name,
        entry.summary,
        entry.sample,
        metric.name,
        metric.higher_is_better,
        compared.words(),
        _facts(compared, mine),
        [(title, about, chart) for title, about, chart in drawn if chart is not None],
        lines,
        {name for each in lines for name, text in each.cells.items() if text},
        _island(lines),
        _alike(compared),
        studies.tables(entry, PICTURES if pictures else 0),
        media.pictures(entry.data / "explore", PICTURES) if pictures else [],
        [run.name for run in mine if not run.finished],
        notes,
    )


def _about_scores(compared: Comparison) -> str:
    by = {one.by for one in compared.standings}
    said = "Dots are CV scores, lines their 95% intervals" + (" by rows" if "rows" in by else "")
    said += (
        ", dashed where only the folds are known" if {"rows", "folds"} <= by else " by folds" if by == {"folds"} else ""
    )
    if any(one.public is not None for one in compared.standings):
        said += "; orange dots are public scores"
    if compared.within_noise():
        said += "; hollow ones differ from the best by no more than noise"
    return f"{said}. The band is the interval of the best."


def _facts(compared: Comparison, runs: Sequence[Run]) -> list[tuple[str, str, str]]:
    """The figures at the top: name, figure, and what it means."""
    best = compared.best
    seconds = sum(run.record.fit_seconds for run in runs if run.finished)
    facts = [("Runs", str(len(runs)), f"{duration(seconds)} of training")]
    if best is not None and best.run.score is not None:
        half = None if best.low is None or best.high is None else (best.high - best.low) / 2
        noise = "" if half is None else f"± {figure(half)} by chance"
        facts.append(("Best CV", figure(best.run.score), noise))
        if compared.expected is not None and compared.luck:
            facts.append(("Expected of it", figure(compared.expected), f"after {compared.tried} tries"))
    public = [one for one in compared.standings if one.public is not None]
    if public:
        top = (max if compared.higher_is_better else min)(public, key=lambda one: one.public or 0.0)
        rank = top.run.kaggle().get("rank")
        facts.append(("Best public", figure(top.public or 0.0), f"rank {rank:,}" if rank else charts.label(top.run)))
    return facts


def _seed_groups(compared: Comparison) -> list[tuple[str, list[float]]]:
    groups: dict[tuple, list[float]] = defaultdict(list)
    for one in compared.standings:
        plan = one.run.plan
        if one.seeds > 1 and not one.left_out and one.run.score is not None:
            groups[plan.label, repr(sorted(plan.settings.items())), plan.scheme, plan.folds, plan.only].append(
                one.run.score
            )
    return [(key[0], scores) for key, scores in groups.items()][: charts.MOST]


def _alike(compared: Comparison) -> Matrix | None:
    """Correlations of errors in hundredths, the darker the more alike."""
    if compared.errors is None:
        return None
    runs = {one.run.name: one.run for one in compared.standings}
    names = [charts.label(runs[name]) for name in compared.alike]
    cells = [
        [
            (round(100 * value), 0 if i == j else int(np.clip(round(HEAT * value), 0, HEAT)))
            for j, value in enumerate(line)
        ]
        for i, line in enumerate(compared.errors.tolist())
    ]
    return Matrix(names, cells)


def _island(lines: Sequence[Line]) -> dict[str, list[Any]]:
    """The numbers by which the table is sorted, a list for each column, None where there is none."""
    runs = [line.standing for line in lines]
    return {
        "run": [one.run.name for one in runs],
        "recipe": [charts.label(one.run) for one in runs],
        "cv": [one.run.score for one in runs],
        "interval": [None if one.low is None or one.high is None else (one.high - one.low) / 2 for one in runs],
        "sd": [one.run.record.sd for one in runs],
        "seeds": [one.seed_sd for one in runs],
        "public": [one.public for one in runs],
        "private": [one.private for one in runs],
        "gap": [one.gap for one in runs],
        "behind": [one.behind for one in runs],
        "p": [None if one.test is None else one.test.p for one in runs],
        "errors": [one.correlation for one in runs],
        "verdict": [one.verdict for one in runs],
        "time": [one.run.record.fit_seconds for one in runs],
        "finished": [one.run.record.finished for one in runs],
        "compared": [not one.left_out for one in runs],
    }
