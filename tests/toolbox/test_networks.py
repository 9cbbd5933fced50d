"""A fold is fitted from a fresh start, reported once an epoch, stored, and predicted row by row."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.task.contract import Data, Fold, silent
from kit.toolbox import networks

keras = pytest.importorskip("keras")

ROOT = Path(__file__).resolve().parents[2]


def rows(count: int, first: int = 0) -> Data:
    """Rows of four numbers whose largest is the class."""
    x = np.random.default_rng(first).normal(size=(count, 4)).astype(np.float32)
    return Data(np.arange(first, first + count), x, x.argmax(axis=1).astype(np.int64))


def fold(dir: Path, valid: int = 20, report=silent, seed: int = 11) -> Fold:
    return Fold(0, rows(200), rows(valid, 1000), seed, dir, report)


def network(norm: bool = True):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    if norm:
        hidden = keras.layers.BatchNormalization()(hidden)
    return keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(keras.layers.Dropout(0.2)(hidden)))


def trained(of: Fold, **settings):
    networks.begin(of)
    model = network()
    settings = {"epochs": 3, "batch": 32, "optimizer": networks.optimizer("adam", 0.05)} | settings
    return networks.fit(model, of, **settings)


def test_each_epoch_is_reported_with_its_figures(tmp_path):
    reports = []
    trained(fold(tmp_path, report=lambda done, of, **figures: reports.append((done, of, figures))))
    assert [(done, of) for done, of, _ in reports] == [(1, 3), (2, 3), (3, 3)]
    assert all(set(figures) == {"loss", "accuracy", "val_loss", "val_accuracy"} for *_, figures in reports)
    assert reports[-1][2]["loss"] < reports[0][2]["loss"]


def test_a_fold_without_validation_rows_trains_without_validation(tmp_path):
    reports = []
    model = trained(fold(tmp_path, valid=0, report=lambda done, of, **figures: reports.append(figures)))
    assert set(reports[0]) == {"loss", "accuracy"}
    assert networks.predictor(model)(rows(5).x).shape == (5, 4)


def test_the_same_seed_gives_the_same_bytes_whatever_ran_before(tmp_path):
    x = rows(30, 5).x
    first = networks.predictor(trained(fold(tmp_path)))(x)
    other = networks.predictor(trained(fold(tmp_path, seed=12)))(x)
    again = networks.predictor(trained(fold(tmp_path)))(x)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_prediction_does_not_depend_on_the_rows_beside_it(tmp_path):
    predict = networks.predictor(trained(fold(tmp_path)), batch=16)
    x = rows(40, 5).x
    alone = np.concatenate([predict(x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_allclose(predict(x), alone, atol=1e-6)
    order = np.random.default_rng(0).permutation(len(x))
    np.testing.assert_allclose(predict(x[order]), predict(x)[order], atol=1e-6)


def test_predictions_are_float32_rows_that_sum_to_one_and_no_rows_are_fine(tmp_path):
    predict = networks.predictor(trained(fold(tmp_path)), batch=16)
    pred = predict(rows(21).x)
    assert pred.dtype == np.float32
    np.testing.assert_allclose(pred.sum(axis=1), 1, atol=1e-5)
    assert predict(rows(21).x[:0]).shape == (0, 4)
    assert predict.parameters == 4 * 8 + 8 + 4 * 8 + 8 * 4 + 4


def test_a_stored_model_predicts_the_same_and_carries_its_settings(tmp_path):
    model = trained(fold(tmp_path))
    networks.save(model, tmp_path / "fold", tta=3, labels=["a", "b"])
    loaded, settings = networks.load(tmp_path / "fold")
    assert settings == {"tta": 3, "labels": ["a", "b"]}
    x = rows(30, 5).x
    np.testing.assert_array_equal(networks.predictor(loaded)(x), networks.predictor(model)(x))
    assert sorted(path.name for path in (tmp_path / "fold").iterdir()) == [networks.WEIGHTS, networks.SETTINGS]


def test_a_transform_acts_in_training_and_is_no_part_of_the_model(tmp_path):
    of = fold(tmp_path)
    networks.begin(of)
    model = network(norm=False)
    noise = keras.layers.GaussianNoise(0.5, seed=1)
    networks.fit(model, of, epochs=1, batch=32, optimizer=networks.optimizer("adam", 0.01), transform=noise)
    assert not any(isinstance(layer, keras.layers.GaussianNoise) for layer in model.layers)


def test_weights_of_the_moving_average_are_the_ones_that_remain(tmp_path):
    plain = networks.predictor(trained(fold(tmp_path)))(rows(9).x)
    averaged = trained(fold(tmp_path), optimizer=networks.optimizer("adam", 0.05, use_ema=True, ema_momentum=0.9))
    assert not np.array_equal(networks.predictor(averaged)(rows(9).x), plain)


def test_a_diverging_training_stops_and_says_what_to_lower(tmp_path):
    with pytest.raises(KitError, match=r"The loss is .* after epoch 1 of 3"):
        trained(fold(tmp_path), optimizer=networks.optimizer("sgd", float("nan")))


def test_one_cycle_climbs_to_the_rate_and_falls_to_zero():
    rates = [float(networks.one_cycle(0.1, 100, warmup=0.2)(step)) for step in range(101)]
    assert rates[0] < 0.02
    assert max(rates) == pytest.approx(0.1, rel=0.01)
    assert rates.index(max(rates)) == 20
    assert rates[100] == pytest.approx(0, abs=1e-6)


def test_schedules_and_optimizers_are_known_by_name():
    assert networks.schedule("constant", 0.5, 10) == 0.5
    with pytest.raises(KitError, match="there is no schedule 'cosinus'"):
        networks.schedule("cosinus", 0.5, 10)
    with pytest.raises(KitError, match="knows no optimizer 'adamm'"):
        networks.optimizer("adamm", 0.5)


def test_begin_sets_the_precision_of_the_layers_to_come(tmp_path):
    networks.begin(fold(tmp_path), precision="mixed_bfloat16")
    assert keras.layers.Dense(2).compute_dtype == "bfloat16"
    networks.begin(fold(tmp_path))
    assert keras.layers.Dense(2).compute_dtype == "float32"


def test_steps_count_the_last_partial_batch(tmp_path):
    assert networks.steps(fold(tmp_path), 32, 3) == 7 * 3


STEP = """
import sys
from pathlib import Path
import numpy as np
import keras
from kit.toolbox import images, networks
from kit.task.contract import Data, Fold
x = np.random.default_rng(0).integers(0, 256, (40, 12, 12), np.uint8)
data = Data(np.arange(40), x, (np.arange(40) % 3).astype(np.int64))
dir = Path(sys.argv[1])
fold = Fold(0, data, data.head(8), 5, dir)
networks.begin(fold)
inputs = keras.Input((12, 12))
hidden = keras.layers.Reshape((12, 12, 1))(keras.layers.Rescaling(1 / 255)(inputs))
hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(hidden))
model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(hidden)))
views = images.affine(rotation=10.0, shift=1.0, zoom=0.1, shear=5.0, seed=5)
rate = networks.one_cycle(0.01, networks.steps(fold, 20, 1))
networks.fit(model, fold, epochs=1, batch=20, optimizer=networks.optimizer("adam", rate), transform=views)
networks.save(model, dir, tta=2)
pred = images.tta(networks.predictor(model, batch=16), 2)(x)
loaded = images.tta(networks.predictor(networks.load(dir)[0], batch=16), 2)(x)
assert np.array_equal(pred, loaded) and np.allclose(pred.sum(axis=1), 1, atol=1e-5), pred
print(keras.backend.backend(), pred.shape)
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_one_epoch_runs_on_the_backend(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", STEP, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == f"{backend} (40, 3)"


def test_batches_bring_their_labels_and_another_model_of_the_same_weights_may_be_trained(tmp_path):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, number):
            part = rows(200).rows(np.arange(50 * number, 50 * number + 50))
            return part.x.take(), part.y

    reports = []
    of = fold(tmp_path, report=lambda done, of, **figures: reports.append(figures))
    networks.begin(of)
    model = network()
    before = model.get_weights()
    doubled = keras.Model(model.input, model(2 * model.input))
    optimizer = networks.optimizer("adam", 0.05)
    networks.fit(model, of, epochs=3, batch=50, optimizer=optimizer, trained=doubled, train=Batches(), valid=Batches())
    assert set(reports[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert reports[-1]["val_accuracy"] > 0.5
    assert any(not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))
