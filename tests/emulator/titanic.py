"""A small competition for the emulator's tests, written into a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROWS = 418
FIRST = 892


def write(root: Path, **told: Any) -> Path:
    """`root/titanic`: 418 rows, answers 0, 1, 0, 1, ...; the first half is public."""
    folder = root / "titanic"
    (folder / "public").mkdir(parents=True)
    (folder / "private").mkdir()
    description = {
        "title": "Titanic",
        "metric": "accuracy",
        "id": "PassengerId",
        "target": "Survived",
        "labels": [0, 1],
        "category": "Getting Started",
        "teams": [
            {"name": "Host Benchmark", "public": 0.5, "baseline": True},
            {"name": "ahead", "public": 0.99, "private": 0.98},
            {"name": "behind", "public": 0.1},
        ],
    }
    (folder / "competition.json").write_text(json.dumps(description | told))
    usage = ["Public" if row < ROWS // 2 else "Private" for row in range(ROWS)]
    answers = [f"{FIRST + row},{row % 2},{usage[row]}" for row in range(ROWS)]
    (folder / "private" / "solution.csv").write_text("\n".join(["PassengerId,Survived,Usage", *answers]) + "\n")
    (folder / "public" / "sample_submission.csv").write_text(submission([0] * ROWS))
    (folder / "public" / "train.csv").write_text("PassengerId,Survived,Age\n1,0,22\n2,1,38\n")
    (folder / "public" / "test.csv").write_text("PassengerId,Age\n" + "".join(f"{FIRST + i},30\n" for i in range(ROWS)))
    return folder


def submission(values: list[int]) -> str:
    """The text of a submission."""
    return "PassengerId,Survived\n" + "".join(f"{FIRST + row},{value}\n" for row, value in enumerate(values))


def right_but(wrong: int, start: int = 0) -> str:
    """The right answers but for `wrong` rows from `start` on."""
    values = [row % 2 for row in range(ROWS)]
    return submission([1 - v if start <= row < start + wrong else v for row, v in enumerate(values)])


SHOWN = 20
"""Test rows that competitors see of the code competition."""


def write_code(root: Path, **told: Any) -> Path:
    """The same as a code competition: 20 of its test rows are public, and all of them hidden."""
    folder = write(root, **told)
    (folder / "hidden").mkdir()
    for name in ("test.csv", "sample_submission.csv"):
        lines = (folder / "public" / name).read_text().splitlines(keepends=True)
        (folder / "hidden" / name).write_text("".join(lines))
        (folder / "public" / name).write_text("".join(lines[: SHOWN + 1]))
    return folder
