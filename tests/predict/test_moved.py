"""The words that moved a prediction: each left out once, coloured for a terminal and on a page."""

from __future__ import annotations

import numpy as np
import pytest

from kit.predict import moved
from kit.predict.moved import Part

WEIGHTS = {"good": 2.0, "dull": -1.0}


def likely(texts):
    """The probability whose log-odds are the sum of the weights of a text's words."""
    return np.array([1 / (1 + np.exp(-sum(WEIGHTS.get(word, 0.0) for word in text.split()))) for text in texts])


def test_the_effect_of_a_word_is_how_far_the_log_odds_fall_without_it():
    told = moved.parts("A good,\n good but dull film", likely)
    assert "".join(part.text for part in told) == "A good,\n good but dull film"
    assert [round(part.effect, 6) for part in told] == [0, 0, 2, 0, -1, 0]
    assert [part.text.strip() for part in moved.strongest(told)] == ["good", "dull"]


def test_a_long_text_is_cut_into_so_many_parts_that_it_takes_seconds():
    asked = []
    told = moved.parts("good film " * 1000, lambda texts: asked.append(len(texts)) or likely(texts))
    assert asked == [moved.MOST + 1] and len(told) == moved.MOST
    assert "".join(part.text for part in told) == "good film " * 1000


def test_texts_that_leave_nothing_to_say_have_no_effects():
    assert moved.parts("  \n", likely) == []
    assert moved.parts("good ", lambda texts: pytest.fail("an empty text was asked for")) == [Part("good ", 0.0)]
    assert moved.strongest([Part("a ", 0.0)]) == []


def test_the_probability_of_a_class_is_read_from_any_form_of_predictions():
    assert moved.of_label(np.array([0.2, 0.9]), 1).tolist() == [0.2, 0.9]
    assert moved.of_label(np.array([0.25]), 0).tolist() == [0.75]
    assert moved.of_label(np.array([[0.2, 0.5, 0.3]]), 2).tolist() == [0.3]
    kept = np.array([([4, 1], [0.5, 0.25])], [("label", np.uint16, 2), ("p", np.float16, 2)])
    assert moved.of_label(kept, 1).tolist() == [0.25] and moved.of_label(kept, 3).tolist() == [0.0]


def test_a_terminal_shows_what_spoke_for_the_label_and_against_it():
    shown = moved.coloured([Part("A ", 0.01), Part("good ", 2.0), Part("dull", -1.0)])
    assert shown == "A \x1b[32;1mgood\x1b[0m \x1b[31;4mdull\x1b[0m"


def test_a_page_is_one_file_in_which_no_text_is_code(tmp_path):
    to = moved.page("a <b>", [("1: 0.9", [Part("<script> ", 1.0), Part("dull", -0.5)])], tmp_path / "in" / "words.html")
    page = to.read_text()
    assert "<script" not in page and "&lt;script&gt;" in page and "a &lt;b&gt;" in page
    assert "class=against title='-0.50'" in page and "http" not in page
