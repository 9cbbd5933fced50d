"""Kaggle as the engine of a sweep: a queue that survives kills. Kernels are answered by the test, without running."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit import limits
from kit.data import fetch
from kit.emulator.local import Emulator, running
from kit.errors import KitError
from kit.kaggle import client
from kit.kaggle.kernel import fanout, metadata, notebook, outputs, push, queued, readback, sessions, versions
from kit.task import catalog
from kit.train import fold, loop, record, runs
from kit.train.executors import Piece
from kit.train.runs import Run
from tests.given import recorded
from tests.kaggle.kernel.conftest import hasten

Finish = Callable[..., None]


@pytest.fixture
def site(parity: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator whose kernels wait until the test ends them; the environment points at it."""
    hasten(parity)
    fetch.sample(catalog.find("parity"))
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(push, "LOOKS", (0.0,))
    monkeypatch.setattr(readback, "LOOKS", (0.0,))
    monkeypatch.setattr(sessions, "LATE", 0.2)
    with running(sample=True, kernels="off") as emulator:
        monkeypatch.setattr(emulator.site.sessions, "start", lambda *words: None)
        for name, value in emulator.env.items():
            monkeypatch.setenv(name, value)
        yield emulator


def waiting(site: Emulator) -> list:
    return [one for one in site.site.sessions.all() if one.status == "QUEUED"]


def finish(site: Emulator, session, failure: str = "") -> None:
    """End a kernel, with what it would have left: its fold, fitted here, and a record."""
    plan = notebook.plan((Path(session.folder) / "source").read_text(), Path("source"))
    entry = catalog.find("parity", sample=True)
    recipe, _ = entry.recipe(plan.label)
    plan = loop.planned(entry, recipe, plan.variant, plan.settings, seed=plan.seed, only=plan.only)
    run = Run(session.working / "submissions" / "parity" / "20260101-000000-table", plan)
    record.write(run.folder / record.PLAN, plan)
    if not failure:
        fold.fit_fold(run.folder, plan.only)
        run.finish(recorded(run))
        fold.forget()
    site.site.sessions._end(session, "ERROR" if failure else "COMPLETE", failure)


