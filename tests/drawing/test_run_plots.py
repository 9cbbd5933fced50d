"""Pictures of a run."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from kit.drawing import classes, rows, run_plots, style
from kit.errors import KitError
from kit.rows import views
from kit.task import catalog, outputs
from kit.task.contract import Data, Submission
from kit.task.targets import Labels
from kit.train import loop, runs
from kit.train.runs import Plan


def digits(count: int, classes_: int) -> tuple[Data, np.ndarray]:
    """Images of noise, and probabilities that are wrong for every tenth row."""
    random = np.random.default_rng(0)
    y = np.arange(count) % classes_
    pred = random.random((count, classes_)).astype(np.float32)
    pred[np.arange(count), (y + (np.arange(count) % 10 == 0)) % classes_] += 2
    images = random.integers(0, 256, (count, 8, 8), np.uint8)
    return Data(np.arange(count), images, y), pred / pred.sum(1, keepdims=True)


def names(paths: list) -> list[str]:
    return [path.name for path in paths]


def test_a_trained_run_gets_curves_folds_confusion_and_mistakes(parity, raw, workspace) -> None:
    entry = catalog.find("parity")
    public = workspace / "data" / "parity" / "public"
    public.parent.mkdir(parents=True)
    raw.rename(public)
    (public.parent / "manifest.json").write_text("{}")
    plan = Plan("parity", "table", "noisy", {"epochs": 3, "noise": 0.5, "base": 10})
    run = loop.train(entry, runs.create(plan), quiet=True)

    drawn = run_plots.run(entry, run)

    assert names(drawn) == ["curves.png", "folds.png", "confusion.png", "mistakes.png"]
    assert all(path.parent == run.folder / "plots" for path in drawn)
    assert all(imread(path).shape[2] == 4 for path in drawn)
    assert sorted(path.name for path in (run.folder / "plots").iterdir()) == sorted(names(drawn))


def test_a_run_on_all_rows_gets_only_curves(parity, raw, workspace) -> None:
    entry = catalog.find("parity")
    public = workspace / "data" / "parity" / "public"
    public.parent.mkdir(parents=True)
    raw.rename(public)
    (public.parent / "manifest.json").write_text("{}")
    plan = Plan("parity", "table", "", {"epochs": 2, "noise": 0.0, "base": 10}, scheme="full")
    run = loop.train(entry, runs.create(plan), quiet=True)
    assert names(run_plots.run(entry, run)) == ["curves.png"]


def test_curves_are_left_out_where_the_recipe_reported_nothing(given, finished) -> None:
    train, pred = digits(60, 3)
    entry = given(train, train.head(5), kind="image")
    run = finished(entry, pred, pred[:5])
    assert names(run_plots.run(entry, run)) == ["folds.png", "confusion.png", "mistakes.png"]


def test_mistakes_are_left_out_where_there_are_none(given, finished) -> None:
    train, _ = digits(60, 3)
    right = np.eye(3, dtype=np.float32)[train.y]
    entry = given(train, train.head(5), kind="image")
    assert names(run_plots.run(entry, finished(entry, right, right[:5]))) == ["folds.png", "confusion.png"]


def test_the_same_run_gives_the_same_bytes(given, finished) -> None:
    train, pred = digits(60, 3)
    entry = given(train, train.head(5), kind="image")
    run = finished(entry, pred, pred[:5])
    first = [path.read_bytes() for path in run_plots.run(entry, run)]
    assert [path.read_bytes() for path in run_plots.run(entry, run)] == first


def test_the_surest_mistake_comes_first_and_stands_with_its_row(given, finished, monkeypatch) -> None:
    train = Data(np.array([70, 50, 60]), np.array(["a", "b", "c"], object), np.array([0, 1, 1]))
    pred = np.array([[0.4, 0.6], [0.9, 0.1], [0.2, 0.8]], np.float32)
    entry = given(train, train.head(1), kind="text", labels=("calm", "fire"))
    drawn, said = [], []
    monkeypatch.setattr(rows, "draw", lambda axes, kind, row: drawn.append(row))
    grid = run_plots._grid
    monkeypatch.setattr(run_plots, "_grid", lambda *words: said.extend(words[3]) or grid(*words))

    run_plots.run(entry, finished(entry, pred, pred[:1]))

    assert drawn == ["b", "a"]
    assert said == ["true fire, id 50\npredicted calm, 0.90", "true calm, id 70\npredicted fire, 0.60"]


@pytest.mark.parametrize("labels", [("calm", "fire", "flood"), (1, 2, 5)])
def test_labels_that_are_texts_or_any_integers_are_drawn_by_name(given, finished, monkeypatch, labels) -> None:
    train, pred = digits(60, 3)
    train = Data(train.ids, train.x, np.array(labels)[train.y])
    entry = given(train, train.head(5), kind="image", labels=labels)
    seen = []
    matrix = run_plots.matrix
    monkeypatch.setattr(
        run_plots,
        "matrix",
        lambda y, label, names, *rest: seen.append((y, label, names)) or matrix(y, label, names, *rest),
    )
    assert names(run_plots.run(entry, finished(entry, pred, pred[:5]))) == [
        "folds.png",
        "confusion.png",
        "mistakes.png",
    ]
    (y, label, called), *_ = seen
    assert called == [str(name) for name in labels]
    assert y.tolist() == (np.arange(60) % 3).tolist()
    assert label.tolist() == pred.argmax(1).tolist()


def test_free_texts_have_no_pictures_of_mistakes(given, finished) -> None:
    y = np.array([f"answer {i}" for i in range(6)])
    train = Data(np.arange(6), np.array(["a"] * 6, object), y)
    entry = given(train, train.head(2), kind="text")
    said = np.array(["something else"] * 6)
    assert names(run_plots.run(entry, finished(entry, said, said[:2]))) == ["folds.png"]


def test_many_classes_give_the_most_confused_pairs(given, finished, tmp_path) -> None:
    train, pred = digits(400, 40)
    train = Data(train.ids, np.array([f"title {i}" for i in train.ids], object), train.y)
    entry = given(train, train.head(5), kind="text")
    top = outputs.top(5)(pred)
    assert names(run_plots.run(entry, finished(entry, top, top[:5]))) == ["folds.png", "confusion.png", "mistakes.png"]
    y = np.array([0, 0, 1])
    assert run_plots.pairs(y, y, ["a", "b"], "nothing confused", tmp_path / "none.png") is None
    assert not (tmp_path / "none.png").exists()


def test_regression_gives_residuals_and_the_rows_furthest_off(given, finished) -> None:
    train = Data(np.arange(40), pd.DataFrame({"rooms": np.arange(40), "street": "x"}), np.linspace(1e5, 9e5, 40))
    entry = given(train, train.head(5))
    run = finished(entry, (train.y * 1.1)[:, None], train.y[:5])
    assert names(run_plots.run(entry, run)) == ["folds.png", "residuals.png", "mistakes.png"]


@pytest.mark.parametrize(
    ("kind", "x"),
    [
        ("image", np.zeros((4, 9, 9, 3), np.uint8)),
        ("image", np.zeros((4, 9, 9, 1), np.float32)),
        ("image", np.array(["a/one.png", "b.png", "c.png", "d.png"], object)),
        ("audio", np.random.default_rng(0).integers(-900, 900, (4, 300)).astype(np.int16)),
        ("audio", np.array(["a.wav", "b.wav", "c.wav", "d.wav"])),
        ("text", np.array(["costs $5 or $6", "", "火 🔥", "long " * 300], object)),
        ("text", pd.Series(["a", "b", "c", "d"])),
        ("table", np.arange(40.0).reshape(4, 10)),
    ],
)
def test_rows_of_every_kind_are_drawn(kind, x, tmp_path, recwarn) -> None:
    made, cells = style.cells(4, 2, rows.SIZES[kind], "four rows")
    for i, cell in enumerate(cells):
        rows.draw(cell, kind, views.of(x)[i])
    assert imread(style.save(made, tmp_path / "rows.png")).size
    assert [str(warning.message) for warning in recwarn] == []


def test_a_row_in_words() -> None:
    assert rows.words("data/a/one.wav", path=True) == "one.wav"
    assert rows.words("either/or") == "either/or"
    assert rows.words(pd.Series({"age": 31.5, "name": "Ann"})) == "age: 31.5\nname: Ann"
    assert rows.words(np.arange(10)).splitlines()[-2:] == ["7: 7", "and 2 more columns"]


def test_the_place_of_an_id() -> None:
    assert [rows.place(np.array([5, -3, 7]), wanted) for wanted in (7, "-3", 6, "seven", np.int64(5))] == [
        2,
        1,
        -1,
        -1,
        0,
    ]
    assert [rows.place(np.array(["a", "7"], object), wanted) for wanted in ("a", 7, "b")] == [0, 1, -1]


def test_an_unfinished_run_is_refused(given) -> None:
    train, _ = digits(6, 2)
    entry = given(train, train, kind="image")
    run = runs.create(Plan(entry.name, "none", "", {}))
    with pytest.raises(KitError, match="is unfinished") as refused:
        run_plots.run(entry, run)
    assert refused.value.cure == f"kit train {entry.name} --resume {run.name}"


def test_missing_predictions_are_a_users_problem(given, finished) -> None:
    train, pred = digits(20, 2)
    entry = given(train, train.head(2), kind="image")
    run = finished(entry, pred, pred[:2])
    (run.folder / "oof.npz").unlink()
    with pytest.raises(KitError, match=r"oof\.npz is missing"):
        run_plots.run(entry, run)


def test_classes_are_told_from_values() -> None:
    y = np.array([0, 1, 1])
    assert classes.are(y, np.eye(3)[:, :2])
    assert classes.are(y, np.array([0.2, 0.9, 1.0]))
    assert classes.are(y, np.array([1, 0, 1]))
    assert not classes.are(np.array([90_000, 120_000, 5]), np.array([1e5, 2e5, 3e5]))
    assert not classes.are(y.astype(float), np.array([0.2, 0.9, 1.0]))


def test_probability_of_a_class_in_each_form_of_prediction() -> None:
    full = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]])
    label = np.array([2, 0])
    np.testing.assert_allclose(classes.probability(full, label), [0.2, 0.5])
    np.testing.assert_allclose(classes.probability(outputs.top(2)(full), label), [0.2, 0.5], atol=1e-3)
    np.testing.assert_allclose(classes.probability(outputs.top(1)(full), label), [0.0, 0.5], atol=1e-3)
    np.testing.assert_allclose(classes.probability(np.array([0.9, 0.2]), np.array([1, 0])), [0.9, 0.8])
    np.testing.assert_array_equal(classes.probability(np.array([2, 1]), label), [1, 0])


def test_classes_bear_the_names_of_the_submission_where_these_are_as_many() -> None:
    form = Submission("id", "target", decide=lambda pred: pred, holds=Labels(("ham", "spam")))
    assert classes.names(form, 2) == ["ham", "spam"]
    assert classes.names(form, 3) == ["0", "1", "2"]
    assert classes.names(form, 1) == ["0"]
    assert classes.names(form, 1, more=True) == ["ham", "spam"]


def test_drawing_leaves_matplotlib_as_it_was(tmp_path) -> None:
    code = (
        "import sys; from kit.drawing import run_plots, style; from kit.explore import overview\n"
        "from kit.predict import stored; assert 'matplotlib' not in sys.modules\n"
        f"style.save(style.charts(1, 'one')[0], __import__('pathlib').Path({str(tmp_path / 'one.png')!r}))\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
