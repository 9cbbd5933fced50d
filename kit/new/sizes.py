"""Settings that suit the size of the data: what takes seconds on Titanic would take hours on a million rows."""

from __future__ import annotations

from typing import Any

from kit.new.guess import Draft
from kit.toolbox import terms

BUDGET = 300.0
"""Seconds that five folds of a recipe should take on one quiet processor core."""

LADDER: tuple[tuple[float, int], ...] = ((0.05, 5), (0.05, 3), (0.1, 3), (0.1, 2), (0.15, 1), (0.25, 1), (0.4, 1))
"""Learning rates and numbers of models, the best first; the first that the budget suits is taken."""

FOLDS = 5


def settings(draft: Draft) -> dict[str, Any]:
    """The defaults of the recipes' settings, by name."""
    rate, models = boosting(draft)
    letters, images = _letters(draft), draft.roles.train.rows if draft.roles.train else 0
    long = letters * max(1, _outputs(draft)) > 1e7
    return {
        "rate": rate,
        "rounds": int(150 / rate),
        "models": models,
        "strengths": (10.0,) if long else (3.0, 10.0, 30.0),
        "ridges": (1.0,) if long else (0.1, 0.3, 1.0, 3.0),
        "folds_of_texts": 2 if long else 3,
        "epochs": max(4, min(30, 200_000 // max(images, 1))),
        "size": draft.rows.pictures.size if draft.rows.pictures else 64,
    }


def boosting(draft: Draft) -> tuple[float, int]:
    """The learning rate of boosted trees and how many models are averaged.

    A tree takes about one second for 150 million values, and 30 µs for each column (240 µs where there are more than
    a thousand, whose histograms no longer fit into the cache); measured with XGBoost 3.2, depth 6, one thread.
    """
    train = draft.roles.train
    assert train is not None
    columns = _columns(draft)
    a_tree = train.rows * columns / 150e6 + columns * (30e-6 if columns <= 1000 else 240e-6)
    for rate, models in LADDER:
        trees = 15 / rate * _outputs(draft) * (models if models > 1 else 2)  # one model is fitted twice
        if a_tree * trees * FOLDS <= BUDGET:
            return rate, models
    return LADDER[-1]


def _columns(draft: Draft) -> int:
    """About how many columns the matrix of the rows has."""
    train = draft.roles.train
    assert train is not None
    count = 0
    for name in draft.rows.columns:
        column = train.head[name]
        if column.dtype.kind in "biuf":
            count += 1
        elif isinstance(column.dropna().iloc[0] if column.notna().any() else None, list):
            count += max(len(value) for value in column.dropna().iloc[:20])
        elif terms.are_numbers(column):
            count += len(column.dropna().iloc[0].split())
        else:
            count += 60 if terms.is_text(column) else 10
    return max(count, 1) + 20 * len(draft.rows.joins)


def _outputs(draft: Draft) -> int:
    """How many trees a round has: one for each class of more than two, or for each column."""
    wanted = draft.wanted
    if wanted.kind in ("labels", "guesses"):
        return len(wanted.labels) if len(wanted.labels) > 2 else 1
    return max(1, len(wanted.source))


def _letters(draft: Draft) -> int:
    """How many letters the texts of all training rows have."""
    train = draft.roles.train
    assert train is not None
    total = 0.0
    for name in draft.rows.texts:
        some = terms.texts(train.head[name].iloc[:500])
        total += sum(map(len, some)) / max(len(some), 1) * train.rows
    return int(total)
