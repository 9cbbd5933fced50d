"""What makes two texts one."""

import pytest

from kit.rows import texts


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Fire  in\tLA", "fire in la"),
        ("Fire in LA http://t.co/abc", "fire in la"),
        ("RT @someone: Fire in LA https://t.co/x1 www.example.org/y", "rt : fire in la"),
        ("Fire &amp; smoke", "fire & smoke"),
        ("@a http://t.co/x", ""),
    ],
)
def test_links_mentions_case_and_spaces_do_not_tell_texts_apart(typed, said):
    assert texts.normalised(typed) == said


def test_hashtags_come_in_their_order_without_the_mark():
    assert texts.hashtags("#Fire near #La_Ronge, not # this") == ["Fire", "La_Ronge"]
