"""What is refused before anything is fitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.rows.clips import Clips
from kit.task import catalog, checks
from kit.task.catalog import Entry
from kit.task.contract import Data, Submission
from kit.task.targets import Labels, Numbers, Text

LEAST = np.iinfo(np.int64).min
"""What NumPy makes of NaN when it is cast to an integer."""


@pytest.fixture
def entry(parity, workspace):
    """An entry whose `load` returns what is given; its sample file has the ids 1 and 2."""

    def make(load, form: Submission | None = None, sample: str = "id,odd\n1,0\n2,0\n") -> Entry:
        public = workspace / "data" / "parity" / "public"
        public.mkdir(parents=True)
        (public / "sample_submission.csv").write_text(sample)
        (public.parent / "manifest.json").write_text("{}")
        made = catalog.find("parity")
        form = form or replace(made.competition.submission, holds=Labels((0, 1)))
        made.__dict__["competition"] = replace(made.competition, load=load, submission=form)
        return made

    return make


def train(**changes) -> Data:
    """Three train rows with `changes`."""
    usual = {"ids": np.array([7, 8, 9]), "x": np.ones((3, 2)), "y": np.array([0, 1, 1])}
    return Data(**usual | changes)


def test(**changes) -> Data:
    """Two test rows with `changes`."""
    return Data(**{"ids": np.array([1, 2]), "x": np.ones((2, 2))} | changes)


test.__test__ = False  # not a test of its own


def refusal(entry, *rows, **form) -> KitError:
    """What is said of rows that `load` returned."""
    with pytest.raises(KitError) as error:
        checks.load(entry(lambda public: rows, **form))
    return error.value


def test_rows_that_are_right_pass_as_they_are(entry):
    rows = train(group=np.array(["", "a", "a"]), weight=np.array([0.0, 1.0, 2.0]), time=np.arange(3.0)), test()
    assert checks.load(entry(lambda public: rows)) == rows


@pytest.mark.parametrize(
    ("y", "count"),
    [
        (np.array([0, np.nan, 1]), 1),
        (np.array([0, np.inf, 1]), 1),
        (np.array([0, LEAST, 1]), 1),
        (np.array([0, np.iinfo(np.int32).min, np.iinfo(np.int32).min], np.int32), 2),
        (np.array(["0", "", "1"]), 1),
        (np.array(["0", " ", "1"]), 1),
        (np.array(["0", "nan", "1"]), 1),
        (np.array([0, None, 1], object), 1),
        (np.array(["0", "\t", pd.NA], object), 2),
        (np.array(["0", float("nan"), "1"], object), 1),
        (np.array(["2020-01-01", "NaT", "2020-01-02"], "M8[D]"), 1),
    ],
)
def test_missing_labels_are_counted_and_the_first_is_named(entry, y, count):
    error = refusal(entry, train(y=y), test(), form=Submission("id", "odd", decide=len))
    assert error.wrong == (
        f"`load` of parity returned {count} of 3 train rows without a label, the first under the id 8."
    )


def test_a_missing_label_in_a_second_target_column_is_named_with_it(entry):
    form = Submission("id", ("odd", "big"), decide=len)
    y = np.array([[0, 1], [1, 1], [1, np.nan]])
    error = refusal(entry, train(y=y), test(), form=form, sample="id,odd,big\n1,0,0\n2,0,0\n")
    assert error.wrong == (
        "`load` of parity returned 1 of 3 train rows without a label in column 2 of `y`, the first under the id 9."
    )


@pytest.mark.parametrize(
    ("holds", "y", "label"),
    [
        (Labels((0, 1)), np.array([0, 2, 1]), "2"),
        (Labels((0, 1)), np.array([0.0, 0.5, 1.0]), "0.5"),
        (Labels((3, 5)), np.array([3, 4, 5]), "4"),
        (Labels((False, True)), np.array([0, 2, 1]), "2"),
        (Text(most=2, among=("cat", "dog")), np.array(["cat", "emu", "dog"]), "emu"),
    ],
)
def test_a_label_outside_of_the_declared_set_is_named(entry, holds, y, label):
    form = Submission("id", "odd", decide=len, holds=holds)
    spelled = {Labels: str(getattr(holds, "options", ("cat",))[0])}.get(type(holds), "cat dog")
    error = refusal(entry, train(y=y), test(), form=form, sample=f"id,odd\n1,{spelled}\n2,{spelled}\n")
    assert error.wrong == (f"`load` of parity returned the label {label} for the train row 8, which is not declared.")
    assert error.right.startswith("Allowed are ")


def test_each_target_column_is_compared_with_its_own_set(entry):
    form = Submission("id", ("odd", "big"), decide=len, holds=(Numbers(), Labels((0, 1))))
    y = np.array([[0.5, 1], [7, 1], [1, 3]])
    error = refusal(entry, train(y=y), test(), form=form, sample="id,odd,big\n1,0,0\n2,0,0\n")
    assert "returned the label 3.0 in column 2 of `y` for the train row 9" in error.wrong


def test_targets_of_another_form_than_the_submission_are_not_compared_with_its_labels(entry):
    """One class number a row, for a submission of a column of 0 and 1 for each of three classes."""
    form = Submission("id", ("a", "b", "c"), decide=len, holds=Labels((0, 1)))
    rows = train(y=np.array([0, 2, 1])), test()
    assert checks.load(entry(lambda public: rows, form=form, sample="id,a,b,c\n1,0,0,0\n2,0,0,0\n")) == rows


def test_a_declared_label_that_looks_missing_is_none_that_is(entry):
    form = Submission("id", "odd", decide=len, holds=Labels(("nan", "x")))
    rows = train(y=np.array(["nan", "x", "x"])), test()
    assert checks.load(entry(lambda public: rows, form=form, sample="id,odd\n1,x\n2,x\n")) == rows


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((train(y=None), test()), "returned train rows without labels"),
        ((train(x=np.ones((0, 2)), ids=np.ones(0), y=np.ones(0)), test()), "returned no train rows"),
        ((train(), test(x=np.ones((0, 2)), ids=np.ones(0))), "returned no test rows"),
        ((train(ids=np.array([7, 8])), test()), r"returned 3 train rows and `ids` of shape (2,)"),
        ((train(y=np.array([0, 1])), test()), r"returned 3 train rows and `y` of shape (2,)"),
        ((train(group=np.arange(4)), test()), r"returned 3 train rows and `group` of shape (4,)"),
        ((train(weight=np.arange(2)), test()), r"returned 3 train rows and `weight` of shape (2,)"),
        ((train(time=np.arange(2)), test()), r"returned 3 train rows and `time` of shape (2,)"),
        ((train(ids=np.ones((3, 1))), test()), r"returned `ids` of shape (3, 1)"),
        ((train(y=np.ones((3, 1, 1))), test()), r"returned `y` of shape (3, 1, 1)"),
        ((train(y=pd.Series([0, 1, 1])), test()), "returned `y` of the train rows as a Series"),
        ((train(ids=[7, 8, 9]), test()), "returned `ids` of the train rows as a list"),
        ((train(ids=np.array([7, 8, 7])), test()), "returned several train rows under the id 7"),
        ((train(ids=np.array(["a", "b", "b"])), test()), "returned several train rows under the id b"),
        ((train(), test(ids=np.array([1, 1]))), "returned several test rows under the id 1"),
        ((train(ids=np.array([7, np.nan, 9])), test()), "returned a train row without an id, row 2 of 3"),
        ((train(ids=np.array(["a", None, "b"], object)), test()), "returned a train row without an id, row 2 of 3"),
        ((train(x=np.ones((3, 0))), test()), r"train rows without features: `x` has the shape (3, 0)"),
        ((train(), test(x=np.ones((2, 28, 0)))), r"test rows without features: `x` has the shape (2, 28, 0)"),
        ((train(x=pd.DataFrame(index=range(3))), test()), r"without features: `x` has the shape (3, 0)"),
        ((train(x=["a", None, "b"]), test()), "returned nothing in `x` for the train row 8"),
        ((train(x=["a", "b", float("nan")]), test()), "returned nothing in `x` for the train row 9"),
        ((train(weight=np.array([1.0, -0.5, 1.0])), test()), "one has the weight -0.5: row 8"),
        ((train(weight=np.array([0.0, -0.5, 1.0])), test()), "one has the weight -0.5: row 8"),
        ((train(weight=np.array([1.0, np.nan, 1.0])), test()), "one has no weight: row 8"),
        ((train(weight=np.array([1.0, 1.0, np.inf])), test()), "one has an infinite weight: row 9"),
        ((train(weight=np.zeros(3)), test()), "one has the weight 0, and so have all others: row 7"),
        ((train(weight=np.array(["1", "2", "3"])), test()), "returned weights of the type <U1"),
        ((train(time=np.array([1.0, np.inf, 2.0])), test()), "one has an infinite time: row 8"),
        ((train(time=np.array([1.0, 2.0, np.nan])), test()), "one has no time: row 9"),
        ((train(time=np.array(["2020", "NaT", "2021"], "M8[s]")), test()), "one has no time: row 8"),
        ((train(group=np.array(["a", None, "b"], object)), test()), "one has no group: row 8"),
        ((train(group=np.array([1.0, 1.0, np.nan])), test()), "one has no group: row 9"),
        ((train(), test(ids=np.array([1, 3]))), "1 ids of sample_submission.csv have no test row, the first is 2"),
        ((train(), test(ids=np.array([5, 6]))), "2 ids of sample_submission.csv have no test row, the first is 1"),
        (
            (train(), test(ids=np.array([1, 2, 3]), x=np.ones((3, 2)))),
            "1 test rows have no place in sample_submission.csv, the first is 3",
        ),
        (train(), "returned a Data"),
        ((train(), test(), test()), "returned a tuple"),
        (([1], [2]), "returned a tuple"),
    ],
)
def test_rows_that_no_model_should_be_fitted_on_are_refused_in_one_sentence(entry, rows, said):
    with pytest.raises(KitError) as error:
        checks.load(entry(lambda public: rows))
    assert said in error.value.wrong
    assert error.value.right


def test_ids_of_another_form_than_the_sample_files_are_shown(entry):
    error = refusal(entry, train(), test(ids=np.array([1.0, 2.0])))
    assert error.right.endswith("not under ids such as 1.0.")


def test_one_missing_id_is_no_other_form_of_ids(entry):
    error = refusal(entry, train(), test(ids=np.array([1, 3])))
    assert error.right == "`load` must return every test row under the id that the sample file gives it."


def test_clips_and_texts_have_features(entry):
    clips = Clips.of([np.zeros(3, np.int16)] * 3, 8000)
    rows = train(x=clips), test(x=["", "a"])
    assert checks.load(entry(lambda public: rows)) == rows


def test_a_list_of_numbers_is_one_feature(entry):
    rows = train(x=[0.5, 1.5, 2.5]), test(x=(1.0, 2.0))
    assert checks.load(entry(lambda public: rows)) == rows


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (lambda table: table["odd"].to_numpy(np.int64), "turns empty values into whole numbers"),
        (lambda table: table["odd"].astype(int).to_numpy(), "cannot read its files: Cannot convert non-finite values"),
    ],
)
def test_a_cast_of_empty_values_is_seen_while_it_happens(entry, tmp_path, load, said):
    table = pd.DataFrame({"odd": [0, np.nan, 1]})
    with pytest.raises(KitError, match=said):
        checks.load(entry(lambda public: (train(y=load(table)), test())))


@pytest.mark.parametrize("data", [b"a,b\n1,2\n3,4,5\n", "a,b\n1,ñ\n".encode("latin-1"), b"", b'a,b\n1,"2\n'])
def test_a_file_that_cannot_be_read_is_one_sentence_with_the_command_that_fetches_it(entry, tmp_path, data):
    (tmp_path / "train.csv").write_bytes(data)

    def load(public: Path) -> tuple[Data, Data]:
        table = pd.read_csv(tmp_path / "train.csv", engine="c")
        return train(x=table), test()

    with pytest.raises(KitError, match="`load` of parity cannot read its files: ") as error:
        checks.load(entry(load))
    assert error.value.cure == "kit download parity --force"


@pytest.mark.parametrize("error", [ZeroDivisionError("a defect"), KeyError("column"), RuntimeWarning("of its own")])
def test_a_defect_of_load_keeps_its_traceback(entry, error):
    def load(public: Path) -> tuple[Data, Data]:
        raise error

    with pytest.raises(type(error)):
        checks.load(entry(load))


def test_the_sample_file_is_compared_before_anything_is_loaded(entry):
    def load(public: Path) -> tuple[Data, Data]:
        raise AssertionError("nothing is loaded")

    with pytest.raises(KitError, match="unexpected column 'horizon'"):
        checks.load(entry(load, sample="id,horizon,odd\n1,1,0\n"))


def test_a_second_key_column_is_told_before_a_training_and_leads_to_a_submission(kit, parity, workspace):
    """It failed after the training, with "unexpected column"."""
    declaration, sample = parity / "competition.py", parity / "_sample.py"
    text = sample.read_text()
    text = text.replace(
        '"id,odd\\n" + "".join(f"{n},0\\n" for n in test)',
        '"id,day,odd\\n" + "".join(f"{n},{n - 1},0\\n" for n in test)',
    )
    sample.write_text(text)
    declared = declaration.read_text().replace('Csv(("id", "odd"), 20)', 'Csv(("id", "day", "odd"), 20)')
    declaration.write_text(declared)
    status, _, err = kit("train", "parity", "--sample")
    assert status == 1
    assert "sample_submission.csv is not as competition.py declares it: unexpected column 'day'." in err
    assert not list(workspace.rglob("fold-*"))

    declared = declared.replace('Submission("id"', 'Submission(("id", "day")').replace(
        "Data(test[:, 0],", "Data(ids.of(test[:, 0], test[:, 0] - 1),"
    )
    declaration.write_text(declared.replace("from kit.task import", "from kit.task import ids,"))
    _forget()
    status, _, err = kit("train", "parity", "--sample")
    assert status == 0, err
    run = next(workspace.rglob("submission.csv"))
    assert run.read_text().splitlines()[:3] == ["id,day,odd", "200,199,0", "201,200,1"]
    assert kit("submit", "parity", "last", "--sample", "--dry-run")[0] == 0


def _forget() -> None:
    """Let a changed declaration be imported anew, as in another process."""
    import sys

    for name in [name for name in sys.modules if name.startswith("competition_parity")]:
        del sys.modules[name]
