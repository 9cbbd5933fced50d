"""A fold is fitted from a fresh start, reported once an epoch, stored, and predicted row by row."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.task.contract import Data, Fold, silent
from kit.toolbox import networks, resume

keras = pytest.importorskip("keras")

ROOT = Path(__file__).resolve().parents[2]
DROPOUT = keras.layers.Dropout


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


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A trained model with nothing special, and what was reported of its epochs."""
    reports = []
    of = fold(tmp_path_factory.mktemp("plain"), report=lambda done, of, **figures: reports.append((done, of, figures)))
    return trained(of), reports


def test_each_epoch_is_reported_with_its_figures(plain):
    _, reports = plain
    assert [(done, of) for done, of, _ in reports] == [(1, 3), (2, 3), (3, 3)]
    assert all(set(figures) == {"loss", "accuracy", "val_loss", "val_accuracy"} for *_, figures in reports)
    assert reports[-1][2]["loss"] < reports[0][2]["loss"]


def test_a_fold_without_validation_rows_trains_without_validation(tmp_path):
    reports = []
    model = trained(fold(tmp_path, valid=0, report=lambda done, of, **figures: reports.append(figures)))
    assert set(reports[0]) == {"loss", "accuracy"}
    assert networks.predictor(model)(rows(5).x).shape == (5, 4)


