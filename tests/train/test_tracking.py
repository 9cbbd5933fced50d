"""Runs in MLflow: told while they train, in full, once, and never at the cost of the training."""

from __future__ import annotations

import json
import shutil
import socket
import time
from pathlib import Path

import pytest

from kit.train import mirrored, runs, tracking

pytest.importorskip("mlflow")


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """An empty local store, which MLflow takes seconds to make."""
    file = tmp_path_factory.mktemp("mlflow") / "tracking.db"
    tracking._client(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture(autouse=True)
def store(empty, workspace, monkeypatch):
    """The local store of the workspace, and no server of the machine's own."""
    monkeypatch.delenv(tracking.SERVER, raising=False)
    monkeypatch.delenv(tracking.WANTED, raising=False)
    (workspace / "mlflow").mkdir()
    shutil.copyfile(empty, workspace / "mlflow" / "tracking.db")


@pytest.fixture
def trained(kit, workspace):
    """The folder of a run on the sample, trained with these further words of the command."""

    def train(*words: str) -> Path:
        code, _, err = kit("train", "disaster-tweets", "bayes", "--sample", "--folds", "2", "--no-plots", *words)
        assert code == 0, err
        return next((workspace / "submissions" / "disaster-tweets").glob("2*"))

    return train


def client(workspace: Path):
    return tracking._client(f"sqlite:///{workspace / 'mlflow' / 'tracking.db'}")


def told(workspace: Path):
    """All runs that the local store holds, by their tag."""
    known = client(workspace)
    (experiment,) = [one for one in known.search_experiments() if one.name != "Default"]
    return {run.data.tags[mirrored.OURS]: run for run in known.search_runs([experiment.experiment_id])}


def with_history(folder: Path, steps: int) -> None:
    lines = "".join(f"{n},{n * 0.5},{1 / n},{0.5 + n / 100}\n" for n in range(1, steps + 1))
    (folder / "fold-0" / "history.csv").write_text(f"step,seconds,loss,val_accuracy\n{lines}")


def test_a_tracked_run_is_told_with_settings_scores_files_and_a_child_for_each_fold(trained, workspace):
    folder = trained("--track", "--set", "rarest=2")
    run, known = runs.at(folder), told(workspace)
    assert set(known) == {folder.name, f"{folder.name}/fold-0", f"{folder.name}/fold-1"}
    parent = known[folder.name]
    assert parent.info.status == "FINISHED"
    assert parent.data.params["rarest"] == "2" and parent.data.params["seed"] == "0"
    assert parent.data.metrics[run.record.metric] == pytest.approx(run.record.oof_score)
    assert parent.data.metrics["accuracy"] == pytest.approx(run.record.also["accuracy"])
    assert parent.data.tags["data"] == mirrored._digest(run.plan.data) and parent.data.tags["code"] == run.plan.code
    scores = client(workspace).get_metric_history(parent.info.run_id, "fold score")
    assert [(one.step, one.value) for one in scores] == [(n, run.done(n).score) for n in (0, 1)]
    files = {one.path for one in client(workspace).list_artifacts(parent.info.run_id)}
    assert files == {"plan.json", "run.json", "submission.csv"}
    child = known[f"{folder.name}/fold-1"]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    models = {Path(one.path).name for one in client(workspace).list_artifacts(child.info.run_id, "model")}
    assert "done.json" in models and "estimators.skops" in models


def test_without_the_option_nothing_is_told(trained, workspace):
    trained()
    assert [one.name for one in client(workspace).search_experiments()] == ["Default"]


def test_what_was_missed_is_told_later_and_nothing_twice(kit, trained, workspace):
    folder = trained()
    with_history(folder, 3)
    for _ in range(2):
        code, out, _ = kit("track", "disaster-tweets", "last", "--json")
        assert code == 0 and json.loads(out)["run"] == folder.name
    known = told(workspace)
    assert len(known) == 3
    steps = client(workspace).get_metric_history(known[f"{folder.name}/fold-0"].info.run_id, "loss")
    assert [(one.step, one.value) for one in steps] == [(1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3))]
    assert steps[2].timestamp - steps[0].timestamp == 1000


