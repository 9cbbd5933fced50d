"""From a stranger's files to a submission that scores, without an edit, for every kind of competition in made_up.py."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kit
from kit.predict import models
from kit.rows import tables
from kit.task import catalog, metrics
from kit.train import predictions, runs
from tests.new import made_up_more
from tests.new.made_up import MAKERS, PICTURES, Truth

PICTURES |= made_up_more.PICTURES

QUICK = {"rounds": 60, "trees": 30, "models": 2}
SMALL = {"epochs": 12, "size": 16, "filters": (8, 16), "batch": 8, "rate": 0.01}


def made(name: str, make: Any, folder: Path) -> tuple[Truth, Any]:
    """The files of a competition, and what `kit new` made of them with the options that it needs."""
    folder.mkdir()
    truth = make(folder)
    options = {key[2:]: value for key, value in zip(truth.options[::2], truth.options[1::2], strict=True)}
    return truth, kit.new(name, folder, **options)


def score(truth: Truth, submission: Path) -> float:
    """The score of a submission by the true answers, joined by their keys."""
    said = pd.read_csv(submission, dtype=str, keep_default_na=False)
    answers = truth.answers.astype(dict.fromkeys(truth.id, str))
    both = answers.merge(said, on=truth.id, suffixes=("", " said"), validate="one_to_one")
    assert len(both) == len(answers) == len(said)
    y, pred = both[truth.targets].to_numpy(), both[[f"{name} said" for name in truth.targets]].to_numpy()
    if len(truth.targets) == 1:
        y, pred = y[:, 0], pred[:, 0]
    metric = metrics.named(truth.metric)
    if metric.predictions == "labels":
        return (
            metric.score(y.astype(str), pred)
            if metric.names[0] != "quadratic_weighted_kappa"
            else metric.score(y, pred.astype(int))
        )
    return metric.score(y, pred if metric.predictions == "guesses" else pred.astype(float))


def same_after_loading(name: str, made: Any) -> None:
    """Whether what each fold stored predicts the test rows to the same bytes as when it was fitted."""
    entry, run = catalog.find(name), runs.find(name, made.name)
    test = entry.competition.load(entry.public())[1]
    for done in sorted(run.folder.glob("*/done.json")):
        loaded = models.of_fold(entry, run, int(done.parent.name.removeprefix("fold-")))
        np.testing.assert_array_equal(loaded(test.x), predictions.load(done.parent / "test.npz")["pred"])


def check(truth: Truth, competition: Any, settings: dict[str, Any], workspace: Path) -> None:
    """Whether it was told apart rightly, can be read by a person, and scores better than a guess."""
    told = {finding.what: finding.answer for finding in competition.findings}
    assert told["rows"] == truth.rows
    assert truth.split in told["split"]
    assert not truth.told or truth.told in told.values()
    text = (competition.folder / "competition.py").read_text()
    assert len(text.splitlines()) <= 50
    assert max(map(len, text.splitlines())) <= 120
    entry = catalog.find(competition.name)
    if entry.competition.rows and entry.competition.test:
        parts = entry.competition.rows(entry.public() / entry.competition.test, 50)
        read = [str(name) for part in parts for name in part.ids.tolist()]
        assert read == [str(name) for name in entry.competition.load(entry.public())[1].ids.tolist()]
    known = entry.recipe("")[0].settings
    run = kit.train(
        competition.name, folds=2, plots=False, **{key: value for key, value in settings.items() if key in known}
    )
    same_after_loading(competition.name, run)
    reached = score(truth, workspace / "submissions" / competition.name / run.name / "submission.csv")
    better = metrics.named(truth.metric).higher_is_better
    assert reached > truth.bound if better else reached < truth.bound
    scored_on_answered_rows(truth, competition, run)


def scored_on_answered_rows(truth: Truth, competition: Any, run: Any) -> None:
    """Whether training rows, which have their answers, are scored when `kit predict --rows` puts them through the run;
    and the test rows too, with their answers as a submission has them."""
    entry = catalog.find(competition.name)
    if entry.competition.rows is None:
        return
    told = {finding.what: finding.answer for finding in competition.findings}
    better = metrics.named(truth.metric).higher_is_better
    for what in ("train", "test"):
        if not (file := entry.public() / told.get(what, "")).is_file():
            continue
        table = tables.read(file, text=truth.id)
        if what == "test" and set(truth.id) <= set(table):
            table = table.merge(truth.answers.astype(dict.fromkeys(truth.id, str)), on=truth.id)
        elif what == "test" or not set(truth.id) <= set(table):
            continue
        if not set(truth.targets) <= set(table) or (what == "test" and competition.name == "weighted"):
            continue  # the answers are in a table of their own; the test rows have no weights
        table = table.dropna(subset=truth.targets)
        table.to_csv(competition.folder / "answered.csv", index=False)
        predicted = kit.predict(competition.name, run.name, rows=competition.folder / "answered.csv")
        assert predicted.rows == len(table)
        assert predicted.score is not None
        if predicted.metric == metrics.named(truth.metric).name:
            assert predicted.score > truth.bound if better else predicted.score < truth.bound


@pytest.mark.parametrize("name", MAKERS)
def test_files_of_a_stranger_become_a_submission_that_is_better_than_a_guess(name, workspace, tmp_path):
    truth, competition = made(name, MAKERS[name], tmp_path / "files")
    check(truth, competition, QUICK, workspace)


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_images_in_folders_become_a_submission_that_is_better_than_a_guess(name, workspace, tmp_path):
    truth, competition = made(name, PICTURES[name], tmp_path / "files")
    check(truth, competition, SMALL, workspace)


RECIPES = ["boosted", "hist", "linear", "network", "lightgbm", "catboost", "mixed"]
TASKS = ["products", "houses", "outbreak", "leaves", "spaceships", "phones"]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", TASKS)
def test_every_recipe_for_tables_learns_every_kind_of_target(name, recipe, workspace, tmp_path):
    if recipe in ("lightgbm", "catboost"):
        pytest.importorskip(recipe)
    truth, _ = made(name, MAKERS[name], tmp_path / "files")
    known = catalog.find(name).recipe(recipe)[0].settings
    settings = {"rounds": 60, "models": 1, "epochs": 20, "trees": 20, "batch": 16, "least": 5}
    run = kit.train(
        name, recipe, folds=2, plots=False, **{key: value for key, value in settings.items() if key in known}
    )
    same_after_loading(name, run)
    reached = score(truth, workspace / "submissions" / name / run.name / "submission.csv")
    better, slack = metrics.named(truth.metric).higher_is_better, 1.35
    assert reached > truth.bound / slack if better else reached < truth.bound * slack


@pytest.mark.parametrize("recipe", ["linear", "nbsvm", "boosted"])
def test_recipes_for_texts_learn_classes(recipe, workspace, tmp_path):
    truth, _ = made("phrases", MAKERS["phrases"], tmp_path / "files")
    settings = {"rounds": 40} if recipe == "boosted" else {}
    run = kit.train("phrases", recipe, folds=2, plots=False, models=2, **settings)
    same_after_loading("phrases", run)
    assert score(truth, workspace / "submissions" / "phrases" / run.name / "submission.csv") > 0.5


def test_what_is_written_is_python_that_imports_only_what_competitions_may(workspace, tmp_path):
    for name in ("faults", "shots", "departments"):
        _, competition = made(name, MAKERS[name], tmp_path / name)
        for file in competition.files:
            for node in ast.walk(ast.parse((competition.folder / file).read_text())):
                if isinstance(node, ast.ImportFrom) and not node.level and node.module.startswith("kit"):
                    assert node.module.split(".")[1] in ("task", "rows", "toolbox")


def test_the_same_files_give_the_same_competition(workspace, tmp_path):
    _, first = made("houses", MAKERS["houses"], tmp_path / "files")
    before = {file: (first.folder / file).read_bytes() for file in first.files}
    second = kit.new("houses-again", tmp_path / "files", metric="rmsle")
    assert [file for file in before if file != "competition.py"] == [
        file for file in second.files if file != "competition.py"
    ]
    for file in before:
        if file != "competition.py":
            assert (second.folder / file).read_bytes() == before[file]


def test_test_rows_of_a_plain_table_are_held_out_and_their_answers_kept_private(workspace, tmp_path):
    table = pd.DataFrame({"size": np.arange(80), "price": np.arange(80) * 3.5})
    table.to_csv(tmp_path / "homes.csv", index=False)
    competition = kit.new("homes", tmp_path / "homes.csv")
    data = workspace / "data" / "homes"
    solution = pd.read_csv(data / "private" / "solution.csv")
    test = pd.read_csv(data / "public" / "test.csv")
    assert 10 <= len(solution) <= 30
    assert list(test.columns) == ["id", "size"]
    assert {finding.what: finding.answer for finding in competition.findings}["target"] == "price"
    assert (solution["price"] == solution["id"] * 3.5).all()