@pytest.fixture
def quick(site: Emulator, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Instead of waiting, one kernel ends; how many ran at each of these moments."""
    seen: list[int] = []

    def wait() -> None:
        running = waiting(site)
        seen.append(len(running))
        finish(site, running[0])

    monkeypatch.setattr(fanout, "_wait", wait)
    return seen


def test_a_sweep_is_fitted_by_kernels_as_many_at_once_as_kaggle_allows(site, quick, kit, monkeypatch):
    monkeypatch.setitem(limits.AT_ONCE, "cpu", 4)
    words = ("sweep", "parity", "table:noisy", "--sample", "--seeds", "2")
    status, _, err = kit(*words, "--engine", "kaggle")
    assert status == 0, err
    theirs = {run.plan.seed: run for run in runs.every("parity")}
    assert [run.record.where for run in theirs.values()] == ["local", "local"]  # the test's own folds
    assert max(quick) == 4 and site.steps("SaveKernel") == 6
    ours = loop.train(catalog.find("parity"), runs.create(theirs[1].plan), quiet=True)
    for name in ("oof.npz", "test.npz", "submission.csv"):
        assert (ours.folder / name).read_bytes() == (theirs[1].folder / name).read_bytes()
    assert len(theirs[1].kaggle()["kernels"]) == 3
    status, _, _ = kit(*words, "--engine", "kaggle")
    assert (status, site.steps("SaveKernel")) == (0, 6)


def test_a_kernel_that_still_runs_is_given_no_other_version(site, quick, kit):
    assert kit("sweep", "parity", "table", "--sample", "--seeds", "2", "--engine", "kaggle")[0] == 0
    slots = {(one.slug, one.number) for one in site.site.sessions.all()}
    # Five ran at once: folds 0 and 1 of the second run had to have kernels beside those of the first.
    assert {("parity-table-sample-fold-0", 1), ("parity-table-sample-fold-0-2", 1)} <= slots


def test_a_push_that_arrived_before_a_kill_is_not_made_again(site, quick, kit, monkeypatch, told):
    words = ("train", "parity", "table", "--sample", "--no-plots", "--engine", "kaggle")

    def killed(folder, pushed):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(versions, "remember", killed)
        kit(*words)
    (run,) = runs.every("parity")
    assert site.steps("SaveKernel") == 1
    assert (queued.folder(Piece(run.folder, 0)) / queued.PUSHING).exists()
    status, _, err = kit("train", "parity", "--sample", "--resume", "last", "--no-plots", "--engine", "kaggle")
    assert status == 0, err
    assert site.steps("SaveKernel") == 3
    assert any("had arrived before this command was killed" in line for line in told)


def test_what_was_pushed_to_another_server_is_no_answer_of_this_one(site, quick, kit, monkeypatch):
    entry = catalog.find("parity", sample=True)
    recipe, _ = entry.recipe("table")
    run = runs.create(loop.planned(entry, recipe, "", recipe.resolve("", smoke=True)))
    place = queued.folder(Piece(run.folder, 0))
    page = "https://www.kaggle.com/code/tester/x"
    elsewhere = versions.Pushed("tester/x", 3, page, "cpu", 60, "", "2026-01-01T00:00:00Z")
    versions.remember(place, elsewhere)
    assert kit("train", "parity", "--sample", "--resume", "last", "--no-plots", "--engine", "kaggle")[0] == 0
    assert site.steps("SaveKernel") == 3


def test_the_server_s_own_word_of_how_many_run_at_once_is_kept_to(site, quick, kit, monkeypatch, told):
    refuse = push._checked

    def fuller(answer, ref, words=""):
        if len(waiting(site)) > 2:
            site.site.sessions.remove(waiting(site)[-1])
            answer = {"error": "Maximum batch CPU session count of 2 reached."}
        return refuse(answer, ref, words)

    monkeypatch.setattr(push, "_checked", fuller)
    assert kit("train", "parity", "table", "--sample", "--no-plots", "--engine", "kaggle")[0] == 0
    assert max(quick) == 2
    assert sum("Waiting." in line for line in told) == 1


def test_a_run_whose_kernel_fails_stops_no_other_and_the_same_command_goes_on(site, kit, monkeypatch):
    failed = []

    def wait():
        session = waiting(site)[0]
        failure = "It went wrong." if session.slug.endswith("fold-1") and not failed else ""
        failed.extend([failure] * bool(failure))
        finish(site, session, failure)

    monkeypatch.setattr(fanout, "_wait", wait)
    words = ("sweep", "parity", "table", "--sample", "--seeds", "2", "--engine", "kaggle")
    status, _, err = kit(*words)
    assert status == 1 and "1 of 2 runs failed" in err
    assert [run.finished for run in runs.every("parity")].count(True) == 1
    assert kit(*words)[0] == 0
    assert site.steps("SaveKernel") == 7


def test_a_result_that_could_not_be_fetched_is_fetched_later_and_not_fitted_again(site, quick, kit, monkeypatch):
    def broken(files, folder):
        raise client.Refusal("The connection was lost.", status=0, reason="")

    with monkeypatch.context() as patch:
        patch.setattr(outputs, "fetch", broken)
        status, _, err = kit("train", "parity", "table", "--sample", "--no-plots", "--engine", "kaggle")
    assert status == 1 and "The connection was lost." in err
    assert kit("train", "parity", "--sample", "--resume", "last", "--no-plots", "--engine", "kaggle")[0] == 0
    assert site.steps("SaveKernel") == 3


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("train", "--refit", "--engine", "kaggle"), "cannot be fitted by kernels."),
        (("train", "--accelerator", "t4"), "--accelerator is for the engine kaggle only."),
    ],
)
def test_what_kernels_cannot_fit_is_refused_and_leaves_nothing(site, kit, words, wrong):
    verb, *rest = words
    status, _, err = kit(verb, "parity", "table", "--sample", *rest)
    assert status == 1 and wrong in err
    assert runs.every("parity") == [] and site.steps("SaveKernel") == 0


def test_a_search_is_not_fitted_by_kernels(parity):
    import kit as api

    (parity / "table.py").write_text((parity / "table.py").read_text() + '\nRANGES = {"noise": (0.0, 1.0)}\n')
    with pytest.raises(KitError, match="A search cannot be fitted by kernels"):
        api.tune("parity", "table", sample=True, engine="kaggle")


@pytest.mark.slow
def test_a_sweep_that_is_killed_again_and_again_pushes_each_fold_once(site, workspace):
    """`kill -9` the moment the server has answered its first, fourth and tenth push."""
    code = "from kit.kaggle.kernel import fanout; fanout.PAUSE = 0.05; from kit.cli import main; import sys; "
    code += "sys.exit(main(['sweep', 'parity', 'table', '--sample', '--seeds', '4', '--engine', 'kaggle']))"
    for until in (1, 4, 10, None):
        process = subprocess.Popen([sys.executable, "-c", code], env=os.environ, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            if until and site.steps("SaveKernel") >= until:
                process.kill()
                process.wait()
                break
            for session in waiting(site)[:1]:
                finish(site, session)
            time.sleep(0.02)
    assert process.returncode == 0
    assert site.steps("SaveKernel") == 12
    assert [run.finished for run in runs.every("parity")] == [True] * 4
    assert not [*workspace.glob("submissions/parity/*/kernels/*/output/pushing.json")]
    assert metadata.FILE in {path.name for path in workspace.glob("submissions/parity/*/kernels/*/*")}
