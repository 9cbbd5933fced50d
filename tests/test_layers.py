"""Who may import whom: every room and every pair is named."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GROUND = {"errors", "places", "words", "records", "notes", "limits"}
BELOW_TRAIN = GROUND | {"task", "rows", "toolbox"}
BELOW_JUDGE = BELOW_TRAIN | {"data", "train", "drawing"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": {"words"},
    "places": {"errors"},
    "words": set(),
    "notes": set(),
    "limits": set(),
    "records": {"errors", "places"},
    # Walls around code of strangers: they know nothing of tasks.
    "sandbox": GROUND,
    # Predictions asked for over a wire, by a protocol that is not kit's.
    "serving": set(),
    "rows": GROUND,
    # A task's Data holds rows.
    "task": GROUND | {"rows"},
    "toolbox": GROUND | {"task", "rows"},
    # Who downloads hands files to `data`, which checks and places them: it never imports `kaggle`.
    "data": GROUND | {"task", "rows"},
    "train": BELOW_TRAIN,
    # How runs and rows look on paper; used by whoever shows something.
    "drawing": BELOW_TRAIN | {"train"},
    "explore": BELOW_JUDGE,
    # What a column is worth is asked of the models that a run stored.
    "judge": BELOW_JUDGE | {"predict"},
    # Looks at the data as exploring does, and asks the best run for doubtful labels.
    "audit": BELOW_JUDGE | {"explore", "judge"},
    # The page about runs shows how they were judged.
    "report": BELOW_JUDGE | {"judge"},
    # A prediction is drawn and decided, not judged.
    # ... and handed to a gateway that asks for it.
    "predict": BELOW_JUDGE | {"serving"},
    # A Kaggle on loopback: it must install and start without a learning framework, so that it stays off `train`.
    "emulator": GROUND | {"task", "sandbox", "serving"},
    # What a notebook needs to predict is what a run's model reads.
    "kaggle": BELOW_JUDGE | {"judge", "predict", "sandbox"},
    # One function a verb, for notebooks and for the command: it joins all rooms.
    "api": BELOW_JUDGE | {"explore", "judge", "predict", "report", "audit", "emulator", "kaggle", "sandbox"},
    # Fetches files, and returns a result as the API does.
    "new": BELOW_JUDGE | {"kaggle", "api"},
    "doctor": BELOW_TRAIN | {"train", "kaggle", "api"},
    # Types for the user what the user would type.
    "demo": BELOW_TRAIN | {"train", "kaggle", "api"},
    # Parses, calls the API and prints: the rooms are not its business, but for what completion and reports need.
    "cli": GROUND | {"__version__", "api", "task", "train", "kaggle", "new", "doctor", "demo"},
    "__main__": {"cli"},
    "__init__": {"api", "errors", "new", "doctor", "demo"},
}
FRAMEWORKS = {"keras", "tensorflow", "xgboost", "torch", "jax", "tensorflow_hub", "tensorflow_text", "official"}
FOR_RECIPES = {
    f"toolbox/{name}.py" for name in ("encoders/classifier", "encoders/finetuning", "encoders/pieces", "bag_layers")
}
"""Files that define classes of a framework, so that they import it; recipes import them, and functions."""
FILES = sorted((ROOT / "kit").rglob("*.py"))


def room(path: Path) -> str:
    """The room of a file of kit: `task` for kit/task/splits.py, `errors` for kit/errors.py."""
    return path.relative_to(ROOT / "kit").parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> list[str]:
    """Every module that a tree imports, with the names taken from it."""
    imported = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported += [f"{node.module}.{alias.name}" for alias in node.names]
    return imported


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_of_kit_imports_downward_only(path):
    mine = room(path)
    allowed = MAY_IMPORT[mine] | {mine}
    for name in imports(ast.parse(path.read_text())):
        parts = name.split(".")
        assert parts[0] != "competitions", f"{path.name} names a competition; only the catalog imports them, by path"
        if parts[0] == "kit" and len(parts) > 1 and parts[1] != "__version__":
            assert parts[1] in allowed, f"{path.name} imports {name}; the room {mine} may not import {parts[1]}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_of_kit_imports_a_framework_when_it_is_imported(path):
    top = ast.Module(
        [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)], []
    )
    if path.relative_to(ROOT / "kit").as_posix() not in FOR_RECIPES:
        modules = tuple(f"kit/{file}".removesuffix(".py").replace("/", ".") for file in FOR_RECIPES)
        assert not FRAMEWORKS & {name.split(".")[0] for name in imports(top)}
        assert not [name for name in imports(top) if name.startswith(modules)]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "competitions").glob("*/*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_competition_imports_only_what_tasks_and_recipes_are_made_of(path):
    tree = ast.parse(path.read_text())
    for name in imports(tree):
        parts = name.split(".")
        if parts[0] == "kit":
            assert parts[1] in ("task", "rows", "toolbox", "errors"), f"{path} imports {name}"
        assert parts[0] != "competitions", f"{path} imports another competition"
        if path.name == "competition.py":
            assert parts[0] not in FRAMEWORKS, f"{path} imports {name}; a declaration must be quick to read"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_of_kit_says_what_it_holds(path):
    # An empty file would also be another one in a notebook, whose cells cannot be empty.
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_only_the_client_imports_kaggle():
    for path in FILES:
        if any(name.split(".")[0] in ("kaggle", "kagglesdk") for name in imports(ast.parse(path.read_text()))):
            assert path == ROOT / "kit" / "kaggle" / "client.py"
