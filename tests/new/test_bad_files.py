"""Files that are no competition: one sentence, an exit status, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kit.rows import tables


def tables_of(count: int = 60) -> dict[str, pd.DataFrame]:
    """A sound competition, to be spoiled."""
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({"id": np.arange(count), "size": draw.normal(0, 1, count).round(3)})
    rows["day"] = pd.date_range("2020-01-01", periods=count).strftime("%Y-%m-%d")
    rows["colour"] = draw.choice(["red", "blue"], count)
    rows["sold"] = (rows["size"] > 0).astype(int)
    train, test = rows[: count // 2], rows[count // 2 :]
    return {"train": train.copy(), "test": test.drop(columns="sold"), "sample_submission": test[["id", "sold"]].copy()}


def nothing_in_common(files: dict[str, pd.DataFrame]) -> None:
    files["sample_submission"].columns = ["row", "answer"]
    files["sample_submission"] = files["sample_submission"].iloc[:20]


def constant(files: dict[str, pd.DataFrame]) -> None:
    files["train"]["sold"] = 1


def empty_target(files: dict[str, pd.DataFrame]) -> None:
    files["train"]["sold"] = np.nan


def repeated_train_id(files: dict[str, pd.DataFrame]) -> None:
    files["train"].loc[3, "id"] = 2


def repeated_sample_id(files: dict[str, pd.DataFrame]) -> None:
    files["sample_submission"].loc[40, "id"] = 39


def repeated_test_id(files: dict[str, pd.DataFrame]) -> None:
    files["test"] = pd.concat([files["test"], files["test"].iloc[:1]])


def other_ids(files: dict[str, pd.DataFrame]) -> None:
    files["sample_submission"]["id"] += 1000
    files["sample_submission"] = files["sample_submission"].iloc[:20]


def missing_ids(files: dict[str, pd.DataFrame]) -> None:
    files["test"] = files["test"].iloc[:25]


def no_rows(files: dict[str, pd.DataFrame]) -> None:
    files["train"] = files["train"].iloc[:0]


def no_values(files: dict[str, pd.DataFrame]) -> None:
    files["train"] = files["train"].astype(object).map(lambda _: np.nan)


def empty_columns(files: dict[str, pd.DataFrame]) -> None:
    for name in ("train", "test"):
        files[name][["size", "day", "colour"]] = np.nan


def only_keys(files: dict[str, pd.DataFrame]) -> None:
    files["train"], files["test"] = files["train"][["id", "sold"]], files["test"][["id"]]


def no_target(files: dict[str, pd.DataFrame]) -> None:
    files["train"] = files["train"].drop(columns="sold")


def no_train(files: dict[str, pd.DataFrame]) -> None:
    del files["train"]


Spoil = Callable[[dict[str, pd.DataFrame]], None]
WRONG: list[tuple[Spoil, str]] = [
    (nothing_in_common, "sample_submission.csv and test.csv have no column in common, and not the same number of rows"),
    (constant, "The target 'sold' of train.csv is 1 in every row: there is nothing to learn."),
    (empty_target, "The target 'sold' of train.csv is empty in every row."),
    (repeated_train_id, "train.csv repeats the id 2 in 2 rows."),
    (repeated_sample_id, "sample_submission.csv repeats the id 39 (row 11)."),
    (repeated_test_id, "test.csv repeats the id 30, and sample_submission.csv has it once."),
    (other_ids, "No id of sample_submission.csv is in test.csv: the first are 1030 and 30."),
    (missing_ids, "test.csv lacks 5 of the 30 ids of sample_submission.csv, the first is 55."),
    (no_rows, "train.csv has no rows."),
    (no_values, "train.csv holds no values: every cell is empty."),
    (empty_columns, "All columns of train.csv are empty."),
    (only_keys, "train.csv and the test rows share no column but keys: there is nothing to learn from."),
    (no_target, "train.csv has no column that says what is asked for: sold."),
    (no_train, "None of the tables can be the training rows"),
]


@pytest.mark.parametrize(("spoil", "sentence"), WRONG, ids=[spoil.__name__ for spoil, _ in WRONG])
def test_files_that_are_no_competition_are_met_with_a_sentence(spoil, sentence, kit, workspace, tmp_path):
    refused(kit, workspace, written(tmp_path, spoil), sentence)


def written(folder: Path, spoil: Spoil) -> Path:
    """The files after `spoil`, in a folder of their own."""
    files = tables_of()
    spoil(files)
    (folder / "brought").mkdir()
    for name, table in files.items():
        table.to_csv(folder / "brought" / f"{name}.csv", index=False)
    return folder / "brought"


def refused(kit, workspace: Path, files: Path, sentence: str, *options: str) -> str:
    """Whether `kit new` ends with 1 and that sentence, and leaves nothing; what else it says."""
    status, out, err = kit("new", "shop", "--from", str(files), "--yes", *options)
    assert status == 1
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err
    assert not (workspace / "competitions").exists()
    assert not [path for path in (workspace / "data").iterdir() if path.name != ".downloads"]
    return err


def test_a_column_that_only_test_rows_have_is_told_and_left_out(kit, workspace, tmp_path):
    def extra(files):
        files["test"]["later"] = 1.5

    assert kit("new", "shop", "--from", str(written(tmp_path, extra)), "--yes")[0] == 0
    text = (workspace / "competitions" / "shop" / "competition.py").read_text()
    assert "# The training rows lack later, which only the test rows have.\n" in text


def test_a_date_that_cannot_be_read_is_named_with_its_row(kit, workspace, tmp_path):
    def unread(files):
        files["train"].loc[6, "day"] = "2020-13-45"

    files = written(tmp_path, unread)
    said = "train.csv, row 7: the date in column 'day' cannot be read, it holds '2020-13-45'."
    refused(kit, workspace, files, said, "--split", "time")
    refused(
        kit, workspace, files, "The column 'colour' of train.csv holds no dates that can be read", "--time", "colour"
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--target", "soldd"), "train.csv has no column 'soldd'."),
        (("--id", "key"), "sample_submission.csv has no column 'key'."),
        (("--metric", "rmsel"), "rmsel"),
        (("--kind", "words"), "'words' is no kind of target."),
        (("--rows", "clips"), "'clips' is no kind of row."),
        (("--split", "random"), "'random' is no split."),
        (("--group", "shop"), "train.csv has no column 'shop'."),
        (("--time", "when"), "train.csv has no column 'when' of times."),
        (("--weight", "w"), "train.csv has no column 'w'."),
        (("--train", "tran.csv"), "No table is called 'tran.csv'."),
        (("--rows", "image"), "No folder of images has a file for each row."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_answer_is_met_with_a_sentence(options, sentence, kit, workspace, tmp_path):
    refused(kit, workspace, written(tmp_path, lambda files: None), sentence, *options)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("train.csv", b"", "train.csv is empty."),
        ("train.csv", b"\x00\x01\x02\x00" * 50, "train.csv"),
        (
            "train.csv",
            b"id,size,sold\n1,2,3,4,5\n1,2\n" * 2,
            "train.csv, first row: it has 5 values, and there are 3 columns.",
        ),
        ("train.csv.zip", b"PK no zip", "train.csv.zip"),
        ("train.csv.gz", b"no gzip", "train.csv.gz is damaged"),
        ("train.parquet", b"PAR1 no parquet", "train.parquet is no Parquet file"),
        ("train.json", b'{"id": [1, 2', "train.json is no JSON"),
        ("train.jsonl", b'{"id": 1}\n{"id": \n', "train.jsonl, line 2 is no JSON"),
    ],
    ids=["empty", "binary", "ragged", "zip", "gzip", "parquet", "json", "jsonl"],
)
def test_a_damaged_file_is_named(name, content, sentence, kit, workspace, tmp_path):
    files = written(tmp_path, lambda files: None)
    (files / "train.csv").unlink()
    (files / name).write_bytes(content)
    refused(kit, workspace, files, sentence)


def test_a_folder_without_tables_says_what_it_holds(kit, workspace, tmp_path):
    (tmp_path / "brought").mkdir()
    (tmp_path / "brought" / "notes.pdf").write_bytes(b"%PDF")
    refused(kit, workspace, tmp_path / "brought", "holds no table that kit can read: notes.pdf.")


def test_files_that_are_not_there_are_named(kit, workspace, tmp_path):
    status, _, err = kit("new", "shop", "--from", str(tmp_path / "Gone.zip"))
    assert status == 1
    assert "Gone.zip does not exist." in err


def test_a_table_that_does_not_fit_is_refused_before_memory_is_gone(tmp_path, monkeypatch):
    file = tmp_path / "train.csv"
    line = b"1,0.123456789,a rather long text that takes its room\n"
    file.write_bytes(b"id,value,text\n" + line * (2**26 // len(line) + 1))
    monkeypatch.setattr(tables, "free_memory", lambda: 2**26)
    with pytest.raises(tables.KitError) as caught:
        tables.read(file)
    assert "train.csv has 0.1 GiB and would take about" in caught.value.wrong
    assert "th row would fit." in caught.value.right
    assert "every=" in caught.value.cure


def test_of_a_large_table_each_tenth_row_can_be_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "PART", 700)
    table = pd.DataFrame({"id": np.arange(5000), "colour": np.where(np.arange(5000) % 3, "red", "blue")})
    table.to_csv(tmp_path / "large.csv", index=False)
    tenth = tables.read(tmp_path / "large.csv", every=10)
    assert tenth["id"].tolist() == list(range(0, 5000, 10))
    assert tenth["colour"].astype(str).tolist() == table["colour"][::10].tolist()
    monkeypatch.setattr(tables, "LARGE", 1000)
    whole = tables.read(tmp_path / "large.csv")
    assert whole["id"].tolist() == table["id"].tolist()
    assert whole["colour"].astype(str).tolist() == table["colour"].tolist()
