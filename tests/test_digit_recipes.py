"""Every digit recipe keeps the contract: rows in, probabilities out, whatever is beside a row."""

import functools
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.task.catalog import find
from kit.task.contract import Data, Fold
from tests import cut_off

ENTRY = find("digit-recognizer")
RECIPES = list(ENTRY.recipes)
CUTS = [("dense", {}, 3), ("vgg", {}, 3), ("vgg", {"members": 2}, 5)]
NETWORKS = [name for name, recipe in ENTRY.recipes.items() if "epochs" in recipe.settings]


@functools.cache
def digits() -> Data:
    """1,797 small images of digits, the 8x8 of scikit-learn enlarged to 28x28."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = np.pad(np.kron(bunch.images, np.ones((3, 3))), ((0, 0), (2, 2), (2, 2)))
    return Data(np.arange(len(x)), (x * 255 / 16).astype(np.uint8), bunch.target.astype(np.int64))


def fold(dir: Path, train: int = 500, valid: int = 40, seed: int = 3, **rest) -> Fold:
    data = digits()
    held = data.rows(np.arange(1000, 1000 + valid))
    return Fold(0, data.head(train), held, seed, dir, **rest)


def module(name: str):
    recipe = ENTRY.recipes[name]
    try:
        return recipe.module()
    except KitError as error:
        pytest.skip(str(error))


def fitted(name: str, of: Fold, **overrides):
    """The Predict of recipe `name` with its settings for tests; one epoch if it is a network."""
    if name in NETWORKS:
        overrides = {"epochs": 1} | overrides
    recipe = ENTRY.recipes[name]
    return module(name).fit(of, **recipe.resolve("", overrides, smoke=True))


@pytest.fixture(scope="module", params=RECIPES)
def trained(request, tmp_path_factory):
    """A recipe's name, its Predict and its fold's folder."""
    dir = tmp_path_factory.mktemp(request.param)
    # One epoch of 500 rows is too few for the deepest, by whose luck it is then more than chance or not.
    more = {"epochs": 4} if request.param in NETWORKS else {}
    return request.param, fitted(request.param, fold(dir), **more), dir


def test_predictions_are_probabilities_of_ten_digits(trained):
    _, predict, _ = trained
    pred = predict(digits().x[:33])
    assert pred.shape == (33, 10)
    assert pred.dtype == np.float32
    assert pred.min() >= 0
    np.testing.assert_allclose(pred.sum(axis=1), 1, atol=1e-5)
    assert predict(digits().x[:0]).shape == (0, 10)


def test_a_prediction_does_not_depend_on_the_rows_beside_it(trained):
    _, predict, _ = trained
    x = digits().x[1000:1030]
    order = np.random.default_rng(0).permutation(len(x))
    np.testing.assert_allclose(predict(x[order]), predict(x)[order], atol=1e-5)
    np.testing.assert_allclose(predict(x[:1]), predict(x)[:1], atol=1e-5)


def test_more_is_learned_than_chance(trained):
    name, predict, _ = trained
    held = digits().rows(np.arange(1000, 1300))
    least = 0.3 if name in NETWORKS else 0.8  # a network had four epochs of 500 rows
    assert (predict(held.x).argmax(axis=1) == held.y).mean() > least


def test_a_stored_model_predicts_the_same(trained):
    name, predict, dir = trained
    x = digits().x[1000:1030]
    np.testing.assert_array_equal(module(name).load(dir)(x), predict(x))


@pytest.mark.parametrize("name", RECIPES)
def test_every_variant_and_the_smoke_settings_are_settings_of_the_recipe(name):
    recipe = ENTRY.recipes[name]
    assert recipe.smoke
    assert recipe.summary
    for variant in recipe.variants:
        recipe.resolve(variant, smoke=True)


def test_the_same_seed_gives_the_same_predictions(tmp_path):
    settings = {"augment": True, "batch": 50, "filters": (4, 4, 4), "units": 16}
    first, again, other = (
        fitted("cnn", fold(tmp_path / str(i), 100, seed=seed), **settings)(digits().x[:20])
        for i, seed in enumerate((3, 3, 4))
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_network_trains_on_all_rows_without_validation(tmp_path):
    figures = []
    of = fold(tmp_path, 100, 0, report=lambda done, of, **each: figures.append(each))
    assert fitted("dense", of)(digits().x[:5]).shape == (5, 10)
    assert set(figures[0]) == {"loss", "accuracy"}


def test_the_initial_network_is_linear_and_its_predictions_are_probabilities_still(tmp_path):
    pred = fitted("dense", fold(tmp_path, 100), loss="mean_absolute_error")(digits().x[:5])
    np.testing.assert_allclose(pred.sum(axis=1), 1, atol=1e-5)


def test_layers_without_a_kernel_size_each_are_refused(tmp_path):
    with pytest.raises(KitError, match=r"filters=.* differ in length"):
        fitted("cnn", fold(tmp_path), filters=(8, 8), kernels=(3,))


def test_a_pair_predicts_the_mean_of_the_runs_with_this_seed_and_the_next(tmp_path):
    settings = {"epochs": 1, "precision": "float32", "filters": (4, 4, 4)}
    x = digits().x[1000:1040]
    alone = [fitted("vgg", fold(tmp_path / str(seed), 200, 0, seed=seed), **settings)(x) for seed in (3, 1003)]
    steps = []
    of = fold(tmp_path / "pair", 200, 0, report=lambda done, of, **each: steps.append((done, of)))
    pair = fitted("vgg", of, members=2, **settings)
    assert np.array_equal(pair(x), np.mean(alone, axis=0, dtype=np.float64).astype(np.float32))
    assert np.array_equal(module("vgg").load(of.dir)(x), pair(x))
    assert steps == [(1, 2), (2, 2)]


def image(answer: str = "label", **changed) -> str:
    """A CSV file of one black image: its header and its row."""
    names = [f"pixel{i}" for i in range(784)]
    cells = {answer: "7"} | dict.fromkeys(names, "0") | changed
    return f"{','.join(cells)}\n{','.join(map(str, cells.values()))}\n"


@pytest.mark.parametrize("label", ["label", "Label"])
def test_a_file_of_images_is_rows_with_their_digits(tmp_path, label):
    (tmp_path / "new.csv").write_text(image(label, pixel27="255"))
    (data,) = ENTRY.competition.rows(tmp_path / "new.csv", None)
    assert (data.y.tolist(), data.ids.tolist(), data.x.store.dtype) == ([7], [1], np.uint8)
    assert data.x[0][0, 27] == 255 and data.x[0].sum() == 255


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"pixel783": ""}, "row 1, column 'pixel783' is empty"),
        ({"pixel3": "256"}, "row 1, column 'pixel3' holds '256'"),
        ({"pixel3": "0.5"}, "row 1, column 'pixel3' holds '0.5'"),
        ({"pixel3": "dark"}, "row 1, column 'pixel3' holds 'dark'"),
        ({"label": "10"}, "row 1, column 'label' holds '10'"),
        ({"label": ""}, "row 1, column 'label' is empty"),
    ],
)
def test_a_file_of_images_with_a_wrong_value_is_refused(tmp_path, changed, wrong):
    (tmp_path / "new.csv").write_text(image(**changed))
    with pytest.raises(KitError, match=wrong):
        next(ENTRY.competition.rows(tmp_path / "new.csv", None))


@pytest.mark.parametrize(
    ("name", "more", "at"),
    [
        ("cnn", {"filters": (4, 4, 4), "units": 16}, 2),
        *(pytest.param(*words, marks=pytest.mark.slow) for words in CUTS),
    ],
)
def test_a_training_that_was_cut_off_goes_on_and_ends_with_the_same_bytes(name, more, at, tmp_path, monkeypatch):
    def predictions(dir, report):
        return fitted(name, fold(dir, train=200, report=report), epochs=3, **more)(digits().x[:50])

    last = 3 * more.get("members", 1)
    assert cut_off.goes_on(monkeypatch, tmp_path, at, predictions) == list(range(at, last + 1))
