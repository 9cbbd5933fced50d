"""`kit.train(...)` and all other verbs by name, whatever was imported before."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import click
import pytest

import kit
from kit.cli import VERBS
from kit.task import catalog

EXPORTED = sorted(set(dir(kit)) & set(kit._EXPORTED))
FUNCTIONS = [name for name in EXPORTED if name not in ("KitError", "kernel", "embedding", "encoder")]
GROUPS = {
    "kernel": ("build", "probe", "rehearse", "push", "status", "logs", "pull"),
    "encoder": ("import_", "publish"),
    "embedding": ("train",),
}
EVERY = [*FUNCTIONS, *(f"{group}.{name}" for group, names in GROUPS.items() for name in names)]


def function(words: str):
    """The function that a name stands for: of a room, the one that calling it calls."""
    value = kit
    for word in words.split("."):
        value = getattr(value, word)
    return value.__call__ if inspect.ismodule(value) else value


@pytest.mark.parametrize("words", EVERY)
def test_every_function_is_typed_and_documented(words):
    called = function(words)
    known = inspect.signature(called)
    assert known.return_annotation is not inspect.Signature.empty
    assert all(one.annotation is not inspect.Parameter.empty for one in known.parameters.values())
    assert inspect.getdoc(called)


def test_every_verb_of_the_command_is_a_function_too():
    assert {verb.name.replace("-", "_") for verb in VERBS} - {"completion"} <= set(EXPORTED)
    steps = {group.name: set(group.commands) for group in VERBS if isinstance(group, click.Group)}
    assert steps["kernel"] == set(GROUPS["kernel"])
    assert steps["encoder"] == {name.strip("_") for name in GROUPS["encoder"]}
    assert steps["embedding"] == set(GROUPS["embedding"])


ROOMS = ["train", "predict", "explore", "doctor", "demo", "new", "emulator"]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_with_a_verbs_name_is_callable_and_stays_a_module(room):
    module = getattr(kit, room)
    assert inspect.ismodule(module) and callable(module)
    assert inspect.signature(module) == inspect.signature(function(room))


@pytest.mark.parametrize(
    "lines",
    [
        "import kit; call = kit.train; import kit.train.loop; again = kit.train",
        "import kit.train.loop; import kit; call = again = kit.train",
        "from kit.train import loop; from kit import train as call; import kit; again = kit.train",
        "import kit.train.runs as runs; import kit; call = again = kit.train",
    ],
)
def test_the_order_of_imports_does_not_matter(lines, tmp_path):
    code = f"""{lines}
import kit.train.loop
assert kit.train is call is again and kit.train.loop.train is not call
try:
    call("nowhere", "cnn", epochs=3)
except kit.KitError as error:
    print(error.wrong)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "No competition is called 'nowhere'.\n"


def test_a_name_that_is_not_exported_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'kit' has no attribute 'trian'"):
        _ = kit.trian  # type: ignore[attr-defined]
    assert set(kit._EXPORTED) <= set(dir(kit))


def test_importing_kit_imports_nothing_else(tmp_path):
    code = "import sys, kit; print([name for name in sys.modules if name.startswith('kit.')], 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "[] False\n"


def test_a_type_checker_is_told_the_same_names():
    checked = re.findall(r"^    from (kit[\w.]*) import (\w+) as \2$", inspect.getsource(kit), re.M)
    checked += [("kit.api.tasks", "list")] if "    list = tasks.list_\n" in inspect.getsource(kit) else []
    assert {name: module.removeprefix("kit.").removeprefix("kit") for module, name in checked} == kit._EXPORTED


def test_no_setting_may_be_called_like_an_argument():
    settings = {"train", "sweep", "tune", "push", "kernel.build"}
    known = {name for words in settings for name in inspect.signature(function(words)).parameters}
    assert known - {"settings"} <= catalog.OPTIONS


def test_a_recipe_with_such_a_setting_is_refused(parity):
    (parity / "wrong.py").write_text("def fit(fold, *, seed=3, rate=0.1):\n    pass\n")
    with pytest.raises(kit.KitError, match="the setting 'seed' has the name of an option of kit"):
        kit.list("parity")
