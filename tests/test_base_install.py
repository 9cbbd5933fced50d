"""The base install has no learning framework: what must work without one, does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit import places

BLOCK = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {absent} else super().find_spec(name, path, target)

sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
"""
ABSENT = (
    "tensorflow",
    "keras",
    "torch",
    "jax",
    "xgboost",
    "tf_keras",
    "tensorflow_hub",
    "tensorflow_text",
    "soundfile",
)
"""What only extras bring."""


CODE = """
import json, kit
from kit import demo

tides, answer = sys.argv[1], {}
for recipe in ("cnn", "boosted"):
    try:
        kit.train("digit-recognizer", recipe, sample=True)
    except kit.KitError as error:
        answer[recipe] = [error.right, error.cure]
run = kit.train("digit-recognizer", "neighbours", sample=True, plots=False)
with kit.emulator(sample=True):
    answer["public"] = kit.submit("digit-recognizer", run, sample=True).attempt.public_score
    answer["placed"] = kit.leaderboard("digit-recognizer", sample=True).own is not None
kit.new("tides", tides)
answer["tides"] = kit.train("tides", folds=2, models=1, rounds=50, plots=False).score
answer["demo"] = demo.recipes()
answer["doctor"] = {line.what: line.well for line in kit.doctor()}
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the verbs did in one process in which no learning framework can be imported."""
    home = tmp_path_factory.mktemp("base")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KAGGLE", "KIT"))}
    done = subprocess.run(
        [sys.executable, "-c", BLOCK.format(absent=ABSENT) + CODE, str(tides(home / "downloads"))],
        env=environment | {"KIT_HOME": str(home), "HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def tides(folder: Path) -> Path:
    """A small table as a user would have downloaded it, written into `folder`."""
    folder.mkdir()
    (folder / "train.csv").write_text("id,target,a\n" + "".join(f"{n},{n % 2},{n % 2 + n / 100}\n" for n in range(60)))
    (folder / "test.csv").write_text("id,a\n" + "".join(f"{n},{n % 2 + n / 100}\n" for n in range(60, 80)))
    (folder / "sample_submission.csv").write_text("id,target\n" + "".join(f"{n},0\n" for n in range(60, 80)))
    return folder


def test_the_emulator_takes_and_grades_a_submission(answer):
    assert answer["public"] > 0.8 and answer["placed"]


def test_a_recipe_that_needs_a_framework_names_the_extra_and_its_packages(answer):
    install = f"pip install -c {places.CONSTRAINTS}"
    assert answer["cnn"] == ["It comes with the extra 'keras'.", f"{install} keras tensorflow"]
    assert answer["boosted"] == ["It comes with the extra 'boosted'.", f"{install} xgboost"]


def test_a_new_competition_of_a_table_trains(answer):
    assert answer["tides"] > 0.9


def test_the_demo_trains_no_network(answer):
    assert answer["demo"] == ["neighbours", "svm", "forest"]


def test_the_doctor_does_not_miss_what_no_recipe_has_asked_for(answer):
    assert answer["doctor"]["tensorflow"] and answer["doctor"]["keras"]
