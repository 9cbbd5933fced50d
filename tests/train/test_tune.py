"""Searching settings: what is tried, what is kept, and what a kill costs."""

from __future__ import annotations

import builtins
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import kit as api
from kit.errors import KitError
from kit.train import runs, trials

pytest.importorskip("optuna")

RECIPE = '''\
"""Probabilities that are right for `good` of the numbers."""

import os
import time
from pathlib import Path

import numpy as np

from kit.errors import KitError
from kit.task.contract import Fitted

SMOKE = {{"pause": {pause}}}
RANGES = {{"good": (0.0, 1.0), "base": (2, 12), "kind": ["plain", "noisy"]}}


def fit(fold, *, good: float = 0.5, base: int = 10, kind: str = "plain", pause: float = 0.0):
    with open(os.environ["FITTED"], "a") as file:
        file.write(f"{{fold.number}} {{good}} {{base}} {{kind}}\\n")
    if kind == "noisy" and {refuses}:
        raise KitError("noise is not allowed")
    time.sleep(pause)
    (fold.dir / "weights.bin").write_bytes(b"0" * 1000)

    def predict(x):
        right = np.where((x[:, 0] * 7919 % 100) < 100 * good, x[:, 0] % 2, 1 - x[:, 0] % 2)
        return np.stack([1.0 - right, right], axis=1)

    return Fitted(predict)
'''


@pytest.fixture
def searched(parity, workspace, monkeypatch):
    """Parity with a recipe whose setting `good` is the accuracy; the file that lists what was fitted."""
    fitted = workspace / "fitted.txt"
    monkeypatch.setenv("FITTED", str(fitted))

    def write(pause: float = 0.0, refuses: bool = False):
        (parity / "ranged.py").write_text(RECIPE.format(pause=pause, refuses=refuses))
        return fitted

    write()
    return write


def test_a_search_tries_the_defaults_first_and_trains_the_winner(kit, searched, workspace):
    fitted = searched()
    status, out, err = kit("tune", "parity", "ranged", "--trials", "12", "--sample", "--no-plots")
    assert status == 0, err
    assert fitted.read_text().splitlines()[:3] == [f"{number} 0.5 10 plain" for number in range(3)]
    assert "accuracy on the folds of the search: defaults 0." in out
    assert "accuracy on folds of another seed: defaults 0." in out
    (run,) = runs.every("parity")
    assert run.finished and run.score > 0.7
    assert f"Run: {run.folder}\n" in out
    store = workspace / "submissions" / "parity" / "tune-ranged-sample"
    assert sorted(path.name for path in store.iterdir()) == ["journal.log", "search.json", "trials.csv"]


def test_the_outcome_holds_every_trial_the_best_first(searched):
    done = api.tune("parity", "ranged", time=None, trials=12, sample=True, plots=False)
    search = done.search
    assert len(search.trials) == 12
    means = [one.mean for one in search.trials if one.mean is not None]
    assert means == sorted(means, reverse=True)
    assert search.winner == search.trials[0] and search.winner.mean > search.default.mean
    assert search.default.settings == {"good": 0.5, "base": 10, "kind": "plain"}
    assert done.run.plan.settings == search.settings | {"pause": 0.0}
    assert done.run.record.mean == pytest.approx(search.winner.mean)
    assert json.dumps(done.facts())


def test_the_winner_is_scored_on_folds_of_another_seed(searched):
    again = api.tune("parity", "ranged", time=None, trials=8, sample=True, plots=False).search.again
    # Nothing is learned from the rows, so that the same rows in other folds score the same: no luck was involved.
    assert again.gain > 0
    assert again.gain_elsewhere == pytest.approx(again.gain)
    assert again.optimism == pytest.approx(0)


def test_trials_behind_the_median_are_given_up_and_told(searched):
    search = api.tune("parity", "ranged", time=None, trials=25, sample=True, plots=False).search
    gone = [one for one in search.trials if one.state == "given up"]
    assert gone
    assert all(one.mean is None and len(one.scores) < 3 for one in gone)
    assert max(one.scores[0] for one in gone) < search.winner.mean


