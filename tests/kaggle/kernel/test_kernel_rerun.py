"""A code competition from kit's side: a kernel is submitted, run again on hidden rows, and scored or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.emulator import outcomes
from kit.emulator.local import Emulator, running
from kit.train import runs

boxed = pytest.mark.usefixtures("namespaces")

Kit = Callable[..., tuple[int, str, str]]


def write(root: Path) -> None:
    """Parity as a code competition: 20 test rows are public, and 200 hidden."""
    folder = root / "parity"
    for name, rows in (("public", range(200, 220)), ("hidden", range(1000, 1200))):
        (folder / name).mkdir(parents=True)
        (folder / name / "test.csv").write_text("id,number\n" + "".join(f"{n},{n}\n" for n in rows))
        (folder / name / "sample_submission.csv").write_text("id,odd\n" + "".join(f"{n},0\n" for n in rows))
    train = "".join(f"{n},{n},{n % 2}\n" for n in range(100, 160))
    (folder / "public" / "train.csv").write_text(f"id,number,odd\n{train}")
    (folder / "private").mkdir()
    (folder / "private" / "solution.csv").write_text("id,odd\n" + "".join(f"{n},{n % 2}\n" for n in range(1000, 1200)))
    told = {"title": "Parity", "metric": "accuracy", "id": "id", "target": "odd", "labels": [0, 1], "teams": []}
    (folder / "competition.json").write_text(json.dumps(told))


@pytest.fixture
def host(hasty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kit: Kit) -> Iterator[Emulator]:
    """An emulator that hosts parity as a code competition; what is public of it is downloaded."""
    write(tmp_path / "class")
    with running(tmp_path / "class", kernels="sandbox") as emulator:
        for name, value in emulator.env.items():
            monkeypatch.setenv(name, value)
        status, _, err = kit("download", "parity")
        assert status == 0, err
        yield emulator


@boxed
def test_a_kernel_is_submitted_scored_ranked_and_traced(host: Emulator, kit: Kit) -> None:
    status, _, err = kit("push", "parity", "table", "--no-rehearse", "--code")
    assert status == 0, err
    assert "public score 1.00000" in err
    run = runs.find("parity", "last")
    assert run.submission.read_text().count("\n") == 21  # of the hidden rows nothing came back
    assert run.kaggle()["public_score"] == 1.0 and run.kaggle()["rank"] == 1
    status, out, err = kit("leaderboard", "parity")
    assert status == 0 and "tester: rank 1" in out, out + err
    status, out, err = kit("why", str(run.kaggle()["ref"]))
    assert status == 0 and "tester/parity-table version 1" in out, out + err


@boxed
def test_a_kernel_whose_rerun_fails_is_no_success(host: Emulator, parity: Path, kit: Kit) -> None:
    recipe = parity / "table.py"
    failing = 'if (x[:, 0] > 999).any():\n            raise ValueError("of row " + str(x[-1]))\n        last'
    recipe.write_text(
        recipe.read_text().replace(
            "    return Fitted(lambda x: np.stack([1 - share[x[:, 0] % base], share[x[:, 0] % base]], axis=1))",
            f"    def predict(x):\n        {failing} = x[:, 0] % base\n"
            "        return np.stack([1 - share[last], share[last]], axis=1)\n\n    return Fitted(predict)",
        )
    )
    status, _, err = kit("push", "parity", "table", "--no-rehearse", "--code")
    assert status == 1
    assert (
        f"could not score submission 1002: {outcomes.THREW.told}" in " ".join(err.split()) or outcomes.THREW.kind in err
    )
    assert "of row" not in err
    run = runs.find("parity", "last")
    assert run.kaggle()["status"] == "error" and run.kaggle()["public_score"] is None
    assert run.kaggle()["error"] == outcomes.THREW.told


@boxed
@pytest.mark.parametrize("emulator", ["code"], indirect=True)
def test_a_competition_that_is_hosted_as_code_takes_what_was_made_of_fewer_rows(emulator: Emulator, kit: Kit) -> None:
    status, _, err = kit("push", "parity", "table", "--sample", "--no-rehearse", "--code")
    assert status == 0, err
    assert "public score 1.00000" in err
    assert runs.find("parity", "last").submission.read_text().count("\n") == 3  # two of the 20 rows are public
