"""Texts that repeat each other nearly are one group; others are not, and a key such as a film joins more."""

from __future__ import annotations

import numpy as np

from kit.rows import near

REVIEW = "This is one of the worst films I have seen in years and I would not advise anybody to watch it at all."
OTHER = "A wonderful little comedy about two brothers who open a bakery by the sea and bake nothing but rye bread."


def test_texts_that_differ_in_case_punctuation_or_a_few_words_are_one_group():
    texts = [REVIEW, OTHER, REVIEW.upper().replace(".", "!!"), REVIEW + " Avoid.", OTHER.replace("rye", "rye rye")]
    assert near.groups(texts).tolist() == [0, 1, 0, 0, 1]


def test_texts_that_share_a_common_phrase_only_are_not():
    texts = [REVIEW, "This is one of the worst meals that I ever had to eat, in a place that I had been told to love."]
    assert near.groups(texts).tolist() == [0, 1]


def test_short_texts_are_one_group_where_they_have_the_same_words():
    assert near.groups(["Bad film", "bad film!", "film bad", "Good"]).tolist() == [0, 0, 1, 2]


def test_texts_without_a_word_are_like_no_other():
    assert near.groups(["", "", ":-)", ":-)"]).tolist() == [0, 1, 2, 3]
    assert near.groups([]).tolist() == []


def test_texts_of_one_film_are_one_group_and_an_empty_key_joins_nothing():
    assert near.groups([REVIEW, OTHER, "Third", "Fourth"], also=["tt1", "", "tt1", ""]).tolist() == [0, 1, 0, 2]


def test_repeats_are_seen_among_many_texts_that_share_their_beginning():
    random = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(500)])
    texts = ["one of the best films " + " ".join(random.choice(words, 60)) for _ in range(300)]
    texts[250] = texts[7] + " and more"
    group = near.groups(texts)
    assert group[250] == group[7]
    assert len(set(group.tolist())) == 299
