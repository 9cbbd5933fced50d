"""The command line as a whole: help, speed of start, errors, completion."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.cli import completion, parser

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def verbs(top: argparse.ArgumentParser, before: str = "kit") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every verb with its words, `kit kernel build` too."""
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, found in action.choices.items():
                if name != "complete":
                    yield f"{before} {name}", found
                    yield from verbs(found, f"{before} {name}")


VERBS = dict(verbs(parser()))


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_has_help_with_an_example_of_itself(words):
    text = VERBS[words].format_help()
    if any(isinstance(action, argparse._SubParsersAction) for action in VERBS[words]._actions):
        return
    assert "Example:" in text
    assert f"{words} " in text.partition("Example:")[2] or f"{words}\n" in text.partition("Example:")[2]


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_is_in_the_readme(words):
    assert words in README


def test_help_is_printed_without_a_verb(kit):
    status, out, _ = kit()
    assert status == 0
    assert out.startswith("usage: kit ")


def test_a_mistake_of_the_user_is_a_message_and_status_1(kit):
    status, out, err = kit("train", "digit-recogniser")
    assert (status, out) == (1, "")
    assert err.startswith("kit: No competition is called 'digit-recogniser'. Did you mean 'digit-recognizer'?\n")
    assert err.endswith("Try: kit list\n")


def test_wrong_usage_is_status_2(kit):
    status, _, err = kit("train")
    assert status == 2
    assert "the following arguments are required: competition" in err


HEAVY = ("numpy", "tensorflow", "keras", "torch", "jax", "xgboost", "sklearn", "pandas", "matplotlib", "kaggle", "rich")


@pytest.mark.parametrize(
    "words", [["--help"], ["list"], ["list", "digit-recognizer"], ["runs"], ["train", "--help"], ["complete", "tr"]]
)
def test_what_must_feel_instant_imports_nothing_heavy(words, workspace):
    code = (
        "import sys\nfrom kit.cli import main\n"
        f"try:\n    main({words})\nexcept SystemExit:\n    pass\n"
        f"print('IMPORTED', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "IMPORTED []"


def test_a_dry_run_imports_no_framework(kit, parity, workspace):
    kit("train", "parity", "--sample", "--no-plots")
    code = (
        "import sys\nfrom kit.cli import main\n"
        "assert main(['submit', 'parity', '--sample', '--dry-run']) == 0\n"
        f"print('IMPORTED', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "IMPORTED ['numpy']"


def test_list_shows_competitions_recipes_and_settings(kit, parity):
    assert "parity                  1  Parity: whether a number is odd." in kit("list")[1]
    assert "table   noisy     Remember the answer of each last digit." in kit("list", "parity")[1]
    assert kit("list", "parity", "table")[1].splitlines()[2:] == [
        "setting  default",
        "-------  -------",
        "epochs         2",
        "noise        0.0",
        "base          10",
        "",
        "table:noisy  noise=0.3",
    ]


def test_list_speaks_json(kit, parity):
    found = json.loads(kit("list", "parity", "table", "--json")[1])
    assert found == {
        "name": "table",
        "settings": {"epochs": 2, "noise": 0.0, "base": 10},
        "variants": {"noisy": {"noise": 0.3}},
        "smoke": {"epochs": 1},
    }


def test_runs_are_listed_the_best_first(kit, parity):
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=5.0")
    kit("train", "parity", "--sample", "--no-plots")
    found = json.loads(kit("runs", "parity", "--json")[1])
    assert [record["plan"]["variant"] for record in found] == ["", "noisy"]
    lines = kit("runs", "parity")[1].splitlines()
    assert lines[2].startswith("parity (sample)")
    assert "cv" in lines[2] and "1.00000" in lines[2]


def test_no_runs_say_what_to_type(kit, parity):
    status, out, err = kit("runs", "parity")
    assert (status, out, err) == (0, "", "No runs yet. Try: kit train parity\n")


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ([], "train"),
        (["train"], "parity"),
        (["train", "parity"], "table:noisy"),
        (["train", "parity", "table"], "--folds"),
        (["train", "parity", "table", "--set"], "epochs="),
        (["list", "--json"], "parity"),
        (["completion"], "fish"),
    ],
)
def test_completion_knows_verbs_competitions_recipes_options_and_settings(parity, before, found):
    assert found in completion.candidates(parser(), before)


def test_completion_knows_runs(kit, parity):
    kit("train", "parity", "--sample", "--no-plots")
    assert any(name.endswith("-table") for name in completion.candidates(parser(), ["submit", "parity"]))


def test_completion_prints_only_what_fits_the_word_begun(kit, parity):
    assert kit("complete", "train", "par")[1] == "parity\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_asks_kit(kit, shell):
    assert "kit complete" in kit("completion", shell)[1]


def test_bash_completes_a_recipe_and_variant(parity, workspace):
    binary = str(Path(sys.executable).parent)
    script = (
        f"PATH={binary}:$PATH; source <(kit completion bash); "
        "COMP_WORDS=(kit train parity ta); COMP_CWORD=3; _kit; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "table table:noisy\n"


def test_doctor_names_a_cure_for_each_problem(kit, workspace, monkeypatch):
    from kit import doctor

    monkeypatch.setattr(doctor, "_version", lambda name: {"kaggle": "2.2.4", "kagglesdk": "0.1.32"}.get(name, ""))
    status, out, err = kit("doctor")
    assert status == 1
    assert "!!  tensorflow" in out
    assert "tensorflow: pip install tensorflow\n" in err
    assert "kagglesdk 0.1.32: pip install -c constraints.txt kaggle kagglesdk\n" in err
    assert "kaggle and kagglesdk: pip install -c constraints.txt kaggle kagglesdk\n" in err


def test_doctor_is_content_with_this_machine(kit, workspace):
    found = json.loads(kit("doctor", "--json")[1])
    assert {line["what"]: line["cure"] for line in found if line["what"] in ("Python", "keras", "workspace")} == {
        "Python": "",
        "keras": "",
        "workspace": "",
    }


def test_a_home_that_is_no_folder_is_named(kit, monkeypatch, tmp_path):
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "nowhere"))
    status, _, err = kit("list")
    assert status == 1
    assert f"KIT_HOME names {tmp_path / 'nowhere'}, which is not a folder." in err
