"""A run's model as a server: the batches of a gateway give the submission of the run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("grpc")

from kit.errors import KitError
from kit.predict import served
from kit.task import catalog
from kit.train import runs
from tests.predict.test_rows import reading

__all__ = ["reading"]


def test_a_gateway_gets_what_the_run_would_submit(reading: Path, kit, tmp_path: Path, monkeypatch) -> None:
    assert kit("train", "parity", "--sample", "--no-plots")[0] == 0
    entry, run = catalog.find("parity", sample=True), runs.find("parity", "last")
    monkeypatch.chdir(tmp_path)
    served.serve(entry, run, rows=6)
    assert Path("submission.csv").read_bytes() == run.submission.read_bytes()
    predict = served.predictor(entry, run)
    answer = predict(pd.DataFrame({"id": [1, 2, 3], "number": [7, 8, 13]}))
    assert answer.equals(pd.DataFrame({"odd": [1, 0, 1]}))


def test_a_competition_without_rows_from_files_cannot_be_served(parity: Path, kit) -> None:
    assert kit("train", "parity", "--sample", "--no-plots")[0] == 0
    with pytest.raises(KitError, match="does not say how rows are read"):
        served.predictor(catalog.find("parity", sample=True), runs.find("parity", "last"))
