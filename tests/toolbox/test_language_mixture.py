"""Models of words and of characters judged together, one character at a time."""

import itertools

import numpy as np
import pytest

from kit.task.sampling import Sampling
from kit.toolbox.language import mixture, ngrams, vocabulary
from kit.toolbox.language.model import Language

TEXTS = ["ab a-b", "a b'a", "b'a ab", "ab- a", "a 'b'", "ba b", "b a-b"] * 2


@pytest.fixture(scope="module")
def words():
    return ngrams.fit(TEXTS, vocabulary.of_words(TEXTS, rarest=3), 3)


@pytest.fixture(scope="module")
def letters():
    return ngrams.fit(TEXTS, vocabulary.of_characters(TEXTS), 4)


def probability(inside, text):
    return mixture.of_characters(inside, [text]).prod()


@pytest.mark.parametrize("text", ["ab a-b", "b'a 'b'", "ba- 'a'", "a", "bb b-a"])
def test_characters_of_words_make_the_probability_of_the_words_and_of_their_spelling(words, text):
    # A known word may be spelled out as well, so that the characters know a little more than the words alone.
    whole = 2.0 ** -Language(words).bits([text])[0]
    assert whole <= probability(words, text) * (1 + 1e-9)
    assert probability(words, text) < whole * 3


@pytest.mark.parametrize("begun", ["", "a", "ab", "b'", "a-", "ab-", "a '", "ab a"])
def test_what_may_come_next_has_at_most_the_probability_one_together(words, begun):
    """Also behind a mark that may be part of a word: all ways that a text may go on by two characters."""
    spelled = mixture.Spelled(words)
    total = 0.0
    for one, two in itertools.product("ab'- ", repeat=2):
        text = begun + one + two
        if text == " ".join(text.split()) or text.rstrip() == " ".join(text.split()):
            made = spelled.characters(text.rstrip())
            if text == text.rstrip():
                total += made[len(begun)] * made[len(begun) + 1]
    assert 0 < total <= 1


def test_a_mark_behind_a_word_costs_the_same_whatever_follows_it(words):
    spelled = mixture.Spelled(words)
    within, alone, last = (spelled.characters(text)[: len("b'")] for text in ("b'a", "b' a", "b'"))
    np.testing.assert_allclose(within, alone, rtol=1e-9)
    np.testing.assert_allclose(last, alone, rtol=1e-9)


def test_weights_are_those_of_the_likeliest_mean(words, letters):
    parts = [mixture.of_characters(inside, TEXTS[:7]) for inside in (words, letters)]
    share = mixture.weights(parts)
    assert share.sum() == pytest.approx(1)

    def bits(first):
        return -np.log2(first * parts[0] + (1 - first) * parts[1]).sum()

    assert bits(share[0]) <= min(bits(first) for first in np.linspace(0, 1, 51)) + 1e-3


def test_a_mixture_takes_the_bits_of_the_weighted_mean_and_guesses_and_writes(words, letters):
    both = mixture.Mixture({"words": words, "letters": letters}, {"words": 0.7, "letters": 0.3}, ["words"])
    parts = [mixture.of_characters(inside, ["ab a-b"]) for inside in (words, letters)]
    assert both.bits(["ab a-b"])[0] == pytest.approx(-np.log2(0.7 * parts[0] + 0.3 * parts[1]).sum())
    assert both.guesses(["ab"]) == Language(words).guesses(["ab"])
    assert list(both.write("ab", Sampling(1), 3, 1)) == list(Language(words).write("ab", Sampling(1), 3, 1))


def test_characters_that_were_never_seen_cost_both_models_what_they_cost_alone(words, letters):
    for inside in (words, letters):
        assert np.isfinite(-np.log2(probability(inside, "a \u4e2d")))
    assert mixture.of_characters(letters, ["\u4e2d"])[0] < 1 / 0x110000
