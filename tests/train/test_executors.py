"""Where folds are fitted: in this process, or in several."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.data import fetch
from kit.errors import KitError
from kit.task import catalog
from kit.train import executors, fold, loop, machine, processes, progress, record, runs, working
from kit.train.runs import Run
from tests.kaggle.kernel.conftest import hasten


def planned(word: str = "table:noisy", **changes) -> Run:
    """A new run of parity's recipe on its sample."""
    entry = catalog.find("parity", sample=True)
    recipe, variant = entry.recipe(word)
    settings = recipe.resolve(variant, changes.pop("settings", {}))
    return runs.create(loop.planned(entry, recipe, variant, settings, **changes))


def trained(run: Run, executor=executors.local) -> Run:
    return loop.train(catalog.find("parity"), run, executor=executor, quiet=True)


@pytest.fixture
def sample(parity: Path) -> Path:
    """Parity with its sample; the competition's folder."""
    hasten(parity)
    fetch.sample(catalog.find("parity"))
    return parity


@pytest.mark.parametrize("jobs", [2, 7])
def test_folds_fitted_in_processes_make_the_bytes_that_one_process_makes(sample, jobs):
    ours, theirs = trained(planned()), trained(planned(), processes.Processes(jobs))
    for name in ("oof.npz", "test.npz", "submission.csv"):
        assert (ours.folder / name).read_bytes() == (theirs.folder / name).read_bytes()
    assert (ours.folder / "fold-1" / "share.npy").read_bytes() == (theirs.folder / "fold-1" / "share.npy").read_bytes()


def test_the_rows_are_loaded_once_for_all_folds_of_a_process(sample, monkeypatch):
    loaded = []
    load = fold.load
    monkeypatch.setattr(fold, "load", lambda *words: loaded.append(1) or load(*words))
    trained(planned())
    assert len(loaded) == 1
    assert fold._KEPT == {}


def test_a_fold_is_fitted_from_the_run_folder_and_its_number_alone(sample):
    run = planned()
    fold.fit_fold(run.folder, 1)
    assert [bool(run.done(number)) for number in range(3)] == [False, True, False]
    assert run.done(1).rows == 40


