"""Competitions, recipes, variants and settings."""

from __future__ import annotations

from importlib import metadata

import pytest

from kit import places
from kit.errors import KitError
from kit.task import catalog


def test_the_workspaces_own_competition_is_found_beside_the_packaged_ones(parity):
    assert "parity" in catalog.names()
    assert "digit-recognizer" in catalog.names()


def test_the_workspaces_competition_wins_over_a_packaged_one_of_the_same_name(parity):
    own = parity.parent / "digit_recognizer"
    own.mkdir()
    (own / "competition.py").write_text((parity / "competition.py").read_text())
    assert catalog.find("digit-recognizer").folder == own
    assert catalog.find("digit-recognizer").competition.source.slug == "parity"


def test_the_packaged_competitions_are_found_from_an_empty_folder(workspace):
    assert "digit-recognizer" in catalog.names()


def test_an_unknown_competition_is_answered_with_the_nearest_name(workspace):
    with pytest.raises(KitError) as error:
        catalog.find("digit-recogniser")
    assert "Did you mean 'digit-recognizer'?" in error.value.wrong
    assert error.value.cure == "kit list"


def test_an_unknown_recipe_is_answered_with_the_known_ones(parity):
    with pytest.raises(KitError) as error:
        catalog.find("parity").recipe("tabel")
    assert "Did you mean 'table'?" in error.value.wrong
    assert error.value.right == "Known: table."


def test_an_unknown_variant_is_answered_with_the_known_ones(parity):
    with pytest.raises(KitError) as error:
        catalog.find("parity").recipe("table:loud")
    assert error.value.right == "Its variants: noisy."


def test_a_file_with_an_underscore_is_no_recipe(parity):
    (parity / "_shared.py").write_text("")
    assert list(catalog.find("parity").recipes) == ["table"]


def test_a_recipe_must_not_have_the_name_of_runs_that_are_made_of_others(parity):
    (parity / "table.py").rename(parity / "blend.py")
    with pytest.raises(KitError, match=r"blend\.py: a recipe cannot be called 'blend'") as error:
        catalog.find("parity").recipes  # noqa: B018
    assert error.value.cure.endswith("blended.py")


def test_recipes_are_read_without_being_run(parity):
    (parity / "broken.py").write_text("import not_installed_anywhere\n\ndef fit(fold, *, rate=0.1):\n    pass\n")
    assert catalog.find("parity").recipes["broken"].settings == {"rate": 0.1}


def test_a_recipe_whose_package_is_missing_names_what_to_install(parity):
    (parity / "broken.py").write_text("import not_installed_anywhere\n\ndef fit(fold):\n    pass\n")
    with pytest.raises(KitError) as error:
        catalog.find("parity").recipes["broken"].module()
    assert error.value.cure == "pip install not_installed_anywhere"


HEAVY = 'import not_installed_anywhere\n\nEXTRA = "boosted"\n\ndef fit(fold):\n    pass\n'


def test_a_recipe_of_an_extra_names_the_extra_and_its_packages(parity):
    (parity / "heavy.py").write_text(HEAVY)
    with pytest.raises(KitError) as error:
        catalog.find("parity").recipes["heavy"].module()
    assert error.value.right == "It comes with the extra 'boosted'."
    assert error.value.cure == f"pip install -c {places.CONSTRAINTS} xgboost"


def test_an_extra_of_a_kit_that_is_not_installed_is_named_as_such(parity, monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda name: None)
    assert places.install("bert") == "pip install 'kaggle-kit[bert]'"


def test_settings_come_from_defaults_then_smoke_then_variant_then_overrides(parity):
    recipe, variant = catalog.find("parity").recipe("table:noisy")
    assert recipe.resolve() == {"epochs": 2, "noise": 0.0, "base": 10}
    assert recipe.resolve(smoke=True) == {"epochs": 1, "noise": 0.0, "base": 10}
    assert recipe.resolve(variant, {"epochs": 7}, smoke=True) == {"epochs": 7, "noise": 0.3, "base": 10}


