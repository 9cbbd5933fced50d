"""fastText's classifier in Keras: the mean of hashed vectors of a title's words, pairs of words and pieces of words."""

from __future__ import annotations

from functools import partial

from kit.task.contract import Fitted
from kit.toolbox import bags, ngrams

from . import _titles

EXTRA = "keras"
SMOKE = {"epochs": 3, "bits": 12, "batch": 64}
RANGES = {"width": [32, 64, 128], "rate": (0.05, 1.0, "log"), "drop": (0.0, 0.6), "epochs": (5, 30)}


def fit(
    fold,
    *,
    words: tuple = (1, 2),
    chars: tuple = (3, 5),
    bits: int = 18,  # 2 ** bits buckets
    units: bool = True,
    numbers: str = "keep",
    width: int = 128,
    epochs: int = 15,
    batch: int = 512,
    rate: float = 0.3,
    drop: float = 0.3,  # share of a title's pieces that are left out each time
    dropout: float = 0.2,
    smoothing: float = 0.1,
    balance: float = 0.0,  # the categories of the files at hand have about as many titles each
) -> Fitted:
    hashing = {"words": words, "chars": chars, "bits": bits, "units": units, "numbers": numbers}
    _titles.remember(fold.dir, hashing)
    return bags.fit(
        fold,
        partial(hashed, **hashing),
        classes=_titles.classes(fold),
        buckets=1 << bits,
        width=width,
        epochs=epochs,
        batch=batch,
        rate=rate,
        drop=drop,
        dropout=dropout,
        smoothing=smoothing,
        balance=balance,
    )


def load(dir) -> Fitted:
    return bags.load(dir, partial(hashed, **_titles.remembered(dir)))


def hashed(titles, *, words, chars, bits, units, numbers):
    """The buckets of titles."""
    made = _titles.normalised(titles, units=units, numbers=numbers)
    return ngrams.bags(made, words=tuple(words), chars=tuple(chars), buckets=1 << bits)