THREADS = ["OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "LOKY_MAX_CPU_COUNT"]


def before_fitting(folder: Path, *lines: str) -> None:
    """Let the recipe do `lines` when it begins to fit."""
    path = folder / "table.py"
    text = "".join(f"    {line}\n" for line in lines)
    path.write_text(
        "import json, os, pathlib, time\n" + path.read_text().replace("    random =", f"{text}    random =", 1)
    )


def test_a_process_has_its_share_of_the_cores_before_anything_is_imported(sample, monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: 4)
    told = f"[*(os.environ[name] for name in {THREADS}), os.getpid()]"
    before_fitting(sample, f"(fold.dir / 'threads.json').write_text(json.dumps({told}))")
    run = trained(planned(), processes.Processes(4))
    *threads, numbers = zip(*(json.loads((run.fold(n) / "threads.json").read_text()) for n in range(3)), strict=True)
    assert threads == [("1", "1", "1")] * 3
    assert len(set(numbers)) == 3 and os.getpid() not in numbers


class Shown:
    """A Display that keeps what it is shown."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, int, int]] = []

    def __call__(self, fold: str, done: int, of: int, figures: dict[str, float], row: str = "") -> None:
        self.rows.append((row, fold, done, of))


def test_each_process_has_one_row_of_progress(sample):
    run, show = planned(settings={"epochs": 2}), Shown()
    executors.fit(processes.Processes(2), run.folder, [0, 1, 2], show)
    assert {row for row, *_ in show.rows} == {"process 1", "process 2"}
    assert sorted(name for _, *name in show.rows) == [[f"fold {n}/3", step, 2] for n in (1, 2, 3) for step in (1, 2)]


def test_bars_take_a_row_over_for_the_next_fold(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress.display() as show:
        show("fold 1/3", 1, 1, {"loss": 0.5}, row="process 1")
        show("fold 3/3", 1, 2, {"loss": 0.25}, row="process 1")
    err = capsys.readouterr().err
    assert "fold 3/3" in err and "1/2" in err
    assert "fold 1/3" not in err.rpartition("fold 3/3")[2]


def test_what_a_user_can_mend_reaches_the_user_as_it_is_and_finished_folds_stay(sample):
    path = sample / "table.py"
    refused = "    if fold.number == 1:\n        return None\n    return Fitted"
    path.write_text(path.read_text().replace("    return Fitted", refused))
    run = planned()
    with pytest.raises(KitError, match=r"`fit` of recipe table returned NoneType"):
        trained(run, processes.Processes(1))
    assert [bool(run.done(number)) for number in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"os.kill(os.getpid(), {int(signal.SIGKILL)})", "was killed by SIGKILL"),
        ("1 / 0", "ended with status 1"),
        ("os._exit(3)", "ended with status 3"),
    ],
)
def test_a_process_that_dies_is_one_clear_sentence_and_the_run_goes_on_later(sample, line, why, capfd):
    path = sample / "table.py"
    whole = path.read_text()
    path.write_text(
        whole.replace("    random =", f"    if fold.number == 1 and DOOMED.exists():\n        {line}\n    random =", 1)
    )
    doomed = sample / "doomed"
    doomed.touch()
    path.write_text(f"import os, pathlib\nDOOMED = pathlib.Path({str(doomed)!r})\n" + path.read_text())
    run = planned()
    with pytest.raises(KitError) as caught:
        trained(run, processes.Processes(1))
    assert caught.value.wrong == f"The process that fitted fold 1 of run {run.name} {why}."
    assert caught.value.right.endswith("Folds that were finished are kept.")
    assert caught.value.cure == f"kit train parity --resume {run.name}"
    assert ("ZeroDivisionError" in capfd.readouterr().err) == (line == "1 / 0")
    doomed.unlink()
    assert trained(run, processes.Processes(2)).finished


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as on a terminal; a shell starts what runs in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_ends_all_processes_and_keeps_what_was_finished(sample, monkeypatch, interruptible, times):
    """The second one comes while the processes are being ended."""
    path = sample / "table.py"
    path.write_text(
        path.read_text().replace("    random =", "    import time; time.sleep(60 * fold.number)\n    random =", 1)
    )
    run, started = planned(), []
    start = processes._Process.__init__
    monkeypatch.setattr(
        processes._Process, "__init__", lambda self, *words: start(self, *words) or started.append(self._process)
    )

    def show(fold: str, done: int, *words, row: str = "") -> None:
        if fold == "fold 1/3" and done <= times:
            time.sleep(0.05 * (done - 1))
            os.kill(os.getpid(), signal.SIGINT)

    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        executors.fit(processes.Processes(2), run.folder, [0, 1], show)
    assert time.perf_counter() - began < 40  # fold 1 would sleep for 60 seconds
    assert [process.poll() for process in started] == [-signal.SIGKILL] * 2


def test_no_process_is_too_few():
    with pytest.raises(KitError, match="0 processes can fit no fold"):
        processes.Processes(0)


def test_the_command_takes_jobs(kit, sample):
    status, out, _ = kit("train", "parity", "--sample", "--no-plots", "--jobs", "2")
    assert status == 0
    assert out.startswith("accuracy 1.00000 out-of-fold on 60 rows")


def test_a_fold_whose_code_or_data_is_not_what_was_planned_is_not_fitted(sample):
    run = planned()
    path = sample / "table.py"
    path.write_text(path.read_text() + "\n# changed\n")
    with pytest.raises(KitError, match="has changed since the run was started"):
        fold.fit_fold(run.folder, 0)
    assert not run.fold(0).exists()


def test_other_versions_of_packages_than_those_that_fitted_a_fold_are_refused(sample):
    run = planned()
    fold.fit_fold(run.folder, 0)
    done = run.done(0)
    other = done.versions | {"numpy": "1.0"}
    record.write(run.fold(0) / record.DONE, record.Done(**record.facts(done) | {"versions": other}))
    with pytest.raises(KitError, match=r"fold-0 of run .* was fitted with numpy 1\.0, and now it is \d"):
        runs.resumable(run, run.plan)
    elsewhere = record.facts(done) | {"versions": other, "where": "kaggle"}
    record.write(run.fold(0) / record.DONE, record.Done(**elsewhere))
    assert runs.resumable(run, run.plan) == run


def test_a_diverged_training_names_a_lower_rate_to_type(sample):
    path = sample / "table.py"
    text = path.read_text().replace("base: int = 10):", "base: int = 10, rate: float = 0.03):")
    path.write_text(text.replace("return Fitted(lambda x: np.stack(", "return Fitted(lambda x: np.nan * np.stack("))
    with pytest.raises(KitError, match="predicted NaN or infinity") as caught:
        trained(planned())
    assert caught.value.cure == "kit train parity table:noisy --sample --set rate=0.01"


NETWORK = """\
import os
import pathlib
import signal
import time
from collections.abc import Iterator

import keras
import numpy as np

from kit.toolbox import networks, resume

DOOMED = pathlib.Path({doomed!r})
resume.SHARE = float("inf")


class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2 and {fold} and DOOMED.exists():
            self.doomed = True

    def on_train_batch_end(self, batch, logs=None):
        if getattr(self, "doomed", False):
            os.kill(os.getpid(), signal.{signal})


def fit(fold, *, epochs: int = 4):
    networks.begin(fold)
    numbers = keras.Input((1,))
    hidden = keras.layers.Dense(8, activation="relu")(keras.layers.Rescaling(0.01)(numbers))
    model = keras.Model(numbers, keras.layers.Dense(2, activation="softmax")(keras.layers.Dropout(0.2)(hidden)))
    optimizer = networks.optimizer("adam", 0.05)
    kill = Kill()
    kill.number = fold.number
    networks.fit(model, fold, epochs=epochs, batch=16, optimizer=optimizer, callbacks=(kill,))
    networks.save(model, fold.dir)
    return networks.predictor(model)
"""


def doomed(folder: Path, how: str, fold: str = "self.number == 1") -> Path:
    """A recipe `network` of parity's, killed in the midst of its third epoch while the file that is given is there."""
    path = folder / "doomed"
    path.touch()
    (folder / "network.py").write_text(NETWORK.format(doomed=str(path), signal=how, fold=fold))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [(1, 2), (2, 1)])
