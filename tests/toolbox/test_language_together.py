"""Counts and a network over the same tokens as one model. Another model of counts stands for the network."""

import numpy as np
import pytest

from kit.toolbox.language import ngrams, together, vocabulary
from kit.toolbox.language.model import Language

TEXTS = ["The cat sat on the mat.", "A dog sat.", "The dog's bowl was empty, and the cat had gone."]
OTHERS = ["The dog sat on the cat.", "", "A q"]
LETTERS = vocabulary.of_characters(TEXTS)
COUNTED, NETWORK = ngrams.fit(TEXTS, LETTERS, 4), ngrams.fit(TEXTS[:1], LETTERS, 2)
SHARES = np.array([0.9, 0.5, 0.3, 0.1])
ENCODED = [LETTERS.encode(text) for text in OTHERS]


@pytest.fixture
def both():
    return together.Together(COUNTED, NETWORK, SHARES)


def test_each_token_is_weighed_by_the_longest_counted_run_before_it(both):
    p, seen, _ = COUNTED.counts.foretold(ENCODED)
    q = NETWORK.likely(ENCODED)
    assert set(seen.tolist()) == {0, 1, 2, 3}
    np.testing.assert_allclose(both.likely(ENCODED), SHARES[seen] * q + (1 - SHARES[seen]) * p)


def test_a_text_read_token_by_token_is_the_text_read_at_once(both):
    whole, at = both.likely(ENCODED), 0
    for text in ENCODED:
        state, p = both.read([text[:0]])
        for token in (*text, 0):
            np.testing.assert_allclose(p[0, token], whole[at], rtol=1e-6)
            np.testing.assert_allclose(p.sum(), 1, rtol=1e-6)
            at += 1
            state, p = both.step(both.pick(state, np.array([0])), np.array([token]))
    assert at == len(whole)


def test_what_tokens_weigh_is_the_sum_of_their_probabilities_times_weights(both):
    weights = np.linspace(0, 1, len(LETTERS))
    p, weighted = both.weighed(ENCODED, weights)
    np.testing.assert_allclose(p, both.likely(ENCODED))
    befores = [text[:end] for text in ENCODED for end in range(len(text) + 1)]
    np.testing.assert_allclose(weighted, both.read(befores)[1] @ weights, rtol=1e-6)


def test_texts_side_by_side_are_each_as_alone(both):
    state, p = both.read(ENCODED)
    for row, text in enumerate(ENCODED):
        np.testing.assert_allclose(p[row], both.read([text])[1][0], rtol=1e-6)
    _, after = both.step(both.pick(state, np.array([2, 0])), np.array([3, 4]))
    np.testing.assert_allclose(after[0], both.read([np.append(ENCODED[2], 3)])[1][0], rtol=1e-6)


def test_the_better_model_gets_the_weight_and_lengths_that_never_come_get_halves():
    known = [LETTERS.encode(text) for text in TEXTS[1:]]
    chosen = together.shares(COUNTED, NETWORK, known)
    seen = COUNTED.counts.foretold(known)[1]
    assert 0 not in seen  # the counts were made of these very texts
    assert chosen[0] == 0.5
    assert (chosen[1:] < 0.5).all() and chosen[3] < 0.1


def test_it_writes_and_guesses_as_all_models_of_texts_do(both):
    language = Language(both)
    assert language.guesses(["The cat sat on"], 2)[0][0] == "the"
    assert language.bits(OTHERS).shape == (3,)
