"""Fixtures of the tests of what reaches outside: a Kaggle on loopback with one competition, and a command that must
never print a secret."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.emulator.local import Emulator, running
from kit.kaggle import client, publish, score, send

Command = Callable[..., tuple[int, str, str]]

SECRETS = ("KAGGLE_API_TOKEN", "KAGGLE_KEY")


@pytest.fixture
def swift(parity: Path) -> None:
    """Parity cuts its folds without scikit-learn, whose import takes seconds."""
    declared = parity / "competition.py"
    declared.write_text(declared.read_text().replace("splits.Stratified(3)", "lambda data: data.ids % 3"))


@pytest.fixture
def hosted(swift: None, raw: Path, tmp_path: Path) -> Path:
    """The folder of what the server hosts: parity, with a file that is larger than one block of a transfer."""
    folder = tmp_path / "hosted" / "parity"
    (folder / "private").mkdir(parents=True)
    raw.rename(folder / "public")
    (folder / "public" / "solution.csv").rename(folder / "private" / "solution.csv")
    (folder / "public" / "extra.bin").write_bytes(random.Random(0).randbytes(900_000))
    for file, text, more in (
        ("competition.py", '{\n            "train.csv"', '{\n            "extra.bin": None,\n            "train.csv"'),
        ("_sample.py", "    train, test", '    (raw / "extra.bin").write_bytes(b"extra")\n    train, test'),
    ):
        declared = tmp_path / "competitions" / "parity" / file
        declared.write_text(declared.read_text().replace(text, more))
    told = {"title": "Parity", "metric": "accuracy", "id": "id", "target": "odd", "labels": [0, 1]}
    teams = [{"name": f"Team {n}", "public": 0.5 + n / 100} for n in range(9)]
    teams.append({"name": "Baseline", "public": 0.5, "baseline": True})
    (folder / "competition.json").write_text(json.dumps(told | {"teams": teams}))
    return folder


@pytest.fixture
def site(hosted: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator that hosts parity; the environment points at it."""
    with running(hosted.parent) as emulator:
        for name, value in emulator.env.items():
            monkeypatch.setenv(name, value)
        yield emulator


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of a test's length."""
    monkeypatch.setattr(client, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(client, "ATTEMPTS", 3)
    monkeypatch.setattr(client, "TIMEOUT", (1.0, 0.4))
    monkeypatch.setattr(score, "WAITS", (0.02,))
    monkeypatch.setattr(score, "LAG", 0.2)
    monkeypatch.setattr(send, "LOOKS", (0.0, 0.05, 0.1))
    monkeypatch.setattr(send, "LATEST", 1.0)
    monkeypatch.setattr(send, "PAUSE", 0.1)
    monkeypatch.setattr(publish, "LOOKS", (0.0, 0.05))
    monkeypatch.setattr(publish, "WAITS", (0.02,))


@pytest.fixture
def run(kit: Command, site: Emulator, workspace: Path) -> Iterator[Command]:
    """The command in-process, whose output and files must not hold a credential."""
    secrets = [site.env[name] for name in SECRETS]

    def call(*words: str) -> tuple[int, str, str]:
        outcome = kit(*words)
        assert not [secret for secret in secrets if secret in outcome[1] + outcome[2]]
        assert "Traceback" not in outcome[2]
        return outcome

    yield call
    for path in workspace.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in held], path


@pytest.fixture
def mine(workspace: Path) -> Callable[[int], str]:
    """Writes a submission with so many wrong rows of 20; its path."""

    def write(wrong: int, name: str = "mine.csv") -> str:
        rows = [f"{n},{(n + (n - 200 < wrong)) % 2}\n" for n in range(200, 220)]
        (workspace / name).write_text("id,odd\n" + "".join(rows))
        return str(workspace / name)

    return write
