"""The vocabulary of texts: how it grows, and what its commonest words cover."""

from __future__ import annotations

import numpy as np
from matplotlib.image import imread

from kit.explore import vocabulary


def test_growth_and_coverage_are_counted_in_words():
    held = vocabulary.measure(["A film, a FILM!", "a bad one"], ["a new film"])
    assert held.read.tolist() == [0, 4, 7] and held.known.tolist() == [0, 2, 4]
    assert held.sizes.tolist() == [1, 2, 3, 4] and held.once == 2
    np.testing.assert_allclose(held.train, np.array([3, 5, 6, 7]) / 7)
    np.testing.assert_allclose(held.test, np.array([1, 2, 2, 2]) / 3)


def test_facts_say_how_many_words_a_network_needs():
    texts = [" ".join(f"w{i % (7 * n)}" for i in range(100 * n)) for n in range(1, 6)]
    held = vocabulary.measure(texts, texts[:1])
    told = vocabulary.facts(held, np.array([100, 200, 300, 400, 500]))
    assert told["different words in train"] == 35 and told["of them that stand there once"] == 0
    assert told["words that cover 90% of train"] == int(held.sizes[np.argmax(held.train >= 0.9)])
    assert told["train texts of at most so many words"] == "50: 0%, 100: 20%, 200: 40%, 400: 80%"
    assert "test words covered by the commonest" not in told


def test_texts_without_a_word_have_an_empty_vocabulary(tmp_path):
    held = vocabulary.measure(["!!!"], ["?"])
    assert held.known[-1] == 0 and held.train.tolist() == [0.0]
    assert vocabulary.facts(held, np.array([1]))["different words in train"] == 0
    assert imread(vocabulary.draw(held, tmp_path / "vocabulary.png")).ndim == 3