def test_the_same_command_with_more_trials_searches_on(searched):
    fitted = searched()
    first = api.tune("parity", "ranged", time=None, trials=4, sample=True, plots=False).search
    before = len(fitted.read_text().splitlines())
    more = api.tune("parity", "ranged", time=None, trials=7, sample=True, plots=False).search
    assert len(more.trials) == 7
    assert {one.number for one in first.trials} < {one.number for one in more.trials}
    assert len({tuple(one.settings.items()) for one in more.trials}) == 7
    assert len(fitted.read_text().splitlines()) > before


def test_the_same_command_again_fits_nothing(searched):
    fitted = searched()
    first = api.tune("parity", "ranged", time=None, trials=5, sample=True, plots=False)
    before = fitted.read_text()
    again = api.tune("parity", "ranged", time=None, trials=5, sample=True, plots=False)
    assert fitted.read_text() == before
    assert (again.search, again.run.name) == (first.search, first.run.name)


def test_a_search_that_was_killed_loses_the_fold_under_way_and_goes_on(searched, workspace):
    fitted = searched(pause=0.25)
    words = ["tune", "parity", "ranged", "--trials", "4", "--sample", "--no-plots"]
    process = subprocess.Popen(
        [sys.executable, "-m", "kit", *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Five folds have begun: the second trial is in its second fold.
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and (not fitted.exists() or len(fitted.read_text().splitlines()) < 5):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    begun = fitted.read_text().splitlines()
    store = workspace / "submissions" / "parity" / "tune-ranged-sample"
    with (store / "journal.log").open("a") as journal:
        journal.write('{"op_code":')  # half a line, as a kill in the middle of a write leaves it
    done = api.tune("parity", "ranged", time=None, trials=4, sample=True, plots=False)
    assert len(done.search.trials) == 4
    fits = fitted.read_text().splitlines()
    # The killed trial goes on with the fold that it was in, and then with its next one: the folds before it are kept.
    assert fits[len(begun)] == begun[-1]
    if int(begun[-1][0]) < 2:
        assert fits[len(begun) + 1] == f"{int(begun[-1][0]) + 1}{begun[-1][1:]}"
    killed = begun[-1].split(" ", 1)[1]
    taken_up = [one for one in done.search.trials if " ".join(map(str, one.settings.values())) == killed]
    assert len(taken_up) == 1
    assert not (store / "scratch").exists()


def test_one_process_tries_what_this_process_tries_and_keeps_no_trial_s_files(searched, workspace):
    ours = api.tune("parity", "ranged", time=None, trials=6, sample=True, plots=False).search
    store = workspace / "submissions" / "parity" / "tune-ranged-sample"
    shutil.rmtree(store)
    theirs = api.tune(
        "parity", "ranged", time=None, trials=6, sample=True, plots=False, engine="process", jobs=1
    ).search
    assert [(one.settings, one.scores, one.state) for one in theirs.trials] == [
        (one.settings, one.scores, one.state) for one in ours.trials
    ]
    assert theirs.again == ours.again
    assert sorted(path.name for path in store.iterdir()) == ["journal.log", "search.json", "trials.csv"]


def test_two_trials_at_once_that_were_killed_are_both_taken_up_and_no_fold_is_fitted_again(searched):
    fitted = searched(pause=0.3)
    words = ["tune", "parity", "ranged", "--trials", "5", "--sample", "--no-plots", "--jobs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "kit", *words], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and (not fitted.exists() or len(fitted.read_text().splitlines()) < 4):
        time.sleep(0.02)
    process.kill()  # its workers end with it
    process.wait()
    time.sleep(0.5)
    begun = fitted.read_text().splitlines()
    ended = api.tune("parity", "ranged", time=None, trials=5, sample=True, plots=False, jobs=2).search
    assert len([one for one in ended.trials if one.state != "failed"]) == 5
    fits = fitted.read_text().splitlines()
    assert fits[: len(begun)] == begun
    # Each fold of a trial, three of the run, and three of both on other folds where the winner is not the defaults.
    once = sum(len(one.scores) for one in ended.trials) + 3 + 6 * (ended.again is not None)
    assert once <= len(fits) <= once + 2  # the two that were being fitted at the kill


def test_a_fold_whose_score_the_journal_has_not_seen_before_a_kill_is_not_fitted_again(searched):
    fitted = searched()

    def killed(*words):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(trials.Trials, "_ended", killed)
        api.tune("parity", "ranged", time=None, trials=2, sample=True, plots=False)
    assert fitted.read_text().splitlines() == ["0 0.5 10 plain"]
    api.tune("parity", "ranged", time=None, trials=2, sample=True, plots=False)
    assert fitted.read_text().splitlines().count("0 0.5 10 plain") == 2  # the other one is that of the run


def test_time_that_is_over_stops_within_a_fold(searched):
    fitted = searched(pause=0.2)
    search = api.tune("parity", "ranged", time=1.0, sample=True, plots=False).search
    assert search.default.mean is not None
    seconds = sum(one.seconds for one in search.trials)
    assert seconds < 1.5
    before = len(fitted.read_text().splitlines())
    more = api.tune("parity", "ranged", time="3s", sample=True, plots=False).search
    assert len(more.trials) > len(search.trials)
    assert len(fitted.read_text().splitlines()) > before


def test_settings_that_the_recipe_refuses_are_told_and_passed_over(searched, told):
    searched(refuses=True)
    search = api.tune("parity", "ranged", time=None, trials=8, sample=True, plots=False).search
    assert {one.state for one in search.trials if one.settings["kind"] == "noisy"} == {"failed"}
    assert any(line.endswith("failed: noise is not allowed") for line in told)


def test_what_is_set_is_not_searched(searched):
    search = api.tune("parity", "ranged", time=None, trials=3, sample=True, plots=False, good=0.9, kind="noisy").search
    assert [list(one.settings) for one in search.trials] == [["base"]] * 3
    assert search.settings["good"] == 0.9
    with pytest.raises(KitError, match="Nothing is left to search"):
        api.tune("parity", "ranged", trials=3, sample=True, good=0.9, kind="noisy", base=3)


def test_ranges_that_hold_few_settings_are_searched_through(parity, searched, told):
    searched()
    text = (parity / "ranged.py").read_text()
    changed = text.replace('{"good": (0.0, 1.0), "base": (2, 12), "kind"', '{"kind"')
    (parity / "ranged.py").write_text(changed)
    search = api.tune("parity", "ranged", time=None, trials=50, sample=True, plots=False).search
    assert len(search.trials) == 2
    assert any("searched through" in line for line in told)


def test_another_search_in_the_same_folder_is_refused(searched, workspace):
    api.tune("parity", "ranged", time=None, trials=2, sample=True, plots=False)
    with pytest.raises(KitError, match="begun with other seed") as refused:
        api.tune("parity", "ranged", time=None, trials=2, sample=True, plots=False, seed=1)
    assert refused.value.cure == f"rm -r {workspace / 'submissions' / 'parity' / 'tune-ranged-sample'}"
    searched(refuses=True)
    with pytest.raises(KitError, match="begun with other code of the recipe"):
        api.tune("parity", "ranged", time=None, trials=2, sample=True, plots=False)


def test_without_optuna_the_extra_is_named(kit, searched, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == "optuna":
            raise ModuleNotFoundError("No module named 'optuna'", name="optuna")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    status, out, err = kit("tune", "parity", "ranged", "--sample")
    assert (status, out) == (1, "")
    assert "Tuning needs the package 'optuna'" in err
    assert "extra 'tune'" in err
    assert "pip install" in err and "optuna" in err.splitlines()[-1]


def test_a_recipe_without_ranges_is_refused_before_anything_is_made(kit, searched, workspace):
    status, _, err = kit("tune", "parity", "table", "--sample")
    assert status == 1
    assert "Recipe table does not say which settings may be searched." in err
    assert not list((workspace / "submissions").glob("parity/*"))


@pytest.mark.parametrize("words", [("--time", "soon"), ("--folds", "1"), ("--set", "god=1")], ids=" ".join)
def test_wrong_options_are_refused_before_anything_is_made(kit, searched, workspace, words):
    status, out, err = kit("tune", "parity", "ranged", "--sample", *words)
    assert (status, out) == (1, "")
    assert err.startswith("kit: ")
    assert not list((workspace / "submissions").glob("parity/*"))


def test_a_search_is_drawn(searched):
    done = api.tune("parity", "ranged", time=None, trials=6, sample=True)
    table, picture = done.files
    assert len(table.read_text().splitlines()) == 7
    assert picture.read_bytes().startswith(b"\x89PNG")
