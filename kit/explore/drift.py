"""Whether test rows can be told from train rows, and by which columns: adversarial validation.

Source: the idea is old among competitors (Zygmunt, FastML, 2016); the limit is that of the Mann-Whitney statistic
without a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kit.explore import columns
from kit.explore.columns import Kind

ROWS = 20_000
"""Rows of train and of test that are looked at: the standard error of the AUC is then 0.003."""


SIGMAS = 4.0
"""Deviations of the Mann-Whitney statistic that chance stays within. Out-of-fold predictions of one sample hang
together: over 60 pairs of 500 like rows their AUC had 1.37 such deviations, so that four are 2.9 of its own."""


class Drift(NamedTuple):
    """`auc` is the out-of-fold AUC with which a model tells test rows from train rows: 0.5 where it cannot. `chance` is
    what it stays below without a difference. `columns` are the AUCs of each column alone."""

    auc: float
    chance: float
    columns: dict[str, float]

    @property
    def real(self) -> bool:
        """Whether the difference is more than chance."""
        return self.auc > self.chance


RARE = 10
"""Rows of train and test together below which a category counts as one of the rare: a name that stands once says which
row it is, and not that test rows are of another kind."""


def merged(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes of categories with all rare ones, and those that are missing, as one code each."""
    both = np.nan_to_num(np.concatenate([train, test]), nan=-1).astype(np.int64) + 1
    count = np.bincount(both)
    code = np.where(count >= RARE, np.arange(len(count)), len(count)).astype(float)[both]
    return code[: len(train)], code[len(train) :]


def measure(train: dict[str, np.ndarray], test: dict[str, np.ndarray], kinds: dict[str, Kind], seed: int = 0) -> Drift:
    """Compare coded columns (`columns.coded`) of train and test rows; `kinds` are those of the columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    random = np.random.default_rng(seed)
    names = list(train)
    pairs = [
        merged(train[name], test[name]) if kinds[name] == "category" else (train[name], test[name]) for name in names
    ]
    parts = []
    for side in (0, 1):
        table = np.stack([pair[side] for pair in pairs], axis=1)
        parts.append(table[random.permutation(len(table))[:ROWS]])
    x = np.concatenate(parts)
    y = np.repeat([0, 1], [len(part) for part in parts])
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, random_state=seed, early_stopping=False)
    # One thread: on a busy machine several wait for each other, 5 s for 900 rows became minutes.
    with threadpool_limits(1, user_api="openmp"):
        both = float(roc_auc_score(y, cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1]))
    alone = {
        name: float(roc_auc_score(y, columns.means(columns.cells(x[:, at], kinds[name]), y.astype(float))[0]))
        for at, name in enumerate(names)
    }
    ones, twos = len(parts[0]), len(parts[1])
    chance = 0.5 + SIGMAS * float(np.sqrt((ones + twos + 1) / (12 * ones * twos)))
    return Drift(both, chance, dict(sorted(alone.items(), key=lambda pair: -pair[1])))


class Null(NamedTuple):
    """`auc` is the out-of-fold AUC with which test rows are told from train rows, `shuffled` are those of rows whose
    side was drawn by lot, `p` the share of these that are as high, the measured one counted in. `words` are what tells
    them apart, the most telling first, where the columns have names."""

    auc: float
    shuffled: tuple[float, ...]
    p: float
    words: tuple[str, ...] = ()

    @property
    def real(self) -> bool:
        """Whether the difference is more than chance: higher than every shuffled one, and by more than their spread."""
        return self.auc > max(self.shuffled) and self.auc > float(np.mean(self.shuffled)) + SIGMAS * self.spread

    @property
    def spread(self) -> float:
        """The standard deviation of the shuffled ones."""
        return float(np.std(self.shuffled, ddof=1))


NULL_ROWS, SHUFFLES = 2000, 20
"""Rows of either side, and how often their sides are drawn by lot, where the null is measured and not computed."""


def against_null(train: Any, test: Any, *, names: Sequence[str] = (), seed: int = 0) -> Null:
    """Adversarial validation against a permutation null: `train` and `test` are matrices of as many columns, dense, or
    sparse of scipy with a name a column. Source of the null: Ojala and Garriga, Permutation Tests for Studying
    Classifier Performance, JMLR 11, 2010.

    Few extremely randomised trees look at dense ones, since boosted trees took four times the seconds for the 21
    measurements; a ridge regression at sparse ones.
    """
    from scipy import sparse
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import Ridge
    from sklearn.metrics import roc_auc_score
    from threadpoolctl import threadpool_limits

    random = np.random.default_rng(seed)
    parts = [part[np.sort(random.permutation(part.shape[0])[:NULL_ROWS])] for part in (train, test)]
    side = np.repeat([0, 1], [part.shape[0] for part in parts])
    linear = sparse.issparse(parts[0])
    x = sparse.vstack(parts).tocsr() if linear else np.concatenate(parts)
    sides = np.stack([side, *(random.permutation(side) for _ in range(SHUFFLES))], axis=1)
    half = random.permutation(len(side)) % 2
    said = np.zeros(sides.shape)
    with threadpool_limits(1):  # on a busy machine several threads wait for each other
        for held in (0, 1):
            fitted, kept = np.flatnonzero(half != held), np.flatnonzero(half == held)
            if linear:
                said[kept] = Ridge(1.0).fit(x[fitted], sides[fitted]).predict(x[kept])
                continue
            for at, lot in enumerate(sides.T):
                trees = ExtraTreesClassifier(15, min_samples_leaf=5, random_state=seed)
                said[kept, at] = trees.fit(x[fitted], lot[fitted]).predict_proba(x[kept])[:, -1]
        telling: tuple[str, ...] = ()
        if linear and len(names):
            weights = np.abs(Ridge(1.0).fit(x, side).coef_.ravel())
            telling = tuple(names[at] for at in np.argsort(-weights)[:8])
    mine, *shuffled = (float(roc_auc_score(lot, told)) for lot, told in zip(sides.T, said.T, strict=True))
    p = (1 + sum(one >= mine for one in shuffled)) / (1 + len(shuffled))
    return Null(mine, tuple(shuffled), p, telling)