def test_folds_go_on_with_the_epoch_in_which_they_were_killed_in_any_number_of_processes(sample, jobs):
    """Two processes fit three folds, and each is killed in the third epoch of the fold that it fits second or first."""
    pytest.importorskip("keras")
    path = doomed(sample, "SIGKILL")
    run = planned("network")
    with pytest.raises(working.Died):
        trained(run, processes.Processes(jobs[0]))
    assert not run.done(1)
    assert loop.kept(run).endswith("fold-1 goes on with epoch 3 of 4.")
    path.unlink()
    assert trained(run, processes.Processes(jobs[1])).finished
    whole = trained(planned("network"))
    for name in ("oof.npz", "test.npz", "submission.csv"):
        assert (run.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    history = (run.fold(1) / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in history] == ["step", "1", "2", "3", "4"]
    assert not [*run.folder.rglob("checkpoint")]


def test_an_interrupted_fold_says_with_which_epoch_it_goes_on(sample, told, interruptible):
    pytest.importorskip("keras")
    path = doomed(sample, "SIGINT")
    run = planned("network")
    with pytest.raises(KeyboardInterrupt):
        trained(run)
    assert told[-1] == "\nWhat was done is kept: fold-0 is finished; fold-1 goes on with epoch 3 of 4."
    path.unlink()
    seen = Shown()
    loop.train(
        catalog.find("parity"),
        runs.at(run.folder),
        executor=lambda pieces, _, ended: executors.local(pieces, seen, ended),
    )
    assert seen.rows[0][1:] == ("fold 2/3", 3, 4)
