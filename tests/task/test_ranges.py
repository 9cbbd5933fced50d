"""The ranges that a recipe declares: read without running it, and checked as settings are."""

from __future__ import annotations

import pytest

from kit.errors import KitError
from kit.task import catalog, ranges
from kit.task.ranges import Between, OneOf

FIT = '''\
"""A recipe."""

RANGES = {ranges}


def fit(fold, *, rate: float = 0.1, depth: int = 6, model: str = "a", words: tuple = (1, 2), fast: bool = True):
    raise AssertionError("reading ranges runs nothing")
'''


def recipe(parity, text: str):
    """The recipe with `RANGES = text`."""
    (parity / "ranged.py").write_text(FIT.format(ranges=text))
    return catalog.find("parity").recipe("ranged")[0]


def test_numbers_factors_and_lists_are_read(parity):
    text = """{"rate": (0.01, 1, "log"), "depth": (3, 10), "model": ["a", "b"], "words": [(1, 1), (1, 2)],
        "fast": [True, False]}"""
    assert ranges.read(recipe(parity, text)) == {
        "rate": Between(0.01, 1, log=True, whole=False),
        "depth": Between(3, 10, log=False, whole=True),
        "model": OneOf(("a", "b")),
        "words": OneOf(((1, 1), (1, 2))),
        "fast": OneOf((True, False)),
    }


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("3", "it is no dictionary"),
        ('{"rat": (0.1, 1)}', "there is no setting 'rat'. Did you mean 'rate'?"),
        ('{"rate": (1, 0.1)}', "'rate' goes from 1 to 0.1"),
        ('{"rate": (0.1, 0.1)}', "'rate' goes from 0.1 to 0.1"),
        ('{"rate": ("a", "b")}', "'rate' goes from 'a' to 'b'"),
        ('{"rate": (0.1,)}', "'rate' is (0.1,)"),
        ('{"rate": (0.1, 1, "lin")}', "'rate' is (0.1, 1, 'lin')"),
        ('{"rate": (0, 1, "log")}', "'rate' starts at 0 and says \"log\""),
        ('{"rate": 0.1}', "'rate' is 0.1"),
        ('{"rate": (0.5, 1)}', "the default 0.1 of 'rate' is not in its range"),
        ('{"depth": (3.5, 10)}', "'depth' goes from 3.5 to 10"),
        ('{"depth": (True, 10)}', "'depth' goes from True to 10"),
        ('{"depth": [3, "x"]}', "'depth'"),
        ('{"model": ("a", "b")}', "'model' has no list"),
        ('{"model": ["a"]}', "'model' lists ['a']"),
        ('{"model": ["a", "a"]}', "'model' lists ['a', 'a']"),
        ('{"model": ["b", "c"]}', "the default 'a' of 'model' is not in its range"),
        ('{"fast": (0, 1)}', "'fast' has no list"),
    ],
)
def test_a_wrong_range_is_named_with_its_file(parity, text, wrong):
    declared = recipe(parity, text)
    with pytest.raises(KitError) as refused:
        ranges.read(declared)
    assert refused.value.wrong.startswith(f"RANGES in {parity / 'ranged.py'}: ")
    assert wrong in refused.value.wrong


def test_a_recipe_without_ranges_is_told_what_to_add(parity):
    with pytest.raises(KitError, match="does not say which settings may be searched") as refused:
        ranges.read(catalog.find("parity").recipe("table")[0])
    assert "epochs, noise, base" in refused.value.right
    assert refused.value.cure == f'add to {parity / "table.py"}: RANGES = {{"epochs": (lowest, highest)}}'


def test_ranges_that_are_computed_are_refused_with_their_line(parity):
    (parity / "ranged.py").write_text(FIT.format(ranges="dict(rate=(0.1, 1))"))
    with pytest.raises(KitError, match=r"ranged\.py:3: RANGES is not a plain value"):
        _ = catalog.find("parity").recipes


RANGED = [
    (name, recipe.name) for name in catalog.names() for recipe in catalog.find(name).recipes.values() if recipe.ranges
]


@pytest.mark.parametrize(("name", "word"), RANGED)
def test_the_ranges_of_every_recipe_hold_its_defaults(name, word):
    declared = catalog.find(name).recipe(word)[0]
    assert all(each.holds(declared.settings[setting]) for setting, each in ranges.read(declared).items())


def test_the_classic_recipes_can_be_searched():
    assert {("digit-recognizer", word) for word in ("svm", "boosted", "forest")} <= {*RANGED}
    assert {("disaster-tweets", word) for word in ("linear", "boosted")} <= {*RANGED}
