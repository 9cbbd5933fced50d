"""Keeping runs: notes, tags, deleting, comparing two, and what a refused command leaves behind."""

from __future__ import annotations

import json

import numpy as np
import pytest

import kit as api
from kit.errors import KitError
from kit.judge import ensemble, paired
from kit.kaggle import ledger
from kit.task import catalog
from kit.task.contract import Data
from kit.train import keeping, runs
from kit.train.record import Plan


@pytest.fixture
def two(given, finished):
    """A competition of 60 rows and two runs, of which the second is right on six rows more."""
    y = np.arange(60) % 2
    entry = given(
        Data(np.arange(60), np.zeros((60, 1)), y), Data(np.arange(100, 120), np.zeros((20, 1))), labels=(0, 1)
    )

    lines = "".join(f"{number},0\n" for number in range(100, 120))
    (entry.public() / "sample_submission.csv").write_text(f"id,target\n{lines}")

    def pred(wrong: int) -> np.ndarray:
        right = np.where(np.arange(60) < wrong, 1 - y, y)
        return np.stack([1.0 - right, right], axis=1)

    test = np.tile([0.2, 0.8], (20, 1))
    return entry, finished(entry, pred(18), test), finished(entry, pred(12), test)


def test_a_note_and_tags_lie_beside_the_record_and_are_listed(kit, two):
    entry, first, second = two
    before = (first.folder / "run.json").read_bytes()
    status, out, _ = kit("note", entry.name, first.name, "first  try", "--tag", "baseline", "--tag", "slow")
    assert status == 0
    assert out.splitlines()[2].split()[-4:] == ["baseline,", "slow", "first", "try"]
    assert json.loads((first.folder / "notes.json").read_text()) == {"text": "first try", "tags": ["baseline", "slow"]}
    assert (first.folder / "run.json").read_bytes() == before
    header, _, *lines = kit("runs", entry.name)[1].splitlines()
    assert header.split()[-2:] == ["tags", "note"]
    assert [line.endswith("baseline, slow  first try") for line in lines if first.name == line.split()[1]] == [True]
    listed = json.loads(kit("runs", entry.name, "--json")[1])
    assert {one["name"]: (one["note"], one["tags"]) for one in listed} == {
        first.name: ("first try", ["baseline", "slow"]),
        second.name: ("", []),
    }


def test_runs_are_filtered_by_tag(kit, two):
    entry, first, _ = two
    api.note(entry.name, first, tag="baseline")
    assert [run.name for run in api.runs(entry.name, tag="baseline")] == [first.name]
    status, out, err = kit("runs", entry.name, "--tag", "best")
    assert (status, out) == (0, "")
    assert err == f"No run has the tag 'best'. Give it one: kit note {entry.name} last --tag best\n"


def test_tags_and_notes_are_taken_away(two):
    entry, first, _ = two
    api.note(entry.name, first, "a text", tag=["one", "two"])
    said = api.note(entry.name, first, "", untag="one")
    assert (said.text, said.tags) == ("", ("two",))
    assert api.note(entry.name, first).tags == ("two",)


@pytest.mark.parametrize("word", ["two words", "", "-x", "a" * 41])
def test_a_tag_is_one_word(two, word):
    entry, first, _ = two
    with pytest.raises(KitError, match="cannot be a tag") as refused:
        api.note(entry.name, first, "text", tag=[word])
    assert refused.value.cure.startswith(f"kit note {entry.name} {first.name} --tag ")
    assert not (first.folder / "notes.json").exists()


def test_a_tag_that_is_not_there_cannot_be_taken_away(two):
    entry, first, _ = two
    with pytest.raises(KitError, match=r"has no tag 'best'\.\n.*Its tags: none"):
        api.note(entry.name, first, untag=["best"])


def test_damaged_notes_are_named(kit, two):
    entry, first, _ = two
    (first.folder / "notes.json").write_text('{"tags": 3}')
    status, _, err = kit("note", entry.name, first.name)
    assert status == 1
    assert f"{first.folder / 'notes.json'} is damaged: tags is int" in err
    status, out, err = kit("runs", entry.name)
    assert status == 0
    assert first.name in out
    assert f"Passed over: {first.folder / 'notes.json'} is damaged" in err


def test_a_run_is_deleted_whole(kit, two, workspace):
    entry, first, second = two
    status, out, err = kit("delete", entry.name, first.name, "--yes")
    assert (status, out, err) == (0, "", f"Deleted: {first.name}\n")
    assert [run.name for run in runs.every(entry.name)] == [second.name]
    assert not first.folder.exists()
    assert not list((workspace / "submissions" / ".deleted").iterdir())


def test_without_a_terminal_nothing_is_deleted_unasked(kit, two):
    entry, first, _ = two
    status, _, err = kit("delete", entry.name, first.name)
    assert status == 1
    assert f"Try: kit delete {entry.name} {first.name} --yes" in err
    assert first.folder.exists()


def test_a_run_that_a_blend_is_made_of_is_kept_unless_forced(kit, two):
    entry, first, second = two
    blend = ensemble.blend(entry, [first, second], method="mean").run
    status, _, err = kit("delete", entry.name, second.name, first.name, "--yes")
    assert status == 1
    assert f"Run {second.name} is not deleted: the blend {blend.name} is made of it." in err
    assert first.folder.exists() and second.folder.exists()
    assert kit("delete", entry.name, first.name, "--yes", "--force")[0] == 0
    assert not first.folder.exists()


