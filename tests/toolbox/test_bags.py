"""The bag of hashed pieces: batches, the network against NumPy, and only touched rows that change."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from kit.errors import KitError
from kit.rows.views import Rows
from kit.task.contract import Data, Fold
from kit.toolbox import bags, ngrams

HASHING = partial(ngrams.bags, words=(1, 2), chars=(3, 4), buckets=1 << 10)
TEXTS = [f"{thing} {mark}" for thing in ("casa", "auto", "mesa") for mark in ("uno", "dos", "tres", "", "cinco")] * 4
Y = np.repeat(np.tile(np.arange(3), 4), 5)


def test_texts_are_hashed_part_by_part(monkeypatch):
    monkeypatch.setattr(bags, "PART", 7)
    made, whole = bags.hashed(Rows(TEXTS), HASHING), HASHING(TEXTS)
    assert np.array_equal(made.ids, whole.ids) and np.array_equal(made.ends, whole.ends)


def test_a_batch_names_each_bucket_once_and_finds_it_again():
    made = HASHING([*TEXTS[:3], ""])
    picker = bags.Picker(made, 1 << 10, power=0.5)
    batch = picker(np.array([3, 1]))
    assert len(np.unique(batch.used)) == len(batch.used) and batch.share[0] == 0
    assert batch.used[batch.place].tolist() == made.ids[made.ends[0] : made.ends[1]].tolist()
    assert set(batch.row.tolist()) == {1}
    assert batch.share[1] == pytest.approx((made.ends[1] - made.ends[0]) ** -0.5)
    assert not picker.flags.any()


def test_all_buckets_of_all_texts_are_seen_part_by_part(monkeypatch):
    monkeypatch.setattr(bags, "READ", 5)
    made = HASHING(TEXTS)
    assert np.flatnonzero(bags.Picker(made, 1 << 10, power=1.0).seen()).tolist() == np.unique(made.ids).tolist()


def test_buckets_are_left_out_by_the_seed():
    picker = bags.Picker(HASHING(TEXTS), 1 << 10, power=1.0)
    rows = np.arange(60)
    some, same, other = (picker(rows, 0.5, (seed,)) for seed in (1, 1, 2))
    assert np.array_equal(some.place, same.place) and not np.array_equal(some.row, other.row)
    assert 0.4 < len(some.row) / len(picker(rows).row) < 0.6


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small model, and the fold that it was trained on."""
    pytest.importorskip("tensorflow")
    data = Data(np.arange(60), TEXTS, Y)
    history = []
    folder = tmp_path_factory.mktemp("bag")
    report = lambda done, of, **figures: history.append(figures)  # noqa: E731
    fold = Fold(0, data.rows(np.arange(45)), data.rows(np.arange(45, 60)), 3, folder, report)
    settings = {"classes": 3, "buckets": 1 << 10, "width": 8, "epochs": 6, "batch": 16, "rate": 0.5}
    return fold, bags.fit(fold, HASHING, **settings), history, settings


def test_the_network_learns_and_its_figures_are_those_of_what_is_stored(trained):
    fold, fitted, history, _ = trained
    pred = fitted(fold.valid.x)
    assert pred.dtype == np.float32 and np.allclose(pred.sum(1), 1, atol=1e-5)
    assert (pred.argmax(1) == fold.valid.y).all()
    likely = -np.log(pred[np.arange(15), fold.valid.y]).mean()
    # NumPy says what Keras said at the end, but for the half precision of what is stored.
    assert history[-1]["val_loss"] == pytest.approx(likely, rel=0.02)


def test_the_same_fold_gives_the_same_bytes(trained, tmp_path):
    fold, fitted, _, settings = trained
    again = bags.fit(fold._replace(dir=tmp_path), HASHING, **settings)
    assert np.array_equal(fitted(fold.valid.x), again(fold.valid.x))


def test_a_text_of_nothing_known_has_probabilities_too(trained):
    _, fitted, _, _ = trained
    pred = fitted(["", "zzzzzzzz"])
    assert np.isfinite(pred).all() and pred.shape == (2, 3)
    assert fitted([]).shape == (0, 3)


def test_another_backend_than_tensorflow_is_refused_in_a_sentence(monkeypatch, tmp_path):
    keras = pytest.importorskip("keras")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    data = Data(np.arange(60), TEXTS, Y)
    settings = {"classes": 3, "buckets": 1 << 10, "width": 8, "epochs": 1, "batch": 16, "rate": 0.5}
    with pytest.raises(KitError, match="computes with TensorFlow, and Keras here with jax"):
        bags.fit(Fold(0, data, data.rows(np.arange(0)), 3, tmp_path), HASHING, **settings)
