"""Kneser-Ney over words and over characters, mixed word by word: the characters know how new words look."""

from . import _mixed


def fit(
    fold,
    *,
    order: int = 5,  # words of the longest runs
    letters: int = 8,  # characters of the longest runs
    rarest: int = 2,
):
    return _mixed.fit(fold, order, letters, rarest)


load = _mixed.load
