"""Before a push: the card, how long the run will take, and the warning where that is too long."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from kit.api import kernel
from kit.data import fetch
from kit.kaggle.kernel import accelerators, card, estimate
from kit.kaggle.kernel.estimate import Estimate
from kit.kaggle.kernel.versions import Pushed
from kit.sandbox import images
from kit.task import catalog
from kit.train import record, runs
from kit.train.record import Plan, Rows
from tests.given import recorded

T4, CPU = accelerators.find("t4"), accelerators.find("cpu")


def plan(**changes) -> Plan:
    return Plan("parity", "table", "", {"epochs": 10}, **changes)


def run(seconds: float, *, accelerator: str = "", **changes) -> runs.Run:
    """A finished run that fitted 60 rows in `seconds`."""
    made = runs.create(plan(**changes))
    told = recorded(made, rows=Rows(60, 60, 20), fit_seconds=seconds, where="kaggle" if accelerator else "local")
    made.finish(told)
    if accelerator:
        pushed = Pushed("me/kernel", 1, "https://example.org/kernel", accelerator, 60, "", "")
        (made.folder / "kaggle.json").write_text(json.dumps({"kernel": asdict(pushed)}))
    return made


def test_nothing_is_told_of_what_never_ran(parity):
    assert estimate.of(catalog.find("parity"), plan(), CPU, 60, None) is None


def test_the_time_grows_with_rows_epochs_and_folds(parity):
    run(40.0)
    entry = catalog.find("parity")
    told = estimate.of(entry, plan(), CPU, 60, None)
    assert told == Estimate(100.0, 60 + 40 * 0.2, 60 + 40 * 5.0, "1 earlier run on this machine")
    longer = Plan("parity", "table", "", {"epochs": 20}, folds=6)
    # Twice the epochs, twice the folds, each of 5/6 instead of 2/3 of twice the rows.
    assert estimate.of(entry, longer, CPU, 120, None).seconds == pytest.approx(60 + 40 * 2 * 2 * 2 * 5 / 4)
    assert estimate.of(entry, plan(only=0), CPU, 60, None).seconds == pytest.approx(60 + 40 / 3)


def test_runs_on_the_same_machine_go_before_those_here_and_two_gpus_halve_the_time(parity):
    run(400.0)
    for seconds in (40.0, 60.0):
        run(seconds, accelerator="t4")
    told = estimate.of(catalog.find("parity"), plan(), T4, 60, None)
    assert told == Estimate(85.0, 60 + 20 * 0.6, 60 + 30 * 1.6, "2 earlier runs on t4")
    assert estimate.of(catalog.find("parity"), plan(), CPU, 60, None).basis == "1 earlier run on this machine"


def test_a_rehearsal_tells_where_there_is_no_run(parity, tmp_path):
    left = run(40.0, sample=True)
    told = estimate.of(catalog.find("parity"), plan(), CPU, 600, left.folder / record.RUN)
    assert (told.seconds, told.basis) == (460.0, "the rehearsal")
    (tmp_path / "run.json").write_text("{}")
    assert estimate.of(catalog.find("parity"), plan(), CPU, 600, tmp_path / "run.json") is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "--set epochs=4"),
        ({"settings": {}, "folds": 10}, "--folds 5"),
        ({"settings": {}, "folds": 2}, "--folds-as-kernels"),
        ({"settings": {}, "scheme": "full"}, ""),
    ],
)
def test_the_setting_that_shortens_a_run(parity, changes, said):
    made = Plan(**vars(plan()) | changes)
    assert estimate.shorter(made, catalog.find("parity"), Estimate(1000, 900, 1000, ""), 500) == said


def test_the_card_says_what_runs_where_with_what_and_how_long(workspace):
    described = {
        "id": "me/digits",
        "competition_sources": ["digit-recognizer"],
        "dataset_sources": ["me/kit-wheels-skops", "me/more"],
    }
    told = card.lines(described, T4, images.known("gpu"), {"skops": "skops"}, Estimate(700, 400, 1500, "runs"), 3600)
    assert told == [
        "kernel    me/digits",
        "machine   t4: two T4, the usual GPU",
        "image     Kaggle's gpu image of 2026-05-14, Python 3.12, 822 packages; by kit's own list",
        "packages  skops by me/kit-wheels-skops",
        "data      digit-recognizer, me/more",
        "time      about 11 min 40 s, between 6 min 40 s and 25 min 0 s, told from runs; "
        "Kaggle stops it after 1 h 0 min",
    ]
    assert "packages  none but the image's" in card.lines(described, CPU, images.known("cpu"), {}, None, 60)


def test_a_run_that_may_be_too_long_is_warned_of_before_it_is_pushed(emulator, parity, told):
    fetch.sample(catalog.find("parity"))
    kernel.build("parity", "table", sample=True, accelerator="t4", epochs=8)
    left = Path(kernel.versions.folder_of(plan(sample=True)), "output", "rehearsal", "new", "run.json")
    made = run(4000.0, sample=True, accelerator="t4")
    left.parent.mkdir(parents=True)
    left.write_bytes((made.folder / "run.json").read_bytes())
    emulator.store.put("quota", "tester/gpu", {"seconds": 30 * 3600 - 60.0})
    kernel.push("parity", "table", sample=True, timeout=600)
    text = "\n".join(told)
    assert "  machine   t4: two T4, the usual GPU\n" in text and "told from 1 earlier run on t4" in text
    assert "Shorter: kit kernel build parity table --sample --set epochs=1" in text
    assert "Warning: the kernel may take 0.7 h, which is more than is left this week." in text
