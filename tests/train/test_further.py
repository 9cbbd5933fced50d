"""Averaged seeds, a model of all rows, and pseudo-labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.predict import models
from kit.task import catalog, merging, metrics, targets
from kit.task.contract import Data, Fold
from kit.train import averaging, predictions, pseudo, runs
from kit.train.record import Plan
from tests.judge.test_methods import competition

LOAD = """

def load(dir):
    share = np.load(dir / "share.npy")
    return Fitted(lambda x: np.stack([1 - share[x[:, 0] % 10], share[x[:, 0] % 10]], axis=1))
"""


@pytest.fixture
def trained(kit, parity):
    """Trains a noisy run of parity with these words, and gives it."""
    (parity / "table.py").write_text((parity / "table.py").read_text() + LOAD)

    def train(*words: str) -> runs.Run:
        before = {run.name for run in runs.every("parity")}
        status, _, err = kit("train", "parity", "table:noisy", "--sample", "--no-plots", *words)
        assert status == 0, err
        return next(run for run in runs.every("parity") if run.name not in before)

    return train


def preds(run: runs.Run, name: str, fold: int) -> np.ndarray:
    return predictions.load(run.fold(fold) / name)["pred"]


def test_a_fold_of_several_seeds_predicts_their_mean_and_the_first_is_the_folds_own(trained):
    one, three = trained(), trained("--seeds", "3")
    assert three.plan.seeds == 3
    shares = [np.load(three.fold(0) / f"seed-{number}" / "share.npy") for number in range(3)]
    assert np.array_equal(shares[0], np.load(one.fold(0) / "share.npy"))
    assert not np.allclose(shares[0], shares[1])
    last = np.arange(200, 220) % 10
    assert np.allclose(preds(three, "test.npz", 0)[:, 1], np.mean([share[last] for share in shares], axis=0))
    assert (three.fold(0) / "seed-2" / "history.csv").exists()


def test_a_run_of_several_seeds_predicts_new_rows_by_all_of_them(trained):
    run = trained("--seeds", "2", "--refit")
    entry = catalog.find("parity", sample=True)
    _, test = entry.competition.load(entry.public())
    assert np.allclose(models.load(entry, run)(test.x), predictions.load(run.folder / "test.npz")["pred"])


def test_the_seeds_of_a_run_are_all_different():
    seeds = [
        run * 1000 + number + 1 + 100 * at for run in range(3) for number in range(20) for at in range(averaging.MOST)
    ]
    assert len({*seeds}) == len(seeds)


def test_a_model_of_all_rows_joins_those_of_the_folds_for_test_rows_and_judges_nothing(trained):
    plain, more = trained(), trained("--refit")
    assert more.score == plain.score
    assert more.record.rows.out_of_fold == 60
    assert more.done(-1).rows == 60
    parts = [preds(more, "test.npz", number) for number in (0, 1, 2, -1)]
    assert np.allclose(predictions.load(more.folder / "test.npz")["pred"], merging.mean(parts))
    assert not (more.fold(-1) / "valid.npz").exists()


def test_what_cannot_be_is_refused(kit, trained):
    run = trained()
    for words, why in (
        (("--refit", "--full"), "trains on all rows already"),
        (("--pseudo", run.name, "--pseudo-share", "0"), "A share of 0"),
        (("--pseudo", run.name, "--folds", "2"), "has other folds or data"),
        (("--pseudo", "nothing"), "No run of parity is called 'nothing'"),
        (("--resume", run.name, "--seeds", "2"), "seeds would change"),
    ):
        recipe = () if "--resume" in words else ("table:noisy",)
        status, _, err = kit("train", "parity", *recipe, "--sample", "--no-plots", *words)
        assert status == 1
        assert why in err


def test_pseudo_labels_of_a_fold_come_from_the_other_runs_model_of_that_fold_and_never_validate(trained):
    teacher = trained()
    pupil = trained("--pseudo", teacher.name, "--pseudo-share", "0.5")
    assert (pupil.plan.pseudo, pupil.plan.pseudo_share) == (teacher.name, 0.5)
    for number in range(3):
        assert pupil.done(number).rows == teacher.done(number).rows + 10
        theirs, mine = (predictions.load(run.fold(number) / "valid.npz") for run in (teacher, pupil))
        assert mine["ids"].tolist() == theirs["ids"].tolist()
    assert pupil.record.rows.out_of_fold == 60


def rows_of(x, y, ids=None) -> Data:
    return Data(np.arange(len(y)) if ids is None else ids, x, y)


@pytest.fixture
def teacher(monkeypatch):
    """Stands in for the other run: each fold's model says that the answers are as given."""

    def say(pred: np.ndarray) -> None:
        monkeypatch.setattr(pseudo, "_predicted", lambda fold, plan: pred)

    return say


