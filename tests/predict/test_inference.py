"""What the last cell of a notebook does that only predicts: the test rows that are mounted, in their order, in time."""

from __future__ import annotations

import itertools
import shutil
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kit import places, records
from kit.errors import KitError
from kit.predict import inference
from kit.predict.inference import LEFT, Inferred, OutOfTime
from kit.task import catalog
from kit.train import predictions, runs
from tests.kaggle.kernel.conftest import hasten
from tests.predict.test_rows import LOAD, ROWS


@pytest.fixture
def mounted(parity: Path, kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The public files of parity, which reads rows from files, as a kernel sees them; its run is attached."""
    hasten(parity)
    declared = parity / "competition.py"
    text = declared.read_text().replace("from pathlib", "from dataclasses import replace\nfrom pathlib", 1)
    declared.write_text(text + ROWS)
    (parity / "table.py").write_text((parity / "table.py").read_text() + LOAD)
    assert kit("train", "parity", "--sample", "--no-plots")[0] == 0
    run = runs.find("parity", "last")
    root = tmp_path / "kaggle"
    public = root / "input" / "competitions" / "parity"
    shutil.copytree(catalog.find("parity", sample=True).data / "public", public)
    (root / "input" / "datasets" / "me" / "attached").mkdir(parents=True)
    run.folder.rename(root / "input" / "datasets" / "me" / "attached" / "the-run")
    (root / "working").mkdir()
    monkeypatch.setenv("KIT_KAGGLE_ROOT", str(root))
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    return public


def submit(**changes) -> Inferred:
    run = inference.attached("parity", "attached", "the-run")
    return inference.submit(changes.pop("entry", catalog.find("parity")), run, started=time.monotonic(), limit=32400.0)


def refused(**changes) -> KitError:
    with pytest.raises(KitError) as error:
        submit(**changes)
    assert not (places.working() / "submission.csv").exists()
    return error.value


def written() -> pd.DataFrame:
    return pd.read_csv(places.working() / "submission.csv")


HIDDEN = pd.DataFrame({"id": [905, 17, 300], "number": [5, 4, 9]})


def test_the_rows_are_those_of_the_test_file_that_is_there_in_its_order(mounted):
    HIDDEN.to_csv(mounted / "test.csv", index=False)  # the sample file is still that of the visible rows
    told = submit()
    assert written().to_dict("list") == {"id": [905, 17, 300], "odd": [1, 0, 1]}
    assert records.read_json(places.working() / "inference.json") == told._asdict()
    assert told.rows == 3 and told.rate == pytest.approx(3 / told.seconds) and told.peak_memory_bytes > 1e7


def test_a_competition_whose_rows_are_in_no_single_file_is_loaded(mounted):
    entry = catalog.find("parity")
    for changes in ({"test": ""}, {"rows": None}):
        entry.__dict__["competition"] = replace(catalog.find("parity").competition, **changes)
        HIDDEN.to_csv(mounted / "test.csv", index=False)
        assert submit(entry=entry).rows == 3
        assert written().to_dict("list") == {"id": [905, 17, 300], "odd": [1, 0, 1]}


def test_a_decision_that_the_run_has_chosen_is_applied(mounted):
    from kit.task import decisions
    from kit.train.record import Decision

    entry = catalog.find("parity")
    form = replace(entry.competition.submission, decide=decisions.Threshold())
    entry.__dict__["competition"] = replace(entry.competition, submission=form)
    run = inference.attached("parity", "attached", "the-run")
    chosen = replace(run, recorded=replace(run.record, decision=Decision({"at": 2.0}, 0.5, 0.5)))
    inference.submit(entry, chosen, started=time.monotonic(), limit=32400.0)
    assert not written()["odd"].any()


def test_a_run_that_is_not_attached_or_twice_is_told_so(mounted):
    with pytest.raises(KitError, match="holds the models of run the-run, is attached not once") as error:
        inference.attached("parity", "other", "the-run")
    assert error.value.cure == "kit publish-run parity the-run"
    shutil.copytree(places.kaggle_root() / "input/datasets/me/attached", places.kaggle_root() / "input/attached")
    with pytest.raises(KitError, match="is attached 2 times"):
        inference.attached("parity", "attached", "the-run")
    shutil.rmtree(places.kaggle_root() / "input/datasets")
    assert inference.attached("parity", "attached", "the-run").folder.parent.parent.name == "input"  # the old layout


def test_a_test_file_that_is_absent_empty_or_has_other_columns_is_told_so(mounted):
    (mounted / "test.csv").write_text("id,size\n1,2\n")
    assert refused().wrong == f"{mounted / 'test.csv'} lacks the column 'number'; its header is id, size."
    (mounted / "test.csv").write_text("id,number\n")
    assert refused().wrong == f"{mounted / 'test.csv'} has no rows."
    (mounted / "test.csv").write_text("id,number\n1,2\n1,3\n")
    assert "has the id 1 more than once" in refused().wrong
    (mounted / "test.csv").write_text("id,number\n1,2\n2,\n")
    assert refused().wrong == "Row 2 has no value, and recipe table cannot take missing values."
    (mounted / "test.csv").unlink()
    assert "No input of this kernel holds sample_submission.csv, train.csv, test.csv" in refused().wrong


def test_it_stops_before_the_time_limit_and_leaves_no_submission(mounted, monkeypatch):
    monkeypatch.setattr(predictions, "CHUNK", 5)
    ticks = itertools.count(1000.0, 10.0)
    monkeypatch.setattr(inference.time, "monotonic", lambda: next(ticks))
    run = inference.attached("parity", "attached", "the-run")
    with pytest.raises(OutOfTime) as error:
        inference.submit(catalog.find("parity"), run, started=1000.0, limit=LEFT + 75.0)
    assert error.value.wrong == (
        f"Stopped before the time limit of {(LEFT + 75) / 3600:.4g} h: 15 rows were predicted, 0.3 a second, "
        "and there are more."
    )
    assert not (places.working() / "submission.csv").exists()


def test_memory_does_not_grow_with_the_number_of_rows(mounted, monkeypatch):
    monkeypatch.setattr(predictions, "CHUNK", 500)
    peaks = []
    for count in (4_000, 12_000):
        numbers = range(10**6, 10**6 + count)
        pd.DataFrame({"id": numbers, "number": numbers}).to_csv(mounted / "test.csv", index=False)
        tracemalloc.start()
        assert submit().rows == count
        peaks.append(tracemalloc.get_traced_memory()[1] - 8 * count)
        tracemalloc.stop()
    assert peaks[1] < 1.15 * peaks[0]
    assert np.array_equal(written()["odd"], written()["id"] % 2)
