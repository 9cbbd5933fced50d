"""Models of words, of characters and of pieces judged together, one word at a time."""

import itertools
import re

import numpy as np
import pytest

from kit.task.sampling import Sampling
from kit.toolbox.language import mixture, ngrams, vocabulary
from kit.toolbox.language.model import Language

TEXTS = ["ab a-b", "a b'a", "b'a ab", "ab- a", "a 'b'", "ba b", "b a-b"] * 2
LETTERS = "ab'-"


@pytest.fixture(scope="module")
def words():
    return ngrams.fit(TEXTS, vocabulary.of_words(TEXTS, rarest=3), 3)


@pytest.fixture(scope="module")
def letters():
    return ngrams.fit(TEXTS, vocabulary.of_characters(TEXTS), 4)


@pytest.fixture(scope="module")
def pieces():
    pytest.importorskip("tokenizers", reason="The extra 'language' is not installed.")
    return ngrams.fit(TEXTS, vocabulary.of_pieces(TEXTS, 16), 4)


@pytest.fixture(params=["words", "letters", "pieces"])
def inside(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("text", ["ab a-b", "b'a 'b'", "ba- 'a'", "a", "", "bb b-a", "a \u4e2d"])
def test_words_and_the_end_together_take_the_bits_of_the_text(inside, text):
    each = mixture.of_words(inside, [text])
    assert len(each) == len(text.split()) + 1
    assert -each.sum() == pytest.approx(Language(inside).bits([text])[0])


def test_texts_side_by_side_are_each_as_alone(inside):
    texts = ["ab a-b", "", "b'a"]
    apart = np.concatenate([mixture.of_words(inside, [text]) for text in texts])
    np.testing.assert_allclose(mixture.of_words(inside, texts), apart)


@pytest.mark.parametrize("begun", ["", "a", "b' ab", "ab- a"])
def test_all_words_that_may_come_next_have_at_most_the_probability_one_together(inside, begun):
    made = [
        mixture.of_words(inside, [f"{begun} {''.join(word)}"])[len(begun.split())]
        for length in (1, 2, 3, 4)
        for word in itertools.product(LETTERS, repeat=length)
    ]
    ended = mixture.of_words(inside, [begun])[-1] if begun else -np.inf
    total = np.exp2(made).sum() + np.exp2(ended)
    assert 0.3 < total <= 1 + 1e-9


def test_weights_are_those_of_the_likeliest_mean_whatever_all_are_multiplied_by(words, letters):
    parts = np.exp2([mixture.of_words(inside, TEXTS[:7]) for inside in (words, letters)])
    share = mixture.weights(parts)
    assert share.sum() == pytest.approx(1)

    def bits(first):
        return -np.log2(first * parts[0] + (1 - first) * parts[1]).sum()

    assert bits(share[0]) <= min(bits(first) for first in np.linspace(0, 1, 51)) + 1e-3
    np.testing.assert_allclose(mixture.weights(parts / parts.max(0)), share)


def test_a_mixture_takes_the_bits_of_the_weighted_mean_and_writes_by_the_heaviest_that_guesses(words, letters):
    both = mixture.Mixture({"words": words, "letters": letters}, {"words": 0.3, "letters": 0.7}, ["words"])
    parts = np.exp2([mixture.of_words(inside, ["ab a-b", "a"]) for inside in (words, letters)])
    each = -np.log2(0.3 * parts[0] + 0.7 * parts[1])
    np.testing.assert_allclose(both.bits(["ab a-b", "a"]), [each[:3].sum(), each[3:].sum()])
    assert both.guesses(["ab"]) == Language(words).guesses(["ab"])
    assert list(both.write("ab", Sampling(1), 3, 1)) == list(Language(words).write("ab", Sampling(1), 3, 1))


def test_a_word_of_a_thousand_characters_and_a_weight_of_nothing_take_finite_bits(words, letters):
    both = mixture.Mixture({"words": words, "letters": letters}, {"words": 1.0, "letters": 0.0}, ["words"])
    assert np.isfinite(both.bits(["ab" * 500])).all()


def test_guesses_are_ranked_by_the_weighted_mean_of_what_the_models_say(words, letters):
    both = mixture.Mixture({"words": words, "letters": letters}, {"words": 0.6, "letters": 0.2}, ["words", "letters"])
    ((said,), (first,), (second,)) = (model.likeliest(["b a"], 10) for model in (both, *both.guessing.values()))
    assert said.keys() == first.keys() | second.keys()
    for word, p in said.items():
        assert p == pytest.approx(0.75 * first.get(word, 0) + 0.25 * second.get(word, 0))
    assert both.guesses(["b a"])[0] == sorted(said, key=lambda word: (-said[word], word))[:5]
    assert all(re.fullmatch(r"\w[\w'-]*", word) for word in said)