def test_the_same_seed_gives_the_same_bytes_whatever_ran_before(plain, tmp_path):
    x = rows(30, 5).x
    first = networks.predictor(plain[0])(x)
    other = networks.predictor(trained(fold(tmp_path, seed=12)))(x)
    again = networks.predictor(trained(fold(tmp_path)))(x)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_prediction_does_not_depend_on_the_rows_beside_it(plain):
    predict = networks.predictor(plain[0], batch=16)
    x = rows(40, 5).x
    alone = np.concatenate([predict(x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_allclose(predict(x), alone, atol=1e-6)
    order = np.random.default_rng(0).permutation(len(x))
    np.testing.assert_allclose(predict(x[order]), predict(x)[order], atol=1e-6)


def test_predictions_are_float32_rows_that_sum_to_one_and_no_rows_are_fine(plain):
    predict = networks.predictor(plain[0], batch=16)
    pred = predict(rows(21).x)
    assert pred.dtype == np.float32
    np.testing.assert_allclose(pred.sum(axis=1), 1, atol=1e-5)
    assert predict(rows(21).x[:0]).shape == (0, 4)
    assert predict.parameters == 4 * 8 + 8 + 4 * 8 + 8 * 4 + 4


def test_rows_may_be_turned_into_nested_arrays_before_they_are_predicted():
    left, right = keras.Input((4,), name="left"), keras.Input((2,), name="right")
    model = keras.Model([left, right], keras.layers.Dense(3)(keras.layers.Concatenate()([left, right])))
    x = rows(21).x.take()
    predict = networks.predictor(model, batch=8, read=lambda chunk: (chunk, 2 * chunk[:, :2]))
    whole = model.predict_on_batch([x, 2 * x[:, :2]])
    np.testing.assert_allclose(predict(x), whole, atol=1e-6)
    assert predict(x[:0]).shape == (0, 3)


def test_a_stored_model_predicts_the_same_and_carries_its_settings(plain, tmp_path):
    model, _ = plain
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


def test_weights_of_the_moving_average_are_the_ones_that_remain(plain, tmp_path):
    averaged = trained(fold(tmp_path), optimizer=networks.optimizer("adam", 0.05, use_ema=True, ema_momentum=0.9))
    assert not np.array_equal(networks.predictor(averaged)(rows(9).x), networks.predictor(plain[0])(rows(9).x))


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


@pytest.mark.parametrize("told_of_its_beginning", [False, True])
def test_batches_are_made_one_at_a_time_those_of_an_epoch_before_those_of_the_next(tmp_path, told_of_its_beginning):
    asked, inside = [], []

    class Single(keras.utils.PyDataset):
        epoch = begun = 0

        def __len__(self):
            return 4

        def __getitem__(self, number):
            inside.append(number)
            assert inside == [number]
            time.sleep(0.01)
            asked.append((self.begun, self.epoch, number))
            part = rows(200).rows(np.arange(50 * number, 50 * number + 50))
            inside.clear()
            return part.x.take(), part.y

        def on_epoch_end(self):
            self.epoch += 1

    if told_of_its_beginning:
        Single.on_epoch_begin = lambda self: setattr(self, "begun", self.begun + 1)
    of = fold(tmp_path)._replace(valid=rows(0))
    networks.begin(of)
    networks.fit(network(), of, epochs=2, batch=50, optimizer=networks.optimizer("adam", 0.05), train=Single())
    # Before the first epoch Keras looks at some, to learn their shapes, and ends an epoch that was none.
    begun, ended, _ = asked[-8]
    epochs = [(begun, ended), (begun + told_of_its_beginning, ended + 1)]
    assert sorted(asked[-8:]) == [(*epoch, number) for epoch in epochs for number in range(4)]
    assert (begun == ended) == told_of_its_beginning


@pytest.fixture(autouse=True)
def every_epoch_is_kept(monkeypatch):
    """However little time it takes."""
    monkeypatch.setattr(resume, "SHARE", float("inf"))


class Batches(keras.utils.PyDataset):
    """Batches that differ from epoch to epoch, unless they are not `changing`."""

    def __init__(self, data: Data, changing: bool = True):
        super().__init__()
        self.data, self.changing, self.epoch = data, changing, 0

    def __len__(self):
        return 4

    def __getitem__(self, number):
        random = np.random.default_rng((7, self.epoch))
        part = self.data.rows(random.permutation(len(self.data))[50 * number : 50 * number + 50])
        return part.x.take() + random.normal(0, 0.1, (50, 4)).astype(np.float32), part.y

    def on_epoch_end(self):
        self.epoch += self.changing


class Stopping(keras.callbacks.Callback):
    """A callback with a memory of its own: it halves the learning rate whenever the loss has not fallen by a tenth."""

    def on_train_begin(self, logs=None):
        self.best, self.halved, self.seen = np.inf, 0, [np.zeros(2), np.ones(1)]

    def on_epoch_end(self, epoch, logs=None):
        if logs["loss"] > 0.9 * self.best:
            self.halved += 1
            self.model.optimizer.learning_rate.assign(self.model.optimizer.learning_rate / 2)
        self.best = min(self.best, logs["loss"])


class Bits(keras.callbacks.Callback):
    """A callback with a memory that NumPy's format does not know: bfloat16, given back at the end."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.kept = [keras.ops.convert_to_numpy(keras.ops.cast(part, "bfloat16")) for part in self.model.weights]

    def on_train_end(self, logs=None):
        for variable, part in zip(self.model.weights, self.kept, strict=True):
            variable.assign(part)


def turned():
    """Keras's own augmentation, whose seed is drawn when the layer is made: four numbers as an image of two by two."""
    layers = keras.layers
    return keras.Sequential([layers.Reshape((2, 2, 1)), layers.RandomRotation(0.2), layers.Reshape((4,))])


def stopping(**settings):
    return {"callbacks": (keras.callbacks.EarlyStopping("val_loss", **settings),)}


CASES = {
    "arrays": lambda of: {},
    "augmentation": lambda of: {"transform": keras.layers.GaussianNoise(0.3, seed=of.seed)},
    "a seed by chance": lambda of: {"transform": turned()},
    "a cycle": lambda of: {"optimizer": networks.optimizer("adamw", networks.one_cycle(0.05, 5 * 7))},
    "averaged weights": lambda of: {"optimizer": networks.optimizer("sgd", 0.1, use_ema=True, momentum=0.9)},
    "batches": lambda of: {"train": Batches(of.train), "valid": Batches(of.train, changing=False)},
    "a callback": lambda of: {"callbacks": (Stopping(),), "optimizer": networks.optimizer("adam", 0.05)},
    "an early end": lambda of: stopping(min_delta=9.0, patience=3),
    "the best weights": lambda of: stopping(min_delta=0.5, patience=9, restore_best_weights=True),
    "a plateau": lambda of: {"callbacks": (keras.callbacks.ReduceLROnPlateau("loss", patience=2, min_delta=9.0),)},
    "bfloat16": lambda of: {"callbacks": (Bits(),)},
    "a view": lambda of: {},
}


def fitted(of: Fold, case: str, *more):
    """The model; `more` are callbacks."""
    networks.begin(of)
    model = network()
    settings = {"epochs": 5, "batch": 32, "optimizer": networks.optimizer("adam", 0.05)} | CASES[case](of)
    settings["callbacks"] = (*settings.get("callbacks", ()), *more)
    return networks.fit(model, of, **settings)


def stopped(dir: Path, at: int, seen: list) -> Fold:
    """A fold that is interrupted at the end of epoch `at`, before anything of it is kept."""

    def report(done, of, **figures):
        if done == at:
            raise KeyboardInterrupt
        seen.append((done, figures))

    return fold(dir, report=report)


QUICK = ("batches", "the best weights")
"""The augmentation is that of the training which is killed, below."""


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in QUICK else pytest.mark.slow) for case in CASES]
)
def test_a_training_that_was_interrupted_goes_on_and_ends_with_the_same_bytes(case, tmp_path, monkeypatch):
    if case == "a view":
        monkeypatch.setattr(networks, "LARGEST", 100)
    whole, first, second = [], [], []
    model = fitted(stopped(tmp_path / "whole", 0, whole), case)
    with pytest.raises(KeyboardInterrupt):
        fitted(stopped(tmp_path / "cut", 3, first), case)
    again = fitted(stopped(tmp_path / "cut", 0, second), case)
    assert [done for done, _ in second] == [done for done, _ in whole][2:]
    assert first + second == whole
    for before, after in zip(model.get_weights(), again.get_weights(), strict=True):
        assert before.tobytes() == after.tobytes()
    assert len(list((tmp_path / "cut" / "checkpoint").iterdir())) == 1