def test_a_run_that_was_submitted_is_kept_unless_forced(two):
    entry, first, second = two
    with ledger.locked(entry.name) as book:
        facts = {"server": "kaggle.com", "user": "ana", "sha256": "0" * 64, "bytes": 1, "name": "submission.csv"}
        book.begin(**facts, file="submission.csv", message="", run=first.name)
    with pytest.raises(KitError, match="it was submitted to Kaggle"):
        api.delete(entry.name, first)
    (second.folder / "kaggle.json").write_text('{"ref": 3}')
    with pytest.raises(KitError, match="it was submitted to Kaggle"):
        api.delete(entry.name, second)
    assert api.delete(entry.name, first, force=True).name == first.name


def test_two_runs_are_compared_on_the_same_rows(two):
    entry, first, second = two
    pair = paired.compare(entry, first, second)
    assert (pair.rows, pair.first, pair.second) == (60, 42 / 60, 48 / 60)
    assert pair.gain == pytest.approx(0.1)
    assert 0 < pair.low < 0.1 < pair.high < 0.25
    assert pair.share > 0.98
    assert pair.verdict() == "The second run is better by more than the noise of these rows."
    assert pair.folds == pytest.approx((0.1, 0.1))
    back = paired.compare(entry, second, first)
    assert (back.gain, back.low) == (pytest.approx(-pair.gain), pytest.approx(-pair.high))


def test_equal_runs_differ_by_no_more_than_noise(two, finished):
    entry, first, _ = two
    again = finished(entry, np.load(first.folder / "oof.npz")["pred"], np.tile([0.2, 0.8], (20, 1)))
    pair = paired.compare(entry, first, again)
    assert (pair.gain, pair.low, pair.high, pair.share) == (0, 0, 0, 0)
    assert pair.verdict() == "The difference is no more than the noise of these rows."


def test_diff_tells_settings_data_versions_and_scores(kit, parity):
    kit("train", "parity", "--sample", "--no-plots")
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "epochs=3", "--seed", "1")
    first, second = sorted(run.name for run in runs.every("parity"))
    if first.endswith("noisy"):
        first, second = second, first
    status, out, _ = kit("diff", "parity", first, second)
    assert status == 0
    told = {line.split("  ")[0]: line.split()[-2:] for line in out.splitlines()}
    assert told["recipe"] == ["table", "table:noisy"]
    assert told["seed"] == ["0", "1"]
    assert told["setting epochs"] == ["1", "3"]
    assert told["setting noise"] == ["0.0", "0.30000"]
    assert "setting base" not in told and "code" not in told
    assert "On the same 60 rows: accuracy 1.00000 and" in out
    facts = json.loads(kit("diff", "parity", first, second, "--json")[1])
    assert facts["differences"]["setting epochs"] == [1, 3]
    assert facts["paired"]["rows"] == 60


def test_a_run_without_predictions_is_still_compared_by_its_record(kit, two):
    entry, first, second = two
    (first.folder / "oof.npz").unlink()
    status, _, err = kit("diff", entry.name, first.name, second.name)
    assert status == 0
    assert "No comparison on the same rows: " in err


def test_a_run_is_not_compared_with_itself(two):
    entry, first, _ = two
    with pytest.raises(KitError, match="Two different runs are compared"):
        api.diff(entry.name, first, first)


REFUSED = [
    ("--folds", "1"),
    ("--folds", "1000"),
    ("--fold", "7"),
    ("--split", "other"),
    ("--set", "epoch=3"),
    ("--set", "epochs=x"),
]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_refused_command_leaves_no_run_behind(kit, parity, words):
    assert kit("train", "parity", "--sample", *words)[0] == 1
    assert runs.every("parity") == []


def test_a_refused_sweep_leaves_no_run_behind(kit, parity):
    assert kit("sweep", "parity", "table", "--sample", "--folds", "1")[0] == 1
    assert runs.every("parity") == []


def test_a_recipe_whose_package_is_missing_leaves_no_run_behind(kit, parity):
    (parity / "table.py").write_text("import nowhere\n\nEXTRA = 'boosted'\n\n\ndef fit(fold):\n    pass\n")
    status, _, err = kit("train", "parity", "--sample")
    assert status == 1
    assert "'nowhere'" in err
    assert runs.every("parity") == []


def test_a_recipe_that_refuses_its_settings_leaves_no_run_behind(kit, parity):
    refusing = "def fit(fold, *, model: str = 'a'):\n    raise KitError('no such model')\n"
    (parity / "table.py").write_text(f"from kit.errors import KitError\n\n\n{refusing}")
    status, _, err = kit("train", "parity", "--sample")
    assert status == 1
    assert "no such model" in err
    assert runs.every("parity") == []


def test_what_a_failing_run_has_finished_stays(kit, parity):
    text = (parity / "table.py").read_text()
    (parity / "table.py").write_text(
        text.replace(
            "    random = ", "    if fold.number == 1:\n        raise KitError('full')\n    random = "
        ).replace("import numpy", "from kit.errors import KitError\nimport numpy")
    )
    assert kit("train", "parity", "--sample")[0] == 1
    (run,) = runs.every("parity")
    assert run.done(0) and not run.finished
    assert catalog.find("parity").name == run.plan.competition


def test_what_a_terminal_gives_that_is_no_text_is_kept_with_question_marks(workspace):
    run = runs.create(Plan("parity", "table", "", {}))
    assert keeping.write(run, text="a \udcff b").text == "a ? b" == keeping.read(run).text