PLAN = Plan("given", "none", "", {}, pseudo="other", pseudo_share=0.5)


def joined(metric, train: Data, test: Data, labels=None) -> Data:
    fold = Fold(0, train, train.head(1), 1, None)
    return pseudo.joined(competition(metric, labels and targets.Labels(labels)), fold, test, labels, PLAN).train


def test_the_surest_half_of_the_test_rows_joins_under_its_likeliest_label(teacher):
    teacher(np.array([[0.9, 0.1], [0.4, 0.6], [0.45, 0.55], [0.05, 0.95]]))
    train = rows_of(np.arange(3)[:, None], np.array([0, 1, 1]))
    made = joined(metrics.accuracy, train, Data(np.arange(4), np.arange(4)[:, None] + 10), (0, 1))
    assert made.x.take()[:, 0].tolist() == [0, 1, 2, 10, 13]
    assert made.y.tolist() == [0, 1, 1, 0, 1]
    assert len({*made.ids.tolist()}) == 5


def test_labels_that_are_words_and_numbers_keep_their_form(teacher):
    teacher(np.array([[0.9, 0.1], [0.4, 0.6]]))
    words = rows_of(["a", "b"], np.array(["cat", "dog"]))
    made = joined(metrics.accuracy, words, Data(np.arange(2), ["c", "d"]), ("cat", "dog"))
    assert (made.x.take(), made.y.tolist()) == (["a", "b", "c"], ["cat", "dog", "cat"])
    teacher(np.array([3.5, 4.5]))
    numbers = rows_of(pd.DataFrame({"a": [1, 2]}), np.array([1.0, 2.0]))
    made = joined(metrics.rmse, numbers, Data(np.arange(2), pd.DataFrame({"a": [7, 8]})))
    assert (made.x.take()["a"].tolist(), made.y.tolist()) == ([1, 2, 7], [1.0, 2.0, 3.5])


def test_groups_weights_and_times_go_along(teacher):
    teacher(np.array([[0.9, 0.1], [0.4, 0.6]]))
    train = replace(
        rows_of(np.zeros((2, 1)), np.array([0, 1])), group=np.array(["x", "y"]), weight=np.array([1.0, 3.0])
    )
    made = joined(metrics.accuracy, train, Data(np.arange(2), np.zeros((2, 1))), (0, 1))
    assert made.group.tolist() == ["x", "y", "pseudo 0"]
    assert made.weight.tolist() == [1, 3, 2]


def test_a_fold_that_holds_out_other_rows_is_refused(trained):
    run = trained()
    fold = Fold(0, rows_of(np.zeros((2, 1)), np.zeros(2)), rows_of(np.zeros((2, 1)), np.zeros(2)), 1, run.folder)
    with pytest.raises(KitError, match="holds out other rows"):
        pseudo._predicted(fold, replace(run.plan, pseudo=run.name))


def test_a_blend_gives_no_pseudo_labels(kit, trained):
    members = [trained("--seed", seed) for seed in "12"]
    kit("ensemble", "parity", *(run.name for run in members), "--method", "mean")
    status, _, err = kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--pseudo", "blend-mean")
    assert (status, "has no models of single folds" in err) == (1, True)