def test_rows_beside_each_other_are_large_together_and_taken_batch_by_batch(tmp_path, monkeypatch):
    of = fold(tmp_path)
    left, right = (networks.views.Rows(np.array(of.train.x.take()[:, half])) for half in (slice(2), slice(2, 4)))
    inputs = [keras.Input((2,)), keras.Input((2,))]
    seen = []
    for largest in (1 << 20, 3000):  # the two have 1,600 bytes each
        monkeypatch.setattr(networks, "LARGEST", largest)
        assert networks._large((left, right)) == (largest == 3000)
        networks.begin(of)
        made = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(keras.layers.Concatenate()(inputs)))
        within = of._replace(valid=of.valid.rows(np.arange(0)))
        settings = {"epochs": 2, "batch": 32, "optimizer": networks.optimizer("adam", 0.05), "trained": made}
        networks.fit(made, within, train=(left, right), **settings)
        seen.append(made.get_weights())
    # A batch's rows lie in another order, so that sums differ in their last digits.
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(*seen, strict=True))


class Kill(keras.callbacks.Callback):
    """Kills this process with SIGKILL in the midst of the fourth epoch, where it is armed."""

    def __init__(self, armed):
        super().__init__()
        self.armed, self.epoch = armed, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.armed and self.epoch == 3:
            os.kill(os.getpid(), signal.SIGKILL)


KILLED = """
import sys
from pathlib import Path
from kit.toolbox import resume
from tests.toolbox.test_networks import Kill, fitted, stopped
resume.SHARE = float('inf')
fitted(stopped(Path(sys.argv[1]), 0, []), "augmentation", Kill(True))
"""


