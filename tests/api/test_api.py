"""The verbs as functions: settings as arguments, results in a console and in a notebook, refusals."""

from __future__ import annotations

import re

import pytest

import kit
from kit.api.results import Result


def cells(result) -> list[str]:
    """The texts of the table that a notebook shows."""
    return re.findall(r"<t[hd] .*?>(.*?)</t[hd]>", result._repr_html_())


def test_settings_are_arguments(parity):
    run = kit.train("parity", "table:noisy", sample=True, plots=False, epochs=3, noise=0.5, seed=7)
    assert run.plan.settings == {"epochs": 3, "noise": 0.5, "base": 10}
    assert (run.plan.seed, run.plan.label) == (7, "table:noisy")
    with pytest.raises(kit.KitError, match=r"has no setting 'epoch'. Did you mean 'epochs'\?"):
        kit.train("parity", sample=True, epoch=3)
    with pytest.raises(kit.KitError, match="The setting 'epochs' of recipe table cannot be 'many'"):
        kit.train("parity", sample=True, epochs="many")


def test_a_run_is_short_in_a_console_and_a_table_in_a_notebook(parity):
    run = kit.train("parity", sample=True, plots=False)
    assert repr(run) == f"<run {run.name} of parity, accuracy 1.00000>"
    shown = cells(run)
    assert shown[:8] == ["what", "value", "competition", "parity (sample)", "recipe", "table", "judged by", "cv"]
    assert shown[8:10] == ["accuracy", "1.00000"]
    (run.folder / "run.json").unlink()
    assert repr(kit.runs("parity")[0]) == f"<run {run.name} of parity, unfinished>"


def test_the_scheme_is_one_argument(parity):
    assert kit.train("parity", sample=True, plots=False, scheme="holdout").plan.scheme == "holdout"
    assert kit.train("parity", sample=True, plots=False, scheme="full").score is None
    with pytest.raises(kit.KitError, match="parity declares no split 'halves'"):
        kit.train("parity", sample=True, scheme="halves")
    with pytest.raises(kit.KitError, match="A number of folds cannot be given together with 'holdout'"):
        kit.train("parity", sample=True, scheme="holdout", folds=3)
    with pytest.raises(kit.KitError, match="-1 cannot be a seed"):
        kit.train("parity", sample=True, seed=-1)


def test_runs_can_be_given_as_they_are_or_by_name(parity):
    one = kit.train("parity", sample=True, plots=False)
    two = kit.train("parity", "table:noisy", sample=True, plots=False)
    blend = kit.ensemble("parity", [one, two.name], method="mean")
    assert blend.weights == {one.name: 0.5, two.name: 0.5}
    assert [run.name for run in kit.runs("parity")][:1] == [blend.run.name] or one.score == blend.run.score
    assert kit.submit("parity", one, sample=True, dry_run=True).card.word == one.name
    with pytest.raises(kit.KitError, match="0 run cannot be blended"):
        kit.ensemble("parity", [])


def test_a_grid_is_given_as_lists(parity, monkeypatch):
    from kit.train import executors, sweep

    monkeypatch.setattr(sweep, "apart", lambda: executors.local)
    swept = kit.sweep("parity", "table", sample=True, noise=[0.0, 0.5], base=10, seeds=2)
    assert repr(swept) == "<sweep of 2 cells of parity>"
    assert [row.settings for row in swept.rows] == ["noise=0.0", "noise=0.5"]
    assert [row.seeds for row in swept.rows] == [2, 2]
    assert [path.name for path in swept.files] == ["table.md", "table.csv", "sweep.png", "curves.png", "time.png"]


def test_listings_can_be_counted_indexed_and_looped_over(parity):
    recipes = kit.list("parity")
    assert len(recipes) == 1 and recipes[0].name == "table" and recipes[:1] == (recipes[0],)
    assert [recipe.name for recipe in recipes] == ["table"]
    assert repr(recipes) == "<1 recipe>"
    assert repr(kit.list("parity", "table")) == "<3 settings of table>"
    assert cells(kit.list("parity", "table")) == ["setting", "default", "epochs", "2", "noise", "0.0", "base", "10"]
    assert "parity" in [entry.name for entry in kit.list()]


def test_what_a_notebook_shows_is_escaped(parity):
    path = parity / "competition.py"
    path.write_text(path.read_text().replace("Parity: whether", "<script>alert(1)</script> & whether"))
    shown = kit.list()._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; whether a number is odd." in shown


def test_a_download_says_what_came(parity, raw):
    files = kit.download("parity", origin=raw)
    assert repr(files) == f"<3 files of parity in {files.folder}>"
    assert cells(files)[:4] == ["file", "bytes", "rows", "sha256"]


def test_what_was_drawn_is_shown_in_a_notebook(parity):
    seen = kit.explore("parity", sample=True)
    assert seen.pictures and seen._repr_html_().count('<img src="data:image/png;base64,iVBOR') == len(seen.pictures)
    seen.pictures[0].unlink()
    assert seen._repr_html_().count("<img ") == len(seen.pictures) - 1


def test_every_result_is_short_and_has_facts():
    kinds = [Result]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert all(kind.__repr__ is Result.__repr__ for kind in kinds)


def test_predict_wants_one_thing(parity):
    with pytest.raises(kit.KitError, match="Give just one of them"):
        kit.predict("parity", "last", "a.png", test_item=3)
