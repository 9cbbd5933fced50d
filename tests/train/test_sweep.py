"""Grids of recipes, settings and seeds."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from kit.drawing import sweep_plot
from kit.errors import KitError
from kit.task import catalog
from kit.train import executors, fold, processes, progress, runs, sweep, together, working
from kit.train.record import Plan
from tests.given import recorded


@pytest.mark.parametrize(
    ("texts", "swept"),
    [
        ([], [{}]),
        (["rate=0.1,0.2"], [{"rate": 0.1}, {"rate": 0.2}]),
        (["a=1,2", "b=x,y"], [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}]),
        (["kernels=(5,3),(3,3)"], [{"kernels": (5, 3)}, {"kernels": (3, 3)}]),
        (["augment=true,false"], [{"augment": True}, {"augment": False}]),
    ],
)
def test_a_grid_is_every_combination_of_values(texts, swept):
    assert sweep.grid(texts) == swept


def test_a_text_without_values_is_refused():
    with pytest.raises(KitError, match="'rate' is not a setting"):
        sweep.grid(["rate"])


@pytest.fixture
def plans(kit, parity):
    """Two noises, two seeds, on the sample."""
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=0.2", "--seed", "0")
    plan = runs.find("parity", "last").plan
    from dataclasses import replace

    return [
        replace(plan, settings=plan.settings | {"noise": noise}, seed=seed) for noise in (0.2, 5.0) for seed in (0, 1)
    ]


def test_what_is_finished_is_skipped_and_the_rest_is_made(plans, told):
    fitted = []

    def counting(pieces, show, ended):
        executors.local((fitted.append(piece) or piece for piece in pieces), show, ended)

    swept = sweep.sweep(plans, counting)
    assert [(run.plan.settings["noise"], run.plan.seed) for run in swept] == [(0.2, 0), (0.2, 1), (5.0, 0), (5.0, 1)]
    assert [piece.number for piece in fitted] == [0, 1, 2] * 3
    assert told[0] == f"1/4 table:noisy seed 0: finished before, {swept[0].name}"
    assert told[1] == f"2/4 table:noisy seed 1: accuracy {swept[1].score:.5f}, {swept[1].name}"


def test_what_was_killed_goes_on_in_its_own_folder(plans):
    def killed(pieces, show, ended):
        fold.fit_fold(*next(pieces))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.sweep(plans, killed)
    begun = [run for run in runs.every("parity") if not run.finished]
    assert begun[0].done(0) and not begun[0].done(1)
    swept = sweep.sweep(plans, executors.local)
    assert [run.name for run in begun] == [swept[1].name]
    assert len(runs.every("parity")) == 4


def test_a_run_that_fails_does_not_stop_the_others(plans, told):
    def fit(pieces, show, ended):
        for piece in pieces:
            plan = runs.at(piece.folder).plan
            if (plan.seed, plan.settings["noise"], piece.number) == (1, 0.2, 1):
                ended(piece, KitError("It diverged."))
            else:
                fold.fit_fold(*piece)
                ended(piece, None)

    with pytest.raises(KitError, match="1 of 4 runs failed") as caught:
        sweep.sweep(plans, fit)
    assert "2/4 table:noisy seed 1: It diverged." in told
    (left,) = (run for run in runs.every("parity") if not run.finished)
    assert caught.value.cure == f"kit train parity --resume {left.name}"
    assert [bool(left.done(number)) for number in range(3)] == [True, False, False]


def test_a_run_that_another_process_works_on_is_waited_for_and_not_made_again(plans):
    """The other one lets go after the rest is fitted, without having finished it."""
    other = runs.create(plans[1])
    lock = working.alone(other)
    lock.__enter__()

    def fit(pieces, show, ended):
        given = list(pieces)
        assert {piece.folder for piece in given}.isdisjoint({other.folder})
        lock.__exit__(None, None, None)
        executors.local(iter(given), show, ended)

    first = together.Together(plans, fit)
    first.fit(progress.nothing)
    assert [run.name for run in first.elsewhere] == [other.name]
    assert sorted(first.finished) == [0, 2, 3]
    swept = sweep.sweep(plans, executors.local)
    assert swept[1].name == other.name
    assert len(runs.every("parity")) == 4


def test_folds_of_many_runs_in_processes_and_here_have_the_same_bytes(plans):
    ours = [(run.folder / "oof.npz").read_bytes() for run in sweep.sweep(plans[1:], executors.local)]
    for run in runs.every("parity"):
        if run.plan in plans[1:]:
            shutil.rmtree(run.folder)
    theirs = sweep.sweep(plans[1:], processes.Processes(2))
    assert [(run.folder / "oof.npz").read_bytes() for run in theirs] == ours


def test_the_table_has_a_row_for_each_cell_the_best_first(plans, tmp_path):
    swept = sweep.sweep(plans, executors.local)
    table = sweep.rows(swept)
    assert [(row.settings, row.seeds) for row in table] == [("noise=0.2", 2), ("noise=5.0", 2)]
    scores = [run.score for run in swept[:2]]
    assert table[0].mean == pytest.approx(sum(scores) / 2)
    assert table[0].oof == max(scores)
    written = sweep.write(tmp_path, table)
    assert written[0].read_text().splitlines()[0] == "| " + " | ".join(sweep.COLUMNS) + " |"
    with written[1].open(newline="") as file:
        assert [row["settings"] for row in csv.DictReader(file)] == ["noise=0.2", "noise=5.0"]
    picture = sweep_plot.draw(catalog.find("parity"), table, tmp_path / "sweep.png")
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_further_metrics_are_columns_of_the_table(kit, parity, tmp_path):
    path = parity / "competition.py"
    path.write_text(
        path.read_text().replace("metric=metrics.accuracy,", "metric=metrics.f1, also=(metrics.accuracy,),")
    )
    for seed in "01":
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--seed", seed, "--set", "noise=0.4")
    table = sweep.rows(swept := runs.every("parity"))
    assert sweep.columns(table) == [*sweep.COLUMNS, "accuracy"]
    mean = sum(run.record.also["accuracy"] for run in swept) / 2
    with sweep.write(tmp_path, table)[1].open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["accuracy"]) == pytest.approx(mean)
    assert table[0].cells()[-1] == f"{mean:.5f}"


@pytest.mark.slow
def test_the_command_sweeps_in_processes_of_their_own_and_is_idempotent(kit, parity):
    words = ("sweep", "parity", "table", "--sample", "--set", "noise=0.1,0.2", "--json")
    status, out, _ = kit(*words)
    assert status == 0
    assert [row["settings"] for row in json.loads(out)] in (["noise=0.1", "noise=0.2"], ["noise=0.2", "noise=0.1"])
    assert kit(*words)[2].count("finished before") == 2
    assert len(runs.every("parity")) == 2


def cell(seed: int, rate: float, score: float | None, **more):
    """A finished run of the cell `rate`."""
    made = runs.create(Plan("parity", "table", "", {"rate": rate, "depth": 3}, seed=seed))
    return made.finish(recorded(made, oof_score=score, **more))


@pytest.mark.parametrize(("higher", "order"), [(True, [0.2, 0.1, 0.3]), (False, [0.1, 0.2, 0.3])])
def test_the_best_mean_comes_first_and_a_cell_without_a_score_last(workspace, higher, order):
    given = {"higher_is_better": higher}
    finished = [
        cell(0, 0.3, None, **given),
        cell(0, 0.1, -0.5, **given, parameters=7, fit_seconds=3.0, peak_memory_bytes=2**30, also={"auc": 0.5}),
        cell(0, 0.2, 0.25, **given),
        cell(1, 0.1, -0.25, **given, parameters=9, fit_seconds=2.0, peak_memory_bytes=2**29, also={"auc": 1.0}),
    ]
    table = sweep.rows(finished)
    assert [row.settings for row in table] == [f"rate={rate}" for rate in order]
    both = next(row for row in table if row.seeds == 2)
    assert (both.mean, both.oof, both.parameters, both.seconds) == (-0.375, -0.25 if higher else -0.5, 9, 3.0)
    assert (both.sd, both.also, both.peak) == (pytest.approx(0.1767767), {"auc": 0.75}, 2**30)
    assert both.cells()[2:] == ["2", "-0.37500", "0.17678", f"{both.oof:.5f}", "9", "3.0", "1.00", "0.75000"]
    alone = next(row for row in table if row.settings == "rate=0.2")
    assert (alone.sd, alone.parameters, alone.cells()[6]) == (None, None, "-")
    zero = sweep.rows([cell(0, 0.5, 0.0, **given), cell(0, 0.6, 0.1, **given), cell(0, 0.7, -0.1, **given)])
    assert [row.mean for row in zero] == sorted([0.0, 0.1, -0.1], reverse=higher)
    assert [row.mean for row in sweep.rows([cell(0, 0.9, 0.5, **given)])] == [0.5]
    assert sweep.rows([]) == []
