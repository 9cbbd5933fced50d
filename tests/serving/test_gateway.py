"""A gateway for tables and an inference server, which talk to each other in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("grpc")

from kit.serving import gateway, payloads, server

DAYS = "day,port,height\n1,a,5\n1,b,6\n2,a,7\n1,a,8\n1,b,9\n"


@pytest.fixture
def tides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five test rows of three days, one of which comes again; the working folder is another."""
    folder = tmp_path / "tides"
    folder.mkdir()
    header, *lines = DAYS.splitlines()
    rows = [f"{n},{line}\n" for n, line in enumerate(lines)]
    (folder / "test.csv").write_text("".join([f"id,{header}\n", *rows]))
    (folder / "sample_submission.csv").write_text("id,low,high\n" + "".join(f"{n},0,0\n" for n in reversed(range(5))))
    monkeypatch.chdir(tmp_path)
    return folder


def sizes(table: gateway.Table) -> list[int]:
    return [len(test) for test, _ in table.batches()]


def test_rows_are_handed_over_by_number_or_by_a_column_in_their_order(tides: Path) -> None:
    assert sizes(gateway.Table(tides)) == [1] * 5
    assert sizes(gateway.Table(tides, rows=2)) == [2, 2, 1]
    assert sizes(gateway.Table(tides, by="day")) == [2, 1, 2]  # a day that comes again is another batch
    first, sample = next(gateway.Table(tides, by="day").batches())
    assert first["height"].tolist() == [5, 6] and first.index.tolist() == [0, 1]
    assert sample["id"].tolist() == [0, 1]  # joined by id: the sample file is the other way round


def answers(value: Any) -> gateway.Ask:
    """A server that gives the same answer to every question."""
    return lambda data: payloads.response(value)


@pytest.mark.parametrize(
    "answer",
    [
        pd.DataFrame({"high": [2], "low": [1]}),
        pd.DataFrame({"id": [9], "low": [1], "high": [2]}),
        pd.DataFrame({"a": [1], "b": [2]}),
        np.array([[1, 2]]),
        [[1, 2]],
    ],
)
def test_predictions_are_taken_by_name_or_by_place_and_ids_are_the_gateways(tides: Path, answer: Any) -> None:
    rows = list(gateway.Table(tides).predictions(answers(answer)))
    assert rows == [[str(n), "1", "2"] for n in range(5)]


@pytest.mark.parametrize(
    "answer", [None, "x", [], [1, 2], [[1, 2], [3, 4]], pd.DataFrame({"low": [1]}), {"low": 1}, np.zeros((1, 2, 1))]
)
def test_an_answer_that_is_no_prediction_of_the_batch_is_refused(tides: Path, answer: Any) -> None:
    with pytest.raises(gateway.Wrong):
        list(gateway.Table(tides).predictions(answers(answer)))


def test_a_server_is_tried_on_the_visible_rows(tides: Path) -> None:
    asked = []

    def predict(test: pd.DataFrame, sample_submission: pd.DataFrame) -> pd.DataFrame:
        asked.append(len(test))
        return sample_submission.assign(low=test["height"] - 1, high=test["height"] + 1)

    server.serve(predict, tides, by="day")
    assert asked == [2, 1, 2]
    assert Path("submission.csv").read_text() == "id,low,high\n0,4,6\n1,5,7\n2,6,8\n3,7,9\n4,8,10\n"


def test_what_a_server_raises_is_told_to_who_tries_it(tides: Path) -> None:
    def predict(test: pd.DataFrame, sample_submission: pd.DataFrame) -> None:
        raise ValueError("no tide on day 1")

    with pytest.raises(gateway.Failed, match="no tide on day 1"):
        server.serve(predict, tides)
    with pytest.raises(gateway.Failed, match="No listener for predict was registered"):
        server.InferenceServer(answers).run_local_gateway(tides)
    with pytest.raises(ValueError, match="functions with names"):
        server.InferenceServer(lambda test: test)


def test_nobody_is_waited_for_longer_than_said() -> None:
    with gateway.line(f"localhost:{server.free_port()}", seconds=1) as line:
        assert line.ready(0.3) is False
        with pytest.raises(gateway.Failed, match="UNAVAILABLE"):
            line(payloads.request("predict", ()))
