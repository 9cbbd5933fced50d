"""Sentences and characters of texts."""

from __future__ import annotations

import numpy as np
import pytest

from kit.explore import writing

COLOURS = ("#000000", "#FF0000")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", 0),
        ("  ", 0),
        ("No mark at the end", 1),
        ("One. Two! Three?", 3),
        ("It cost 3.5 million, he said. Then it fell", 2),
        ('He said: "Stop." Then he left...', 2),
        ("www.example.com is a site", 1),
        ("On Monday. (Reuters) is behind it.", 2),
        ("Reuters. 50 people came.", 2),
        ("It is the no. one. what now", 1),
        ("Él llegó. Ángel no.", 2),
    ],
)
def test_a_sentence_ends_at_a_mark_with_a_capital_a_digit_or_nothing_behind_it(text, sentences):
    assert writing.sentences([text]).tolist() == [sentences]


def test_characters_are_counted_and_those_that_train_never_had_are_named():
    told = writing.facts(["abba", "ab c\u200b"], ["b\xa0d", "a"])
    assert told == {
        "train characters a text": "median 4, most 5",
        "different characters in train": 5,
        "characters that stand in train once": "3: ␣ c U+200B",
        "characters that only test has": "2: d U+00A0",
    }


def test_shares_of_characters_are_drawn_of_each_label_that_has_texts(monkeypatch, tmp_path):
    drawn = {}
    monkeypatch.setattr(writing.style, "save", lambda made, to: drawn.update(chart=made.axes[0]) or to)
    writing.draw(["aab", "b$", ""], np.array([0, 1, 1]), ["x", "y"], COLOURS, tmp_path / "characters.png")
    chart = drawn["chart"]
    assert [tick.get_text() for tick in chart.get_xticklabels()] == ["a", "b", "$"]
    shares = {line.get_label(): line.get_ydata().round(1).tolist() for line in chart.lines}
    assert shares["x"][:2] == [66.7, 33.3] and shares["y"][1:] == [50.0, 50.0]
    assert np.isnan(shares["x"][2]) and np.isnan(shares["y"][0])
