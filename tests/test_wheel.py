"""A wheel of this tree, installed in a fresh environment, works outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kit import places

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


def run(*words: str | Path, cwd: Path, **variables: str) -> str:
    """What a command prints; it must end well."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("KAGGLE", "KIT", "PYTHON"))
    }
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by way of the source distribution; what is checked in is copied first, so that no left-over of
    an earlier build can hide that a file is missing."""
    folder = tmp_path_factory.mktemp("dist")
    tree = folder / "tree"
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=tree)
    run(sys.executable, "-m", "twine", "check", "--strict", *folder.glob("kaggle_kit-*"), cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def binaries(wheel: Path) -> Path:
    """The folder of the commands of an environment that holds the wheel and what it needs, and no checkout."""
    home = wheel.parent / "environment"
    python = home / "bin" / "python"
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--python", sys.executable, home, cwd=wheel.parent)
        run(uv, "pip", "install", "--quiet", "--python", python, "-c", places.CONSTRAINTS, wheel, cwd=wheel.parent)
    else:
        run(sys.executable, "-m", "venv", home, cwd=wheel.parent)
        run(python, "-m", "pip", "install", "--quiet", "-c", places.CONSTRAINTS, wheel, cwd=wheel.parent)
    return python.parent


def test_everything_that_is_checked_in_travels_and_only_below_kit(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = run("git", "ls-files", "kit", "competitions", cwd=ROOT).split()
    wanted = {name if name.startswith("kit/") else f"kit/{name}" for name in tracked if (ROOT / name).is_file()}
    assert wanted <= names
    assert {name.partition("/")[0] for name in names} == {"kit"}
    assert {"kit/py.typed", "kit/constraints.txt", "kit/competitions/digit_recognizer/cnn.py"} <= names


def test_the_wheel_lists_makes_a_competition_and_runs_the_demo(binaries, tmp_path):
    kit = binaries / "kit"
    assert "digit-recognizer" in run(kit, "list", cwd=tmp_path)
    assert "tides" in run(kit, "new", "tides", cwd=tmp_path)
    assert "tides" in run(kit, "list", cwd=tmp_path, KIT_HOME=str(tmp_path))
    shown = run(kit, "demo", cwd=tmp_path, HOME=str(tmp_path))
    assert "Your place among" in shown and "you <-" in shown
    assert not run(
        binaries / "python", "-c", "import importlib.util as i; print(i.find_spec('keras') or '')", cwd=tmp_path
    ).strip()


def test_a_cure_names_the_constraints_of_the_wheel(binaries, tmp_path):
    code = "from kit import places; print(places.install('keras'), places.CONSTRAINTS, places.CONSTRAINTS.is_file())"
    printed = run(binaries / "python", "-c", code, cwd=tmp_path).split()
    constraints = printed[-2]
    assert constraints.startswith(str(binaries.parent)) and printed[-1] == "True"
    assert printed[:-2] == ["pip", "install", "-c", constraints, "keras", "tensorflow"]


def test_a_type_checker_knows_what_the_functions_take_and_give(tmp_path):
    (tmp_path / "notebook.py").write_text(
        "import kit\n"
        "import kit.train.loop\n"
        "run = kit.train('digit-recognizer', 'cnn', epochs=3)\n"
        "score: float | None = run.score\n"
        "kit.submit('digit-recognizer', run, dry_run=True)\n"
        "kit.submit('digit-recognizer', run, dry='yes')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--ignore-missing-imports", "notebook.py"],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in done.stdout.splitlines() if line.startswith("notebook.py") and ": error:" in line]
    assert len(errors) == 1 and '"dry" for "submit"' in errors[0], done.stdout