def test_the_steps_of_a_fold_are_told_as_they_come(trained, workspace):
    folder = trained()
    (folder / "run.json").rename(folder / "aside")
    (folder / "fold-0" / "done.json").rename(folder / "fold-0" / "aside")
    mirror = tracking._mirror(runs.at(folder), tracking.store())
    for steps in (1, 2):
        with_history(folder, steps)
        assert not mirror.tell()
        child = told(workspace)[f"{folder.name}/fold-0"]
        assert len(client(workspace).get_metric_history(child.info.run_id, "loss")) == steps
    assert child.info.status == "RUNNING"
    (folder / "fold-0" / "aside").rename(folder / "fold-0" / "done.json")
    (folder / "aside").rename(folder / "run.json")
    assert mirror.tell()


def test_a_run_whose_own_file_was_lost_is_taken_up_and_not_told_anew(kit, trained, workspace):
    folder = trained("--track")
    (folder / mirrored.FILE).unlink()
    assert kit("track", "disaster-tweets", "last")[0] == 0
    assert len(told(workspace)) == 3


@pytest.mark.slow
def test_cells_of_a_sweep_are_children_of_one_run(kit, workspace):
    words = ("sweep", "disaster-tweets", "bayes", "--set", "rarest=1,2", "--holdout", "--sample", "--track")
    assert kit(*words)[0] == 0
    known = told(workspace)
    (sweep,) = [run for name, run in known.items() if name.startswith("sweep-")]
    cells = [run for run in known.values() if run.data.tags.get("mlflow.parentRunId") == sweep.info.run_id]
    assert sorted(run.data.params["rarest"] for run in cells) == ["1", "2"]


def test_a_server_that_is_away_costs_nothing_and_is_told_of(trained, told, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv(tracking.SERVER, f"http://someone:secret@127.0.0.1:{free.getsockname()[1]}")
    folder = trained()
    assert runs.at(folder).finished
    lines = "\n".join(told)
    assert "does not answer" in lines and f"kit track disaster-tweets {folder.name}" in lines
    assert "secret" not in lines


def test_a_server_that_hangs_is_waited_for_a_while_only(trained, told, monkeypatch):
    monkeypatch.setattr(tracking, "PATIENCE", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv(tracking.SERVER, f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert runs.at(trained()).finished
        assert time.monotonic() - began < 5
    assert any("Not all was told" in line for line in told)


def test_catching_up_with_a_server_that_is_away_is_one_message(kit, trained, monkeypatch):
    trained()
    monkeypatch.setenv(tracking.SERVER, "http://127.0.0.1:9")
    code, _, err = kit("track", "disaster-tweets", "last")
    assert code == 1 and "did not take run" in err and tracking.SERVER in err


def test_where_mlflow_is_not_installed_the_extra_is_named_before_anything_is_trained(kit, workspace, monkeypatch):
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda name: None)
    code, _, err = kit("train", "disaster-tweets", "bayes", "--sample", "--track")
    assert code == 1 and "extra 'mlflow'" in err


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http://a:b@host:1/x", "http://host:1/x"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
        ("databricks", "databricks"),
    ],
)
def test_an_address_is_shown_without_a_password(uri, said):
    assert tracking.shown(uri) == said


def test_names_are_those_that_mlflow_takes():
    assert mirrored._key("F1 (macro): 5%") == "F1 _macro__ 5_"


@pytest.mark.slow
def test_another_server_is_told_all(trained, workspace, monkeypatch):
    folder = trained("--track")
    other = workspace / "other.db"
    monkeypatch.setenv(tracking.SERVER, f"sqlite:///{other}")
    monkeypatch.chdir(workspace)  # MLflow puts artifacts of such a store into the current folder
    assert tracking.catch_up(runs.at(folder)).uri == f"sqlite:///{other}"
    assert other.is_file()
