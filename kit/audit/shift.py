"""Whether test rows are of another kind than train rows, and by what that is told."""

from __future__ import annotations

import numpy as np

from kit.audit import near
from kit.explore import columns, drift
from kit.explore import text as texts_of
from kit.explore.drift import Null
from kit.task.contract import Data, Kind

LEAST = 60
"""Rows of train and of test below which nothing is compared."""

WORDS = 5000
"""Words that are counted, the commonest."""


def measured(kind: Kind, train: Data, test: Data) -> Null | None:
    """Adversarial validation of the rows as their kind is seen: words, thumbnails, spectra, columns; None for too few
    rows, or without a column that can be compared."""
    if min(len(train), len(test)) < LEAST:
        return None
    parts = [_drawn(data) for data in (train, test)]
    if kind == "text":
        return _of_texts(*parts)
    if kind == "image":
        return drift.against_null(*(near.thumbnails([data.x[row] for row in range(len(data))]) for data in parts))
    if kind == "audio":
        rate = getattr(train.x.store, "rate", None) or 16_000
        sounds = (near.spectra([data.x[row] for row in range(len(data))], rate) for data in parts)
        return drift.against_null(*sounds)
    return _of_tables(*parts)


def _drawn(data: Data, seed: int = 0) -> Data:
    most = np.random.default_rng(seed).permutation(len(data))[: drift.NULL_ROWS]
    return data.rows(np.sort(most))


def _of_texts(train: Data, test: Data) -> Null | None:
    from sklearn.feature_extraction.text import CountVectorizer

    table = train.x.take()
    column = texts_of.text_column(table)
    counter = CountVectorizer(min_df=3, max_features=WORDS, binary=True)
    said = [texts_of.of_rows(x, column) for x in (table, test.x.take())]
    try:
        counted = counter.fit_transform([*said[0], *said[1]])
    except ValueError:  # no word three times
        return None
    rows = len(said[0])
    return drift.against_null(counted[:rows], counted[rows:], names=counter.get_feature_names_out().tolist())


def _of_tables(train: Data, test: Data) -> Null | None:
    from sklearn.metrics import roc_auc_score

    ours, theirs = train.x.take(), test.x.take()
    if not hasattr(ours, "columns"):
        return drift.against_null(*(np.asarray(x, float).reshape(len(x), -1) for x in (ours, theirs)))
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    names: list[str] = []
    kinds: list[columns.Kind] = []
    for name in ours.columns:
        if name not in theirs.columns or (kind := columns.kind(ours[name])) in ("constant", "text"):
            continue
        coded = columns.coded(ours[name], theirs[name], kind)
        pair = drift.merged(*coded) if kind == "category" else coded
        for side, values in zip(sides, pair, strict=True):
            side.append(values)
        names.append(str(name))
        kinds.append(kind)
    if not names:
        return None
    null = drift.against_null(*(np.stack(side, axis=1) for side in sides))
    if not null.real:
        return null
    of_test = np.repeat([0.0, 1.0], [len(ours), len(theirs)])
    alone = {}
    for name, kind, one, other in zip(names, kinds, *sides, strict=True):
        cell = columns.cells(np.concatenate([one, other]), kind)
        alone[name] = float(roc_auc_score(of_test, columns.means(cell, of_test)[0]))
    return null._replace(words=tuple(sorted(alone, key=lambda name: -alone[name])[:8]))
