"""New rows through a run: a file in, a submission out, whatever its format, its size and its mistakes."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kit.errors import KitError
from kit.predict import rows
from kit.rows import files
from kit.task import catalog, ids, metrics
from kit.task.contract import Data, Submission
from kit.task.targets import Labels
from kit.train import runs

ROWS = """

from collections.abc import Iterator

from kit.rows import files


def rows(file: Path, most: int | None) -> Iterator[Data]:
    for part in files.parts(file, ("number",), optional=("id", "odd"), texts=("id",), rows=most):
        yield Data(part.ids("id"), part.table[["number"]].to_numpy(), part.labels("odd", (0, 1)))


competition = replace(competition, rows=rows)
"""

LOAD = """

def load(dir):
    share = np.load(dir / "share.npy")

    def predict(x):
        if np.isnan(x.astype(float)).any():
            raise ValueError("Input X contains NaN.")
        p = share[x[:, 0].astype(int) % len(share)]
        return np.stack([1 - p, p], axis=1)

    return Fitted(predict)
"""


@pytest.fixture
def reading(parity: Path) -> Path:
    """The competition parity, which reads rows from files and stores its models."""
    file = parity / "competition.py"
    file.write_text(
        file.read_text().replace(
            "from pathlib import Path", "from dataclasses import replace\nfrom pathlib import Path"
        )
        + ROWS
    )
    (parity / "table.py").write_text((parity / "table.py").read_text() + LOAD)
    return parity


@pytest.fixture
def trained(reading, kit):
    """The entry of parity, and a run of three folds on its sample."""
    return run_of(kit)


def run_of(kit, *more: str):
    assert kit("train", "parity", "--sample", "--no-plots", *more)[0] == 0
    return catalog.find("parity", sample=True), runs.find("parity", "last")


def public(entry) -> Path:
    return entry.data / "public"


TABLE = pd.DataFrame({"id": range(500, 520), "number": range(1000, 1020)})


def test_the_test_file_gives_the_submission_of_the_run(trained):
    entry, run = trained
    made = rows.predict(entry, run, public(entry) / "test.csv")
    assert made == (20, "accuracy", None, run.folder / "rows-test.csv", {})
    assert made.out.read_bytes() == run.submission.read_bytes()


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_any_format_is_predicted_and_scored(trained, tmp_path, ending):
    entry, run = trained
    file = tmp_path / f"new.{ending}"
    table = TABLE.assign(odd=[1 - n % 2 if n < 1005 else n % 2 for n in TABLE["number"]])
    if ending == "parquet":
        pytest.importorskip("pyarrow")
        table.to_parquet(file)
    elif "csv" in ending:
        table.to_csv(file, index=False)
    else:
        table.to_json(file, orient="records", lines=True)
    made = rows.predict(entry, run, file, tmp_path / "out.csv")
    assert made == (20, "accuracy", 0.75, tmp_path / "out.csv", {})
    assert pd.read_csv(made.out).equals(pd.DataFrame({"id": TABLE["id"], "odd": TABLE["number"] % 2}))


def test_rows_without_ids_are_numbered(trained, tmp_path):
    entry, run = trained
    TABLE[["number"]].to_csv(tmp_path / "new.csv", index=False)
    made = rows.predict(entry, run, tmp_path / "new.csv")
    assert made.out == run.folder / "rows-new.csv"
    assert pd.read_csv(made.out)["id"].tolist() == [*range(1, 21)]


def test_ids_keep_their_spelling(trained, tmp_path):
    entry, run = trained
    (tmp_path / "new.csv").write_text('id,number\n007,4\n"a,b",5\n')
    made = rows.predict(entry, run, tmp_path / "new.csv")
    assert made.out.read_text() == 'id,odd\n007,0\n"a,b",1\n'


def test_several_key_columns_and_labels_as_the_sample_spells_them_are_written(trained, tmp_path):
    entry, run = trained

    def read(file: Path, most: int | None):
        for part in files.parts(file, ("number", "day"), optional=("shop",), texts=("shop", "day"), rows=most):
            keys = [part.table[name] for name in ("shop", "day") if name in part.table]
            yield Data(ids.of(*keys), part.table[["number"]].to_numpy())

    form = Submission(("shop", "day"), "odd", decide=metrics.labels, holds=Labels((False, True)))
    entry.__dict__["competition"] = replace(entry.competition, rows=read, submission=form)
    (entry.data / "manifest.json").unlink()  # declared, and no sample file is needed
    (tmp_path / "new.csv").write_text("shop,day,number\na|b,01,4\na,02,5\n")
    made = rows.predict(entry, run, tmp_path / "new.csv")
    assert made.out.read_text() == "shop,day,odd\na|b,01,False\na,02,True\n"
    made.out.unlink()
    error = refused(entry, run, tmp_path / "new.csv", "day,number\n01,4\n")
    assert error.wrong.endswith("new.csv does not have all key columns.")


def test_what_is_called_gz_is_packed_to_the_same_bytes_each_time(trained, tmp_path):
    entry, run = trained
    one, other = (rows.predict(entry, run, public(entry) / "test.csv", tmp_path / f"{n}.csv.gz").out for n in "ab")
    assert one.read_bytes() == other.read_bytes()
    assert gzip.decompress(one.read_bytes()) == run.submission.read_bytes()


def test_memory_does_not_grow_with_the_number_of_rows(trained, tmp_path):
    entry, run = trained

    def peak(count: int) -> int:
        file = tmp_path / f"{count}.csv"
        numbers = np.arange(count)
        pd.DataFrame({"id": numbers, "number": numbers, "odd": numbers % 2}).to_csv(file, index=False)
        tracemalloc.start()
        made = rows.predict(entry, run, file)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert made[:3] == (count, "accuracy", 1.0)
        return most

    peak(5_000)  # imports
    few, many = peak(20_000), peak(200_000)
    # 180,000 rows more: of ids 8 bytes, and twice that while they are sorted; of the metric's labels and answers the
    # like. The rows themselves, their predictions and texts would be more than 60 bytes each.
    assert (many - few) / 180_000 < 40


def test_a_part_that_fails_leaves_no_file(trained, tmp_path):
    entry, run = trained
    numbers = [str(n) for n in range(10_000)] + ["many"]
    (tmp_path / "new.csv").write_text("number\n" + "\n".join(numbers) + "\n")
    with pytest.raises((KitError, ValueError)):
        rows.predict(entry, run, tmp_path / "new.csv", tmp_path / "to" / "out.csv")
    assert list((tmp_path / "to").iterdir()) == []


def refused(entry, run, file: Path, text: str | None = None, **more) -> KitError:
    if text is not None:
        file.write_text(text)
    with pytest.raises(KitError) as error:
        rows.predict(entry, run, file, **more)
    assert not list(run.folder.glob("*rows-*"))
    return error.value


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("id,numbers\n1,2\n", "new.csv lacks the column 'number'; its header is id, numbers."),
        ("id,number\n", "new.csv has no rows."),
        ("", "new.csv is empty."),
        ("id,number\n1,2\n,3\n", "new.csv: row 2, column 'id' is empty."),
        ("id,number\n1,2\n2,2\n1,3\n", "new.csv has the id 1 more than once."),
        ("id,number,odd\n1,2,0\n2,3,7\n", "new.csv: row 2, column 'odd' holds '7'."),
        ("id,number,odd\n1,2,0\n2,3,\n", "new.csv: row 2, column 'odd' is empty."),
        ("id,number\n1,2\n2,\n", "Row 2 has no value, and recipe table cannot take missing values."),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(trained, tmp_path, text, wrong):
    error = refused(*trained, tmp_path / "new.csv", text)
    assert error.wrong.endswith(wrong)
    assert error.right


def test_an_id_that_repeats_in_a_later_part_is_found(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(rows.predictions, "CHUNK", 8)
    many = "id,number\n" + "".join(f"{n},{n}\n" for n in [*range(100), 41])
    assert "has the id 41 more than once" in refused(*trained, tmp_path / "new.csv", many).wrong
    texts = "id,number\n" + "".join(f"a{n},{n}\n" for n in [*range(100), 7])
    assert "has the id a7 more than once" in refused(*trained, tmp_path / "new.csv", texts).wrong


def test_answers_of_a_part_of_the_rows_are_refused(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(rows.predictions, "CHUNK", 2)
    lines = [{"number": 1, "odd": 1}, {"number": 2, "odd": 0}, {"number": 3}, {"number": 4}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    assert "2 of 4 rows have no answer" in refused(*trained, tmp_path / "new.csv", text).wrong


def test_a_place_where_no_csv_can_be_written_is_refused(trained, tmp_path):
    entry, run = trained
    file = tmp_path / "new.csv"
    TABLE.to_csv(file, index=False)
    (tmp_path / "folder.csv").mkdir()
    for out, wrong in (
        (file, "is the file that holds the rows"),
        (tmp_path / "folder.csv", "is a folder"),
        (tmp_path / "a.parquet", "does not end in .csv"),
    ):
        assert wrong in refused(entry, run, file, out=out).wrong
    assert pd.read_csv(file).equals(TABLE)


def test_a_score_that_cannot_be_told_is_none_and_says_why(trained, tmp_path, told, monkeypatch):
    entry, run = trained
    monkeypatch.setattr(
        type(entry.competition.metric), "score", lambda *_: (_ for _ in ()).throw(ValueError("one class only"))
    )
    TABLE.assign(odd=1).to_csv(tmp_path / "new.csv", index=False)
    assert rows.predict(entry, run, tmp_path / "new.csv").score is None
    assert told[-1] == "accuracy cannot be told of these rows: one class only"


def test_a_competition_that_reads_no_rows_says_so(parity, kit, tmp_path):
    entry, run = run_of(kit)
    assert (
        "parity does not say how rows are read from a file" in refused(entry, run, tmp_path / "new.csv", "id\n").wrong
    )


def test_a_recipe_that_stores_no_model_says_so(trained):
    entry, run = trained
    (entry.folder / "table.py").write_text((entry.folder / "table.py").read_text().replace("def load", "def _load"))
    import importlib

    importlib.reload(entry.recipes["table"].module())
    del entry.recipes["table"].module().load
    assert "Recipe table stores no model" in refused(entry, run, public(entry) / "test.csv").wrong


@pytest.mark.parametrize("method", ["mean", "hill-climb", "geometric", "stack"])
def test_a_blend_predicts_through_its_members_by_their_weights(reading, kit, method):
    for noise in ("0.0", "0.4"):
        entry, _ = run_of(kit, "--set", f"noise={noise}", "--seed", "3")
    names = [run.name for run in runs.every("parity")]
    assert kit("ensemble", "parity", *names, "--method", method)[0] == 0
    blend = runs.find("parity", "last")
    made = rows.predict(entry, blend, public(entry) / "test.csv")
    assert made.out.read_bytes() == blend.submission.read_bytes()


def test_a_blend_of_ranks_gives_a_test_row_its_rank_and_a_new_row_one_of_its_own(reading, kit, monkeypatch):
    from kit.predict import models
    from kit.task import merging
    from kit.train import predictions

    for seed in ("1", "2"):
        entry, _ = run_of(kit, "--set", "noise=0.4", "--seed", seed)
    members = runs.every("parity")
    weights = {run.name: weight for run, weight in zip(members, (0.25, 0.75), strict=True)}
    blend = runs.create(runs.Plan("parity", "blend", "rank", weights, sample=True)).finish(members[0].record)
    tests = [predictions.load(run.folder / "test.npz")["pred"] for run in members]
    _, test = entry.competition.load(public(entry))
    model = models.load(entry, blend)
    np.testing.assert_array_equal(model(test.x), merging.rank_mean(tests, (0.25, 0.75)))
    np.testing.assert_array_equal(model(test.x[3:4]), model(test.x)[3:4])


def test_a_blend_whose_member_is_gone_says_which(reading, kit):
    entry, run = run_of(kit)
    blend = runs.create(runs.Plan("parity", "blend", "mean", {"gone": 1.0}, sample=True)).finish(run.record)
    assert "No run of parity is called 'gone'" in refused(entry, blend, public(entry) / "test.csv").wrong


def test_the_command_tells_rows_score_and_place(trained, kit, tmp_path):
    TABLE.assign(odd=TABLE["number"] % 2).to_csv(tmp_path / "new.csv", index=False)
    status, out, err = kit("predict", "parity", "last", "--rows", str(tmp_path / "new.csv"))
    assert (status, out) == (0, "20 rows predicted, accuracy 1.00000\n")
    assert "rows-new.csv" in err
    to = tmp_path / "out.csv"
    status, out, _ = kit("predict", "parity", "last", "--rows", str(tmp_path / "new.csv"), "--out", str(to), "--json")
    assert json.loads(out) == {"rows": 20, "metric": "accuracy", "score": 1.0, "out": str(to)}
    status, out, err = kit("predict", "parity", "last", "--rows", str(tmp_path / "none.csv"), "--json")
    assert (status, out) == (1, "")
    assert "none.csv does not exist" in err
    assert kit("predict", "parity", "last", "a.txt", "--rows", "b.csv")[0] == 2
    assert kit("predict", "parity", "last", "a.txt", "--out", "b.csv")[0] == 2