def test_a_training_that_was_killed_goes_on_in_the_epoch_in_which_it_was_killed(tmp_path):
    words = [sys.executable, "-c", KILLED, str(tmp_path / "cut")]
    killed = subprocess.run(words, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    whole, rest = [], []
    model = fitted(stopped(tmp_path / "whole", 0, whole), "augmentation", Kill(False))

    class Disarmed(Kill):
        """What the checkpoint holds of the callback is that it is armed."""

        def on_train_batch_end(self, batch, logs=None):
            assert self.armed

    Disarmed.__name__ = "Kill"
    again = fitted(stopped(tmp_path / "cut", 0, rest), "augmentation", Disarmed(False))
    assert [done for done, _ in rest] == [4, 5]
    assert rest == whole[3:]
    for before, after in zip(model.get_weights(), again.get_weights(), strict=True):
        assert before.tobytes() == after.tobytes()


def test_a_training_that_was_finished_is_not_trained_again(tmp_path):
    seen = []
    model = fitted(stopped(tmp_path, 0, seen), "averaged weights")
    again = fitted(stopped(tmp_path, 0, seen), "averaged weights")
    assert [done for done, _ in seen] == [1, 2, 3, 4, 5]
    for before, after in zip(model.get_weights(), again.get_weights(), strict=True):
        assert before.tobytes() == after.tobytes()


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "other", ["another dropout", *(pytest.param(f"another {what}", marks=SLOW) for what in ("seed", "rate", "version"))]
)
def test_a_training_with_other_settings_begins_anew_and_says_so(other, tmp_path, monkeypatch, told):
    with pytest.raises(KeyboardInterrupt):
        fitted(stopped(tmp_path, 3, []), "arrays")
    monkeypatch.setattr(resume, "_OWN", set())  # as in another process
    seen = []
    of = stopped(tmp_path, 2, seen)
    if other == "another dropout":
        monkeypatch.setattr(keras.layers, "Dropout", lambda rate: DROPOUT(0.3))
    if other == "another version":
        monkeypatch.setattr(keras, "__version__", "2.0.0")
    with pytest.raises(KeyboardInterrupt):
        fitted(
            of._replace(seed=12) if other == "another seed" else of, "a cycle" if other == "another rate" else "arrays"
        )
    assert [done for done, _ in seen] == [1]
    assert told == [
        f"The checkpoint in {tmp_path / 'checkpoint'} is passed over, since it was made with other settings, other "
        "code or other versions of packages. The training begins with epoch 1."
    ]


def test_two_trainings_in_one_folder_keep_a_checkpoint_each_and_nothing_is_told(tmp_path, told):
    def both(at: int) -> list:
        first, second = [], []
        fitted(stopped(tmp_path, 0, first), "arrays")
        fitted(stopped(tmp_path, at, second), "a cycle")
        return [done for done, _ in first + second]

    with pytest.raises(KeyboardInterrupt):
        both(3)
    assert both(0) == [3, 4, 5]
    assert told == []


def test_a_damaged_checkpoint_is_passed_over_and_the_fold_is_fitted_anew(tmp_path, told):
    with pytest.raises(KeyboardInterrupt):
        fitted(stopped(tmp_path, 3, []), "arrays")
    (path,) = (tmp_path / "checkpoint").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    seen = []
    fitted(stopped(tmp_path, 0, seen), "arrays")
    assert [done for done, _ in seen] == [1, 2, 3, 4, 5]
    assert len(told) == 1 and told[0].startswith(f"The checkpoint {path} is passed over, since it is damaged (")


class Held(keras.callbacks.Callback):
    """A callback with something that cannot be stored."""

    def on_train_begin(self, logs=None):
        self.random = np.random.default_rng(0)


def test_a_callback_that_cannot_be_stored_leaves_the_training_without_checkpoints_and_is_told(tmp_path, told):
    with pytest.raises(KeyboardInterrupt):
        fitted(stopped(tmp_path, 3, []), "arrays", Held())
    assert not (tmp_path / "checkpoint").exists()
    assert told == [
        "This training keeps no checkpoints: `random` of Held, a Generator, cannot be stored. "
        "After a kill it begins anew."
    ]


def test_epochs_that_are_shorter_than_writing_are_not_all_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "SHARE", 0.0)
    with pytest.raises(KeyboardInterrupt):
        fitted(stopped(tmp_path, 4, []), "arrays")
    seen = []
    fitted(stopped(tmp_path, 0, seen), "arrays")
    assert [done for done, _ in seen] == [2, 3, 4, 5]  # the first one is kept in any case


