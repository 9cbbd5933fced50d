"""Pairs of rows that repeat each other, and the groups that they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kit.explore import overview

BLOCK = 2048
"""Rows that are compared with all others at once: 2,048 x 100,000 of float32 are 820 MB at most."""

MOST = 2_000_000
"""Pairs that are kept; more are rows that are all alike, of which a part says enough."""

BUCKET = 50
"""Rows of one bucket that are paired each with each; in a larger one each is paired with its neighbours, which joins
the same rows to one group."""


def exact(x: Any) -> np.ndarray:
    """Pairs of equal rows, (pairs, 2): each row with the first that is equal."""
    return chained(overview.fingerprints(x))


def chained(keys: np.ndarray) -> np.ndarray:
    """Each row with the first of the same key, (pairs, 2)."""
    _, first, of = np.unique(keys, return_index=True, return_inverse=True)
    rows = np.arange(len(keys))
    repeats = rows != first[of]
    return np.stack([first[of][repeats], rows[repeats]], axis=1)


def alike(vectors: np.ndarray, least: float) -> np.ndarray:
    """Pairs of unit vectors, float32 of (n, d), whose product is at least `least`, (pairs, 2).

    All are compared with all, in blocks: 70,000 vectors of 64 numbers are 0.3 tera-operations.
    """
    found, count = [np.zeros((0, 2), np.int64)], 0
    for start in range(0, len(vectors), BLOCK):
        rows, others = np.nonzero(vectors[start : start + BLOCK] @ vectors[start:].T >= least)
        kept = others > rows
        pairs = np.stack([rows[kept] + start, others[kept] + start], axis=1)
        found.append(pairs)
        count += len(pairs)
        if count > MOST:
            break
    return np.concatenate(found)


def bucketed(keys: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs of rows that share a key, (pairs, 2): `keys` are (rows,) of one table of buckets."""
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    for apart in range(1, BUCKET):
        same = ranked[apart:] == ranked[:-apart]
        if not same.any():
            return
        at = np.flatnonzero(same)
        yield np.stack([order[at], order[at + apart]], axis=1)


def groups(rows: int, pairs: np.ndarray) -> np.ndarray:
    """The number of each row's group, (rows,): the connected components of the pairs."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), np.int8)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), (rows, rows)) if len(pairs) else coo_array((rows, rows))
    return connected_components(graph, directed=False)[1].astype(np.int64)
