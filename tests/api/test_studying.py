"""kit curves: the learning curves of runs as a table, in words and as one picture."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from matplotlib.image import imread

import kit as api
from kit.errors import KitError
from kit.task.contract import Data


@pytest.fixture
def studied(given, finished):
    """A competition and a finished run whose folds have histories: the first memorises, the second does not."""
    entry = given(Data(np.arange(4), np.zeros((4, 2)), np.arange(4) % 2), Data(np.array([7, 9]), np.zeros((2, 2))))
    run = finished(entry, np.zeros(4), np.zeros(2))
    for number, held in enumerate(([0.5, 0.4, 0.7], [0.5, 0.4, 0.39])):
        folder = run.fold(number)
        folder.mkdir(exist_ok=True)
        with (folder / "history.csv").open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(("step", "seconds", "loss", "val_loss"))
            lines.writerows((i + 1, i, loss, held[i]) for i, loss in enumerate((0.6, 0.3, 0.1)))
    return entry, run


def test_curves_are_read_a_line_a_training_and_drawn_in_one_picture(studied, kit, tmp_path):
    entry, run = studied
    status, out, err = kit("curves", entry.name, run.name, "--out", str(tmp_path / "all.png"))
    assert status == 0, err
    assert "2 of 3" in out and "memorising" in out and "steady" in out
    assert "training loss falls on from 0.3 to 0.1, while validation loss rises to 0.7" in " ".join(out.split())
    assert f"Picture: {tmp_path / 'all.png'}" in err
    assert imread(tmp_path / "all.png").ndim == 3


def test_scripts_get_the_same_as_facts_and_without_names_all_runs_are_read(studied, kit):
    entry, run = studied
    told = json.loads(kit("curves", entry.name, "--json")[1])
    assert [each["best_epoch"] for each in told] == [2, 3]
    assert told[0]["verdicts"] == ["memorising"] and told[0]["accuracy_gap"] is None
    read = api.curves(entry.name, run)
    assert read.facts() == told and read.picture == run.folder.parent / "curves.png"


def test_runs_without_curves_are_refused(given, finished):
    entry = given(Data(np.arange(4), np.zeros((4, 2)), np.arange(4) % 2), Data(np.array([7, 9]), np.zeros((2, 2))))
    with pytest.raises(KitError, match="curves: there are none"):
        api.curves(entry.name)
    run = finished(entry, np.zeros(4), np.zeros(2))
    with pytest.raises(KitError, match=f"None of these runs has curves: {run.name}"):
        api.curves(entry.name)
