"""Rows of test that repeat rows of train, and what knowing their answers is worth."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.task import outputs
from kit.task.contract import Competition, Data

MOST = 500_000
"""Rows that are looked at, at most: each is read once."""

KNOWN = 0.5
"""How much of what an answer that was seen is worth a model makes use of: between nothing and all."""


class Repeats(NamedTuple):
    """`share` of the test rows repeat a training row. `key` names each training row's content by its id."""

    share: float
    key: dict[Any, str]

    def gain(
        self, competition: Competition, oof: dict[str, np.ndarray], pred: np.ndarray, labels: outputs.Values | None
    ) -> float:
        """What is added to the out-of-fold score by answers that the test models have seen and the folds' have not.

        Held-out rows whose content lies in their own fold only are as unseen as the test rows that repeat them will be
        seen. So these rows are scored as predicted, and with the answers of their like; `KNOWN` of the difference, for
        as many rows as test has more of them, is the gain. 0 where fewer than 20 rows tell.
        """
        keys = np.array([self.key.get(row, f"row {row}") for row in oof["ids"].tolist()])
        names, number = np.unique(keys, return_inverse=True)
        folds: list[set[Any]] = [set() for _ in names]
        for at, fold in zip(number.tolist(), oof["fold"].tolist(), strict=True):
            folds[at].add(fold)
        several = np.bincount(number, minlength=len(names)) > 1
        seen = np.array([len(one) > 1 for one in folds])
        unseen = np.flatnonzero((several & ~seen)[number])
        more = self.share - float(np.mean((several & seen)[number]))
        if len(unseen) < 20 or more <= 0:
            return 0.0
        y, metric = oof["y"], competition.metric
        if y.ndim > 1 or pred.dtype.names:
            return 0.0
        known = _answered(y, pred, number, unseen, labels)
        if known is None:
            return 0.0
        # As many rows as are judged, of which `more` have an answer that was seen.
        random = np.random.default_rng(0)
        taken = random.choice(unseen, round(more * len(y)))
        rows = np.concatenate([random.choice(len(y), len(y) - len(taken)), taken])
        columns = {name: column[rows] for name, column in oof.items() if name not in ("fold", "y", "pred")}
        told = pred[rows].copy()
        told[len(rows) - len(taken) :] = known[np.searchsorted(unseen, taken)]
        try:
            before, after = (metric.score(y[rows], one, columns, labels) for one in (pred[rows], told))
        except KitError:
            return 0.0
        return KNOWN * (after - before)


def find(train: Data, test: Data) -> Repeats | None:
    """The rows of test that repeat one of train, by groups where both name them, else by content; None where rows are
    pictures or recordings, which hardly repeat to the byte, or too many."""
    if len(train) + len(test) > MOST:
        return None
    keys = _keys(train), _keys(test)
    if keys[0] is None or keys[1] is None:
        return None
    known = Counter(keys[0])
    share = float(np.mean([key in known for key in keys[1]])) if len(test) else 0.0
    return Repeats(share, dict(zip(train.ids.tolist(), keys[0], strict=True)))


def _keys(data: Data) -> list[str] | None:
    """What tells rows of the same content, as text."""
    batch = data.x.take()
    if hasattr(batch, "iloc"):
        import pandas as pd

        # Cells of objects may be lists, which have no hash.
        told = batch.assign(**{name: batch[name].map(str) for name in batch.select_dtypes(object).columns})
        return [str(one) for one in pd.util.hash_pandas_object(told, index=False).tolist()]
    if isinstance(batch, np.ndarray) and batch.ndim == 2 and batch.dtype.kind in "biuf":
        return [hashlib.blake2b(row.tobytes(), digest_size=16).hexdigest() for row in np.ascontiguousarray(batch)]
    if isinstance(batch, np.ndarray) and batch.ndim > 1:
        return None
    if len(batch) and isinstance(batch[0], str):
        return [" ".join(str(text).lower().split()) for text in batch]
    return None


def _answered(
    y: np.ndarray, pred: np.ndarray, number: np.ndarray, unseen: np.ndarray, labels: outputs.Values | None
) -> np.ndarray | None:
    """What the answers of like rows say of the rows `unseen`, in the form of `pred`."""
    others: dict[int, list[int]] = {}
    for row in unseen.tolist():
        others.setdefault(int(number[row]), []).append(row)
    like = [[one for one in others[int(number[row])] if one != row] for row in unseen.tolist()]
    if pred.dtype.kind != "f":
        return np.array([Counter(y[rows].tolist()).most_common(1)[0][0] for rows in like], dtype=pred.dtype)
    if pred.size == len(pred) and y.dtype.kind == "f":
        return np.array([y[rows].mean() for rows in like], pred.dtype).reshape(len(like), *pred.shape[1:])
    values = outputs.classes(y, outputs.columns(y, pred), labels)
    true, known = outputs.index(y, values), pred[unseen].astype(np.float64).copy()
    for at, rows in enumerate(like):
        for row in rows:
            if pred.size == len(pred):
                known[at] = (known[at] + (true[row] == 1)) / 2
            else:
                known[at] = (known[at] + np.eye(len(values))[true[row]]) / 2
    return known.astype(pred.dtype)
