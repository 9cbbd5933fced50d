"""The main path, from a recipe to a run."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from kit.judge import choose
from kit.task import catalog, metrics
from kit.train import predictions, progress, runs
from kit.train.record import Rows


def last(workspace):
    """The newest run of parity."""
    return runs.find("parity", "last")


def test_a_run_folder_holds_predictions_submission_and_record(kit, parity, workspace):
    status, out, _ = kit("train", "parity", "--sample", "--no-plots")
    assert status == 0
    assert out.startswith("accuracy 1.00000 out-of-fold on 60 rows, folds 1.00000 ± 0.00000\n")
    run = last(workspace)
    names = sorted(path.name for path in run.folder.iterdir())
    assert names == ["fold-0", "fold-1", "fold-2", "oof.npz", "plan.json", "run.json", "submission.csv", "test.npz"]
    assert sorted(path.name for path in run.fold(0).iterdir()) == [
        "done.json",
        "history.csv",
        "share.npy",
        "test.npz",
        "valid.npz",
    ]
    oof = predictions.load(run.folder / "oof.npz")
    assert oof["ids"].tolist() == list(range(100, 160))
    assert oof["y"].tolist() == [n % 2 for n in range(100, 160)]
    assert sorted(np.bincount(oof["fold"])) == [20, 20, 20]
    assert run.submission.read_text().splitlines()[:3] == ["id,odd", "200,0", "201,1"]
    assert run.record.rows == Rows(train=60, out_of_fold=60, test=20)
    assert (run.record.metric, run.record.higher_is_better, run.score) == ("accuracy", True, 1.0)


def test_the_history_of_a_fold_is_what_the_recipe_reported(kit, parity, workspace):
    kit("train", "parity", "--sample", "--no-plots", "--set", "epochs=2")
    lines = (last(workspace).fold(0) / "history.csv").read_text().splitlines()
    assert lines[0] == "step,seconds,loss"
    assert [line.split(",")[0::2] for line in lines[1:]] == [["1", "1.0"], ["2", "0.5"]]


def test_progress_in_a_log_is_plain_lines(kit, parity):
    _, _, err = kit("train", "parity", "--sample", "--no-plots", "--set", "epochs=2")
    assert "fold 2/3 · 2/2 · loss 0.5\n" in err


def test_one_fold_only_keeps_its_rows(kit, parity, workspace):
    kit("train", "parity", "--sample", "--no-plots", "--fold", "1")
    run = last(workspace)
    assert list(run.record.fold_scores) == ["1"]
    assert set(predictions.load(run.folder / "oof.npz")["fold"]) == {1}
    assert len(run.submission.read_text().splitlines()) == 21


def test_a_fold_that_is_not_there_is_refused(kit, parity):
    status, _, err = kit("train", "parity", "--sample", "--fold", "3")
    assert status == 1
    assert "There is no fold 3.\nFolds are 0 to 2.\n" in err


def test_all_rows_train_one_model_without_a_score(kit, parity, workspace):
    status, out, _ = kit("train", "parity", "--sample", "--no-plots", "--full")
    run = last(workspace)
    assert status == 0
    assert "out-of-fold" not in out
    assert (run.score, run.record.rows.out_of_fold, run.done(-1).rows) == (None, 0, 60)
    assert (run.folder / "full").is_dir()


def test_a_holdout_judges_by_a_tenth(kit, parity, workspace):
    kit("train", "parity", "--sample", "--no-plots", "--holdout")
    assert last(workspace).record.rows.out_of_fold == 6


def test_folds_settings_and_seed_are_recorded(kit, parity, workspace):
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--folds", "2", "--set", "base=5", "--seed", "7")
    plan = last(workspace).plan
    assert (plan.settings, plan.folds, plan.seed) == ({"epochs": 1, "noise": 0.3, "base": 5}, 2, 7)


def test_the_test_prediction_is_the_mean_over_folds(kit, parity, workspace):
    kit("train", "parity", "table:noisy", "--sample", "--no-plots")
    run = last(workspace)
    parts = [predictions.load(run.fold(number) / "test.npz")["pred"] for number in range(3)]
    assert np.allclose(predictions.load(run.folder / "test.npz")["pred"], np.mean(parts, axis=0))


def test_another_seed_gives_other_predictions_and_the_same_seed_the_same_bytes(kit, parity, workspace):
    contents = []
    for seed in ("1", "1", "2"):
        kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--seed", seed)
        contents.append((last(workspace).folder / "oof.npz").read_bytes())
    assert contents[0] == contents[1] != contents[2]


SLOW = """\
import time