def test_an_unknown_setting_is_refused_with_the_nearest_one(parity):
    with pytest.raises(KitError) as error:
        catalog.find("parity").recipes["table"].resolve("", {"epoch": 3})
    assert error.value.wrong == "Recipe table has no setting 'epoch'. Did you mean 'epochs'?"


@pytest.mark.parametrize(("key", "value"), [("epochs", 3.5), ("epochs", "many"), ("noise", "low"), ("epochs", True)])
def test_a_value_of_another_type_is_refused(parity, key, value):
    with pytest.raises(KitError) as error:
        catalog.find("parity").recipes["table"].resolve("", {key: value})
    assert f"{key!r} of recipe table cannot be {value!r}" in error.value.wrong


def test_an_int_is_fine_for_a_float(parity):
    settings = catalog.find("parity").recipes["table"].resolve("", {"noise": 1})
    assert (settings["noise"], type(settings["noise"])) == (1.0, float)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("epochs=3", 3),
        ("rate=1e-3", 0.001),
        ("optimizer=adam", "adam"),
        ("kernels=3,5", (3, 5)),
        ("augment=true", True),
        ("name=a=b", "a=b"),
    ],
)
def test_a_setting_is_a_literal_or_a_bare_word(text, value):
    assert catalog.parse_setting(text)[1] == value


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(KitError, match="'epochs' is not a setting"):
        catalog.parse_setting("epochs")


def test_a_default_that_is_computed_is_refused_with_its_line(parity):
    (parity / "odd.py").write_text("import os\n\n\ndef fit(fold, *, cores=os.cpu_count()):\n    pass\n")
    with pytest.raises(KitError, match=r"odd\.py:4: cores is not a plain value"):
        _ = catalog.find("parity").recipes


def test_a_declaration_without_a_competition_says_so(parity):
    (parity / "competition.py").write_text('"""Nothing."""\n')
    with pytest.raises(KitError, match="declares no `competition`"):
        _ = catalog.find("parity").competition


def test_a_syntax_error_is_named_with_file_and_line(parity):
    (parity / "competition.py").write_text("x = (\n")
    with pytest.raises(KitError, match=r"competition\.py:1"):
        catalog.find("parity")


@pytest.mark.parametrize("name", catalog.names())
def test_every_competition_declares_a_default_recipe_that_exists(name):
    entry = catalog.find(name)
    recipe, _ = entry.recipe()
    assert recipe.name in entry.recipes
    assert entry.summary
    assert all(each.summary for each in entry.recipes.values())
    for each in entry.recipes.values():
        for word in ("", *each.variants):
            each.resolve(word, smoke=True)


SHARED = '''\
"""What the recipes share."""

VARIANTS = {"slow": {"epochs": 9}}


def train(fold, *, seed, epochs: int = 2, rate: float = 0.1, **rest: _deeper.build):
    pass
'''
TAKING = '''\
"""A recipe that hands settings on."""

from . import _shared

VARIANTS = _shared.VARIANTS


def fit(fold, *, rate: float = 0.5, **training: _shared.train):
    pass
'''


def test_settings_and_variants_are_taken_over_from_a_file_beside_the_recipe(parity):
    (parity / "_deeper.py").write_text("def build(*, units: int = 8, epochs: int = 7): pass\n")
    (parity / "_shared.py").write_text(SHARED)
    (parity / "taking.py").write_text(TAKING)
    recipe = catalog.find("parity").recipes["taking"]
    assert recipe.settings == {"rate": 0.5, "epochs": 2, "units": 8}
    assert recipe.resolve("slow", {"units": 3}) == {"rate": 0.5, "epochs": 9, "units": 3}


@pytest.mark.parametrize("annotation", ["", ": int", ": _shared.none", ": _none.train"])
def test_settings_of_nobody_are_refused(parity, annotation):
    (parity / "_shared.py").write_text(SHARED)
    (parity / "taking.py").write_text(TAKING.replace(": _shared.train", annotation))
    with pytest.raises(KitError, match=r"taking\.py:8: `fit` accepts any setting through `\*\*training`"):
        _ = catalog.find("parity").recipes