def test_rows_of_a_memory_map_are_read_batch_by_batch_and_train_the_same_model(tmp_path, monkeypatch):
    data = rows(200)
    np.save(tmp_path / "x.npy", data.x.take())
    mapped = Data(data.ids, np.load(tmp_path / "x.npy", mmap_mode="r"), data.y)
    of = fold(tmp_path / "fold")._replace(train=mapped.rows(np.arange(20, 200)), valid=mapped.rows(np.arange(20)))
    monkeypatch.setattr(networks, "LARGEST", 100)
    taken = []
    take = type(of.train.x).take
    monkeypatch.setattr(type(of.train.x), "take", lambda x, at=None: taken.append(at) or take(x, at))
    seen = []
    of = of._replace(report=lambda done, of, **figures: seen.append(figures))
    networks.begin(of)
    networks.fit(network(), of, epochs=2, batch=32, optimizer=networks.optimizer("adam", 0.05))
    assert all(at is not None and len(at) <= 32 for at in taken)
    assert {len(at) for at in taken} == {32, 20}
    assert all(np.all(np.diff(at) > 0) for at in taken)
    assert set(seen[0]) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_each_epoch_has_an_order_of_its_own_that_only_seed_and_epoch_decide():
    order = networks.Order(50, 3)
    first = order()
    order.epoch = 1
    assert sorted(order()) == list(range(50))
    assert not np.array_equal(order(), first)
    assert np.array_equal(networks.Order(50, 3)(), first)
    assert not np.array_equal(networks.Order(50, 4)(), first)


def test_rows_may_be_nested_arrays(tmp_path):
    of = fold(tmp_path)
    networks.begin(of)
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    hidden = keras.layers.Concatenate()([left, right])
    model = keras.Model({"left": left, "right": right}, keras.layers.Dense(4, activation="softmax")(hidden))
    both = {"left": of.train.x.take(), "right": of.train.x.take()}
    held = {"left": of.valid.x.take(), "right": of.valid.x.take()}
    optimizer = networks.optimizer("adam", 0.05)
    networks.fit(model, of, epochs=1, batch=64, optimizer=optimizer, trained=model, train=both, valid=held)


def test_batches_are_filled_until_all_devices_get_as_many_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "parallel", lambda: 8)
    assert networks.shared(np.arange(5)).tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert networks.shared(np.arange(16)).tolist() == list(range(16))
    of = fold(tmp_path, valid=21)
    order = networks.Order(len(of.train), 1)
    batches = networks._shared_out(networks._batches(of.train.x, of.train.y, 30, order))
    assert [len(batches[number][1]) for number in range(len(batches))] == [32] * 6 + [24]
    assert all(len(x) == len(y) for x, y in (batches[number] for number in range(len(batches))))
    held = networks._judging(of.valid.x, of.valid.y)
    assert [len(held[number][1]) for number in range(len(held))] == [24]
    assert networks.predictor(network(), batch=30).predict(of.valid.x.take()).shape == (21, 4)


def test_a_stored_model_holds_nothing_that_the_keras_of_kaggles_image_refuses(tmp_path):
    import json
    import zipfile

    model = network()
    networks.write(model, tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        described = file.read("config.json").decode()
        assert file.testzip() is None and json.loads(described)["class_name"] == "Functional"
    assert not [name for name in networks.NEWER_SETTINGS if f'"{name}"' in described]
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = rows(5).x.take()
    np.testing.assert_array_equal(again.predict_on_batch(x), model.predict_on_batch(x))
    used = {"module": "keras.initializers", "config": {"input_axes": 1, "output_axes": None}}
    assert networks._without_newer([used]) == [{"module": "keras.initializers", "config": {"input_axes": 1}}]
    foreign = {"module": "mine", "config": {"output_axes": None}}
    assert networks._without_newer(foreign) == foreign


def test_threads_of_an_operation_are_set_where_nothing_was_computed_yet_and_stay_afterwards():
    asked = """
from types import SimpleNamespace

import tensorflow as tf

from kit.toolbox import networks

for threads in (1, 2):
    networks.begin(SimpleNamespace(seed=0), threads=threads)
    tf.constant(1) + 1
    print(tf.config.threading.get_intra_op_parallelism_threads())
"""
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "1"]