def slowed(fit):
    def slow(fold, **settings):
        predict = fit(fold, **settings)
        time.sleep(0.6 if fold.number else 0)
        return predict

    return slow


fit = slowed(fit)
"""


def test_a_run_that_is_killed_resumes_to_the_same_bytes(kit, parity, workspace):
    """Killed with SIGKILL in its second fold, as by a machine out of memory."""
    (parity / "table.py").write_text((parity / "table.py").read_text() + SLOW)
    kit("train", "parity", "table:noisy", "--sample", "--no-plots")
    whole = last(workspace)
    words = [sys.executable, "-m", "kit", "train", "parity", "table:noisy", "--sample", "--no-plots"]
    child = subprocess.Popen(words, env=os.environ | {"KIT_HOME": str(workspace)}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        others = [run for run in runs.every("parity") if run.name != whole.name]
        if others and others[0].done(0):
            break
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    cut = others[0]
    assert (cut.finished, bool(cut.done(0)), bool(cut.done(2))) == (False, True, False)
    kept = (cut.fold(0) / "done.json").read_bytes()
    status, _, err = kit("train", "parity", "--resume", cut.name, "--no-plots")
    assert status == 0
    assert "fold 1/3" not in err
    assert "fold 2/3" in err
    assert (cut.fold(0) / "done.json").read_bytes() == kept
    assert (cut.folder / "oof.npz").read_bytes() == (whole.folder / "oof.npz").read_bytes()
    assert cut.submission.read_bytes() == whole.submission.read_bytes()


@pytest.mark.parametrize(
    ("interrupted", "said"),
    [
        ("before", "Nothing was finished yet."),
        ("in fold 1", "What was done is kept: fold-0 is finished."),
        ("after a checkpoint", "What was done is kept: fold-0 is finished; fold-1 goes on from its checkpoint."),
    ],
)
def test_an_interrupted_run_says_what_is_kept_and_nothing_more(kit, parity, workspace, interrupted, said):
    stop = "    if fold.number == 1:\n        raise KeyboardInterrupt\n    random ="
    if interrupted == "before":
        stop = "    raise KeyboardInterrupt\n    random ="
    if interrupted == "after a checkpoint":
        begun = 'folder = fold.dir / "checkpoint"; folder.mkdir(); (folder / "epoch").touch()'
        stop = stop.replace("raise", f"{begun}\n        raise")
    (parity / "table.py").write_text((parity / "table.py").read_text().replace("    random =", stop, 1))
    status, _, err = kit("train", "parity", "--sample", "--no-plots")
    assert status == 130
    lines = [line for line in err.splitlines() if line]
    assert lines[-3:] == [said, f"Go on with: kit train parity --resume {last(workspace).name}", "kit: interrupted."]


def test_what_a_checkpoint_holds_is_there_again_and_goes_when_the_fold_is_finished(kit, parity, workspace):
    recipe = (parity / "table.py").read_text()
    keep = """    saved = fold.dir / "checkpoint" / "epochs.txt"
    assert not (fold.dir / "rubbish.txt").exists()
    begun = int(saved.read_text()) if saved.exists() else 0
    saved.parent.mkdir(exist_ok=True)
    for epoch in range(begun, 3):
        fold.report(epoch + 1, 3, loss=1 / (epoch + 1))
        saved.write_text(str(epoch + 1))
        if epoch == 1 and begun == 0:
            (fold.dir / "rubbish.txt").touch()
            fold.report(3, 3, loss=7.0)
            raise KeyboardInterrupt
    random ="""
    recipe = recipe.replace("    random =", keep, 1).replace("for epoch in range(epochs)", "for epoch in ()")
    (parity / "table.py").write_text(recipe)
    assert kit("train", "parity", "--sample", "--no-plots", "--fold", "0")[0] == 130
    run = last(workspace)
    assert kit("train", "parity", "--resume", run.name, "--no-plots")[0] == 0
    lines = (run.fold(0) / "history.csv").read_text().splitlines()
    assert [line.split(",")[0::2] for line in lines[1:]] == [["1", "1.0"], ["2", "0.5"], ["3", str(1 / 3)]]
    assert not (run.fold(0) / "checkpoint").exists()


def test_seconds_of_a_history_count_on_after_a_kill(tmp_path):
    progress.reporter(tmp_path, "fold 1/1", progress.nothing)(1, 3, loss=0.5)
    (tmp_path / "history.csv").write_text("step,seconds,loss\n1,100.0,0.5\n2,200.0,0.4\n3,20")
    progress.reporter(tmp_path, "fold 1/1", progress.nothing)(2, 3, loss=0.25, accuracy=0.9)
    first, second = progress.read(tmp_path)["seconds"]
    assert first == 100.0 and 100.0 <= second < 160.0
    assert progress.read(tmp_path)["loss"] == [0.5, 0.25]


def test_tensorflow_is_quiet_before_a_recipe_imports_it(kit, parity, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    path = parity / "table.py"
    seen = (
        "import os, pathlib\npathlib.Path(__file__).with_name('level').write_text(os.environ['TF_CPP_MIN_LOG_LEVEL'])\n"
    )
    path.write_text(seen + path.read_text())
    assert kit("train", "parity", "--sample", "--no-plots")[0] == 0
    assert (parity / "level").read_text() == "3"


def test_a_picture_that_fails_does_not_fail_the_run(kit, parity, monkeypatch):
    from kit.drawing import style

    def fail(*words, **options):
        raise ValueError("no\nroom")

    monkeypatch.setattr(style, "save", fail)
    status, out, err = kit("train", "parity", "--sample")
    assert status == 0
    assert out.startswith("accuracy 1.00000 out-of-fold")
    assert "A picture is left out, because drawing it failed (curves): ValueError: no room\n" in err
    assert "Picture: " not in err


def unfinish(run):
    """The run as it was before its last fold and its record."""
    (run.folder / "run.json").unlink()
    (run.fold(2) / "done.json").unlink()


def test_a_finished_run_is_not_resumed(kit, parity, workspace):
    kit("train", "parity", "--sample", "--no-plots")
    status, _, err = kit("train", "parity", "--resume", "last")
    assert status == 1
    assert "is finished" in err


def test_a_run_whose_recipe_has_changed_is_not_resumed(kit, parity, workspace):
    kit("train", "parity", "--sample", "--no-plots")
    unfinish(last(workspace))
    (parity / "table.py").write_text((parity / "table.py").read_text() + "\n# changed\n")
    status, _, err = kit("train", "parity", "--resume", "last")
    assert status == 1
    assert "code of kit that it uses, has changed since the run was started" in err


def test_a_run_whose_data_has_changed_is_not_resumed(kit, parity, workspace):
    kit("train", "parity", "--sample", "--no-plots")
    unfinish(last(workspace))
    manifest = workspace / "data" / "parity-sample" / "manifest.json"
    facts = json.loads(manifest.read_text())
    facts["public"]["train.csv"]["sha256"] = "0" * 64
    manifest.write_text(json.dumps(facts))
    status, _, err = kit("train", "parity", "--resume", "last")
    assert status == 1
    assert "The data of run" in err


def test_without_data_the_command_that_fetches_it_is_named(kit, parity):
    status, _, err = kit("train", "parity")
    assert status == 1
    assert "Try: kit download parity" in err


@pytest.mark.parametrize(
    ("edit", "wrong"),
    [
        (("train[:, 0], train[:, 1:2], train[:, 2]", "train[:, 0], train[:, 1:2]"), "train rows without labels"),
        (("Data(test[:, 0]", "Data(test[:, 0] * 0"), "several test rows under the id 0"),
    ],
)
def test_rows_without_labels_or_ids_of_their_own_are_refused(kit, parity, edit, wrong):
    path = parity / "competition.py"
    path.write_text(path.read_text().replace(*edit))
    status, _, err = kit("train", "parity", "--sample")
    assert status == 1
    assert wrong in err


def test_a_defect_of_a_recipe_keeps_its_traceback(kit, parity):
    (parity / "broken.py").write_text('"""Broken."""\n\n\ndef fit(fold):\n    return 1 / 0\n')
    with pytest.raises(ZeroDivisionError):
        kit("train", "parity", "broken", "--sample")


@pytest.mark.parametrize(
    "words",
    [("--set", "epochs=2"), ("--folds", "2"), ("--seed", "4"), ("--full",), ("--no-deterministic",), ("--fold", "0")],
)
def test_what_would_change_a_run_that_goes_on_is_refused(kit, parity, workspace, words):
    kit("train", "parity", "--sample", "--no-plots")
    unfinish(last(workspace))
    status, _, err = kit("train", "parity", "--resume", "last", *words)
    assert status == 1
    name = {"--set": "epochs", "--no-deterministic": "deterministic"}.get(words[0], words[0].lstrip("-"))
    assert f"A resumed run goes on as it was planned; {name} would change {last(workspace).name}." in err
    assert not last(workspace).finished


def test_a_run_goes_on_under_its_own_recipe_only(kit, parity, workspace):
    kit("train", "parity", "--sample", "--no-plots")
    unfinish(last(workspace))
    assert "table:noisy would change " in kit("train", "parity", "table:noisy", "--resume", "last")[2]
    assert kit("train", "parity", "table", "--resume", "last", "--no-plots")[0] == 0


@pytest.mark.parametrize("words", [("--holdout", "--full"), ("--folds", "2", "--holdout"), ("--seed", "-1")])
def test_ways_that_exclude_each_other_and_seeds_that_are_none_are_wrong_usage(kit, parity, words):
    assert kit("train", "parity", "--sample", *words)[0] == 2


def test_a_figure_called_seconds_does_not_make_a_second_column(tmp_path):
    report = progress.reporter(tmp_path, "fold 1/1", lambda *shown: None)
    report(1, 1, seconds=7.0, loss=0.5)
    assert (tmp_path / "history.csv").read_text().splitlines()[0] == "step,seconds,loss"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_is_one_message_and_the_run_goes_on_later(kit, parity, workspace, monkeypatch, code):
    kit("download", "parity", "--sample")
    save = predictions.save

    def fail(path, **arrays):
        if path.name == "valid.npz" and path.parent.name == "fold-1":
            raise OSError(code, os.strerror(code), str(path))
        save(path, **arrays)

    monkeypatch.setattr(predictions, "save", fail)
    status, _, err = kit("train", "parity", "--sample", "--no-plots")
    assert status == 1
    assert f"kit: {os.strerror(code)}: " in err
    monkeypatch.setattr(predictions, "save", save)
    assert kit("train", "parity", "--resume", "last", "--no-plots")[0] == 0
    assert last(workspace).score == 1.0


@pytest.mark.parametrize(
    ("decide", "wrong"),
    [
        ("lambda pred: metrics.labels(pred) + 2", "the column 'odd' holds '2'"),
        ("lambda pred: pred", "`decide` returned 2 values a row, and there are 1 target columns."),
        ("lambda pred: metrics.labels(pred)[1:]", "`decide` returned an array of shape (19,) for 20 rows."),
    ],
)
def test_a_decision_that_would_be_refused_ends_the_run_at_its_first_fold(kit, parity, workspace, decide, wrong):
    declared = (parity / "competition.py").read_text()
    (parity / "competition.py").write_text(declared.replace("decide=metrics.labels", f"decide={decide}"))
    status, _, err = kit("train", "parity", "--sample", "--no-plots")
    assert status == 1
    assert wrong in err
    assert "kit train parity table  # when competition.py is mended" in err
    assert runs.every("parity") == []


@pytest.fixture
def told(parity):
    """Parity with a second split, a second metric, and a decision that is chosen."""
    path = parity / "competition.py"
    text = path.read_text().replace("import metrics, splits", "import decisions, metrics, splits")
    text = text.replace("decide=metrics.labels", "decide=decisions.Threshold()").replace(
        "metric=metrics.accuracy,",
        'metric=metrics.f1,\n    also=(metrics.accuracy,),\n    splits={"halves": splits.Stratified(2)},',
    )
    path.write_text(text)
    return parity


def test_a_split_by_name_judges_the_run_and_is_never_chosen_by(kit, told, workspace):
    status, out, _ = kit("train", "parity", "--sample", "--no-plots", "--split", "halves")
    assert status == 0
    assert out.startswith("F1 1.00000 out-of-fold on 60 rows")
    run = last(workspace)
    assert (run.plan.scheme, list(run.record.fold_scores)) == ("halves", ["0", "1"])
    entry = catalog.find("parity", sample=True)
    assert choose.best(entry, [run]) is None
    kit("train", "parity", "table:noisy", "--sample", "--no-plots")
    assert [place.run.plan.scheme for place in choose.ranked(entry, runs.every("parity"))] == ["cv", "halves"]


def test_a_split_by_name_may_cut_groups_and_the_declared_one_may_not(kit, told):
    path = told / "competition.py"
    path.write_text(path.read_text().replace("train[:, 2])", "train[:, 2], train[:, 0] // 2)"))
    assert kit("train", "parity", "--sample", "--no-plots", "--split", "halves")[0] == 0
    status, _, err = kit("train", "parity", "--sample", "--no-plots")
    assert status == 1
    assert "are in more than one fold" in err


def test_a_split_that_is_not_declared_is_refused(kit, told):
    status, _, err = kit("train", "parity", "--sample", "--split", "thirds")
    assert status == 1
    assert "parity declares no split 'thirds'.\nKnown: halves.\n" in err


def test_what_was_decided_and_what_else_was_measured_is_recorded_and_told(kit, told, workspace):
    _, out, _ = kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=0.4")
    record = last(workspace).record
    oof = predictions.load(last(workspace).folder / "oof.npz")
    chosen = record.decision.chosen["at"]
    labels = (oof["pred"][:, 1] >= chosen).astype(int)
    assert record.decision.score == pytest.approx(metrics.f1.score(oof["y"], labels))
    assert record.decision.unchosen == pytest.approx(metrics.f1.score(oof["y"], oof["pred"]))
    assert record.oof_score <= record.decision.score
    assert list(record.also) == ["accuracy"]
    lines = out.splitlines()
    assert lines[1] == f"accuracy {record.also['accuracy']:.5f}"
    assert lines[2].startswith(f"Decision chosen on the out-of-fold predictions: at {chosen:.4f}. F1 is ")
    test = predictions.load(last(workspace).folder / "test.npz")
    sent = [int(line.split(",")[1]) for line in last(workspace).submission.read_text().splitlines()[1:]]
    assert sent == (test["pred"][:, 1] >= chosen).astype(int).tolist()
    assert "accuracy" in kit("runs", "parity")[1].splitlines()[0]
