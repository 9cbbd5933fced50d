"""Folds fitted by Ray: the same bytes, workers that die, a cluster that is not there."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from kit.data import fetch
from kit.errors import KitError
from kit.task import catalog
from kit.train import executors, on_ray, progress, ray_worker, runs, sweep, travel
from kit.train.on_ray import OnRay
from tests.kaggle.kernel.conftest import hasten
from tests.train.test_executors import Shown, before_fitting, planned, trained

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Ray on this machine, started once for all tests of this file."""
    small = {"include_dashboard": False, "object_store_memory": on_ray.STORE, "log_to_driver": False}
    ray.init(address="local", num_cpus=2, **small)
    yield
    ray.shutdown()


@pytest.fixture
def sample(parity: Path, cluster: None) -> Path:
    """Parity with its sample; the competition's folder."""
    hasten(parity)
    fetch.sample(catalog.find("parity"))
    return parity


def test_workers_make_the_bytes_that_one_process_makes_and_show_a_row_each(sample):
    ours, theirs, show = trained(planned()), planned(), Shown()
    executors.fit(OnRay(2), theirs.folder, [0, 1, 2], show)
    assert trained(theirs).finished
    for name in ("oof.npz", "test.npz", "submission.csv"):
        assert (ours.folder / name).read_bytes() == (theirs.folder / name).read_bytes()
    assert {row for row, *_ in show.rows} == {"worker 1", "worker 2"}
    assert sorted(name for _, *name in show.rows) == [[f"fold {n}/3", step, 2] for n in (1, 2, 3) for step in (1, 2)]


def test_a_worker_that_sees_no_shared_storage_is_sent_what_it_needs_and_sends_back_what_it_made(sample, monkeypatch):
    ours = trained(planned())

    class Far(ray_worker.Fitter):
        def fit(self, folder, number):
            yield {"unseen": folder}

    monkeypatch.setattr(ray_worker, "Fitter", Far)
    sent = []
    ground = travel.ground
    monkeypatch.setattr(travel, "ground", lambda plan: sent.append(plan.seed) or ground(plan))
    engine = OnRay(1)
    theirs = trained(planned(), engine)
    for name in ("oof.npz", "test.npz", "submission.csv", "fold-1/share.npy"):
        assert (ours.folder / name).read_bytes() == (theirs.folder / name).read_bytes()
    assert not [*theirs.folder.glob(".*")]
    trained(planned(seed=1), engine)
    assert sent == [0]  # the data of one competition is put into Ray's store once, however many runs there are


def test_a_worker_that_was_killed_is_replaced_and_its_fold_fitted_once_more(sample, told):
    doomed = sample / "doomed"
    doomed.touch()
    before_fitting(
        sample,
        "if fold.number == 1 and os.path.exists(DOOMED):",
        "    os.unlink(DOOMED)",
        f"    os.kill(os.getpid(), {int(signal.SIGKILL)})",
    )
    path = sample / "table.py"
    path.write_text(f"DOOMED = {str(doomed)!r}\n" + path.read_text())
    run = trained(planned(), OnRay(1))
    assert run.finished
    assert f"The worker of Ray that fitted fold 1 of run {run.name} has died. It is fitted once more." in told


def test_what_a_user_can_mend_reaches_the_user_as_it_is_and_other_errors_with_their_traceback(sample, capsys):
    path = sample / "table.py"
    whole = path.read_text()
    refused = "    if fold.number == 1:\n        return None\n    return Fitted"
    path.write_text(whole.replace("    return Fitted", refused))
    run = planned()
    with pytest.raises(KitError, match=r"`fit` of recipe table returned NoneType"):
        trained(run, OnRay(1))
    assert [bool(run.done(number)) for number in range(3)] == [True, False, False]
    path.write_text(whole.replace("    random =", "    1 / 0\n    random =", 1))
    run = planned()
    with pytest.raises(KitError, match=f"Fold 0 of run {run.name} ended with an error of Python's"):
        trained(run, OnRay(1))
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_sweep_is_fitted_by_workers_that_stay(sample):
    """A worker serves one run after another: all cells are fitted by two processes."""
    before_fitting(sample, "(fold.dir / 'process').write_text(str(os.getpid()))")
    plan = planned().plan
    plans = [type(plan)(**vars(plan) | {"seed": seed}) for seed in range(1, 5)]
    swept = sweep.sweep(plans, OnRay(2))
    processes = {path.read_text() for run in swept for path in run.folder.glob("fold-*/process")}
    assert len(swept) == 4 and len(processes) == 2
    assert not [run for run in runs.every("parity") if run.plan in plans and not run.finished]


def test_files_that_travel_stay_below_their_folder(tmp_path):
    with pytest.raises(KitError, match=r"'\.\./evil' is no path below a folder"):
        travel.landed({"../evil": b""}, tmp_path / "fold-0")
    travel.landed({"a/done.json": b"{}"}, tmp_path / "fold-0")
    assert travel.left(tmp_path / "fold-0") == {"a/done.json": b"{}"}


def test_a_cluster_that_is_not_there_is_one_sentence(workspace, monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **_: (_ for _ in ()).throw(ConnectionError("no such host\nmore")))
    with pytest.raises(KitError, match=r"kit cannot join Ray at ray://nowhere:1: no such host") as caught:
        OnRay(1, "ray://nowhere:1")(iter([]), progress.nothing, lambda *_: None)
    assert "ray start --head" in caught.value.right


@pytest.mark.parametrize("failures", [1, 2])
def test_a_ray_that_does_not_start_in_time_is_tried_once_more(workspace, monkeypatch, told, failures):
    tries = []

    def init(**_):
        tries.append(1)
        if len(tries) <= failures:
            raise Exception("The current node timed out during startup. This could happen because ...")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    if failures == 1:
        OnRay(1)(iter([]), progress.nothing, lambda *_: None)
    else:
        with pytest.raises(KitError, match="kit cannot start Ray on this machine: The current node timed out"):
            OnRay(1)(iter([]), progress.nothing, lambda *_: None)
    assert len(tries) == 2
    assert told[-1].endswith("It is tried once more.")


def test_without_ray_the_extra_is_named(workspace, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(KitError, match="The engine ray needs the package ray"):
        OnRay(1)(iter([]), progress.nothing, lambda *_: None)


def test_little_shared_memory_is_told(workspace, monkeypatch, told):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", lambda **_: None)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=64 << 20))
    OnRay(1)(iter([]), progress.nothing, lambda *_: None)
    assert told == ["/dev/shm has 64 MiB, so that Ray keeps its objects in /tmp. Folds need few of them."]


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("--engine", "local", "--jobs", "2"), "The engine local fits one fold at a time, and 2 are asked for."),
        (("--address", "ray://head:10001"), "--address is for the engine ray only."),
        (("--engine", "process", "--gpus-per-fold", "0.5"), "--gpus-per-fold is for the engine ray only."),
    ],
)
def test_options_that_do_not_fit_together_are_refused(kit, parity, words, wrong):
    status, _, err = kit("train", "parity", "--sample", *words)
    assert status == 1
    assert wrong in err
