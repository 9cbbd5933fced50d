"""Texts as buckets of their words and pieces."""

from __future__ import annotations

import numpy as np
import pytest

from kit.toolbox import ngrams

TEXTS = ["Cafetera Expréso 15 Bar!", "", "a", "zapatillas  RUNNING\nTalle-42", "ñandú ñandú"]


def counted(text, words=(1, 2), chars=(3, 5)):
    """How many words, runs and pieces a text has, counted one by one."""
    parts = "".join(c if c.isalnum() else " " for c in ngrams.plain(text)).split()
    runs = sum(max(0, len(parts) - n + 1) for n in range(words[0], words[1] + 1)) if words else 0
    pieces = sum(max(0, len(part) + 2 - n + 1) for part in parts for n in range(chars[0], chars[1] + 1)) if chars else 0
    return runs + pieces


@pytest.mark.parametrize("kinds", [{}, {"chars": ()}, {"words": ()}, {"words": (1, 1), "chars": (2, 6)}])
def test_every_word_run_and_piece_has_a_bucket(kinds):
    made = ngrams.bags(TEXTS, **kinds)
    assert np.diff(made.ends, prepend=0).tolist() == [counted(text, **kinds) for text in TEXTS]
    assert made.ids.dtype == np.int32 and made.ids.min() >= 0 and made.ids.max() < 1 << 18


def test_a_text_has_the_same_buckets_alone_and_beside_others():
    together = ngrams.bags(TEXTS)
    starts = np.concatenate([[0], together.ends])
    for at, text in enumerate(TEXTS):
        assert ngrams.bags([text]).ids.tolist() == together.ids[starts[at] : starts[at + 1]].tolist()


def test_accents_case_and_marks_change_nothing_and_words_do():
    one, same, other = (set(ngrams.bags([text]).ids.tolist()) for text in ("Café con-leche", "CAFE CON LECHE", "te"))
    assert one == same and not one & other


def test_a_piece_at_the_end_of_a_word_is_another_than_one_within():
    ends = ngrams.bags(["gato"], words=(), chars=(3, 3)).ids.tolist()  # " ga", "gat", "ato", "to "
    within = ngrams.bags(["agatoa"], words=(), chars=(3, 3)).ids.tolist()
    assert len(set(ends) & set(within)) == 2


def test_different_pieces_seldom_share_a_bucket():
    words = [f"palabra{number}" for number in range(20_000)]
    made = ngrams.bags(words, words=(1, 1), chars=(), buckets=1 << 22)
    # 20,000 in 4,194,304 buckets: 47.6 pairs are expected to meet by chance.
    assert 20_000 - len(set(made.ids.tolist())) < 90


def test_counts_are_summed_in_the_matrix():
    made = ngrams.bags(["uno uno dos"], words=(1, 1), chars=(), buckets=1 << 10)
    assert sorted(made.matrix(1 << 10).data.tolist()) == [1.0, 2.0]


def test_no_texts_give_no_buckets():
    made = ngrams.bags([])
    assert len(made.ids) == 0 and made.matrix(1 << 18).shape == (0, 1 << 18)


def test_buckets_must_be_a_power_of_two():
    with pytest.raises(ValueError, match="power of two"):
        ngrams.bags(["a"], buckets=1000)
