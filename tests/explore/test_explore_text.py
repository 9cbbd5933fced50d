"""Exploring texts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kit.explore import overview
from kit.explore import text as explore_text
from kit.task.contract import Data

TWEETS = pd.DataFrame(
    {
        "keyword": ["fire", "fire", "flood", np.nan, "flood", "fire", "flood", "fire"],
        "text": [
            "Fire near the river #fire http://t.co/a",
            "fire near the river #fire @you",
            "A flood of tears lol",
            "My phone is dead lol",
            "Flood in town, three dead",
            "Fire in town, two dead #news",
            "a flood of tears lol",
            "The album is fire lol",
        ],
    }
)
LABELS = np.array([1, 0, 0, 0, 1, 1, 0, 0])
TEST = pd.DataFrame({"keyword": ["fire", "flood"], "text": ["FIRE near the river #fire", "No flood here"]})


def look(train: Data, test: Data, names: list[str], tmp_path):
    return explore_text.look(train, test, names, tmp_path)


def test_facts_of_a_table_with_a_column_of_texts_are_exact(tmp_path):
    found = look(Data(np.arange(8), TWEETS, LABELS), Data(np.arange(2), TEST), ["0", "1"], tmp_path)
    assert found.facts == {
        "text column": "text",
        "train words a text": "median 5, 5% to 95% 5 to 6, most 6",
        "test words a text": "median 4, 5% to 95% 3 to 5, most 5",
        "train sentences a text": "median 1, 5% to 95% 1 to 1, most 1",
        "test sentences a text": "median 1, 5% to 95% 1 to 1, most 1",
        "train characters a text": "median 23, most 39",
        "different characters in train": 31,
        "characters that stand in train once": "9: . : @ A M",
        "characters that only test has": "4: E I N R",
        "different words in train": 23,
        "of them that stand there once": 10,
        "words that cover 90% of train": 19,
        "words that cover 95% of train": 21,
        "words that cover 99% of train": 23,
        "train texts with a hashtag": "3 (37.5%)",
        "different hashtags": 2,
        "texts of more than one train row": 2,
        "their rows": 4,
        "of them with more than one label": 1,
        "test texts that are a train row's": "1 (50.0%)",
        "repeated means": "the same but for links, mentions, case and spaces",
        "different values of keyword": 2,
    }
    assert [path.name for path in found.pictures] == [
        "lengths.png",
        "sentences.png",
        "characters.png",
        "vocabulary.png",
        "words.png",
        "hashtags.png",
        "keyword.png",
        "conflicts.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in found.pictures)


def test_rows_that_are_texts_themselves_are_explored_by_the_command(given, kit):
    x = TWEETS["text"].to_numpy(object)
    entry = given(Data(np.arange(8), x, LABELS), Data(np.arange(2), TEST["text"].to_numpy(object)), kind="text")
    names = [path.name for path in overview.explore(entry).pictures]
    drawn = ["lengths", "sentences", "characters", "vocabulary", "words", "hashtags", "conflicts"]
    assert names == ["classes.png", *(f"{name}.png" for name in drawn)]


def test_without_labels_only_lengths_and_words_are_drawn(tmp_path):
    found = look(Data(np.arange(8), TWEETS), Data(np.arange(2), TEST), [], tmp_path)
    assert [path.name for path in found.pictures] == [
        "lengths.png",
        "sentences.png",
        "characters.png",
        "vocabulary.png",
    ]
    assert found.facts["of them with more than one label"] == 0


def test_a_missing_text_is_an_empty_one(tmp_path):
    x = np.array(["fire here", None, float("nan"), "fire here"], object)
    found = look(Data(np.arange(4), x, np.array([0, 1, 0, 1])), Data(np.arange(4), x), ["0", "1"], tmp_path)
    assert found.facts["train words a text"] == "median 1, 5% to 95% 0 to 2, most 2"
    assert found.facts["texts of more than one train row"] == 2


def test_the_words_of_a_label_come_before_words_of_both():
    texts = ["fire dead town", "fire dead", "album lol town", "album lol"] * 5
    fire, other = explore_text.telling(texts, np.array([1, 1, 0, 0] * 5), 2, 2)[::-1]
    assert {word for word, _ in fire} == {"fire", "dead"}
    assert {word for word, _ in other} == {"album", "lol"}
    assert all(z > 0 for _, z in (*fire, *other))


@pytest.mark.parametrize("texts", [["fire", "flood"], ["fire", "fire"]])
def test_texts_without_two_words_in_common_tell_nothing(texts):
    assert explore_text.telling(texts, np.array([0, 1]), 2, 5) == [[], []]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"id": [1, 2], "title": ["long enough", "long too"], "tag": ["a", "b"]}, "title"),
        ({"n": [1, 2]}, None),
    ],
)
def test_the_text_column_is_the_one_of_the_longest_values(columns, found):
    assert explore_text.text_column(pd.DataFrame(columns)) == found
