"""The command line as a whole: help, speed of start, errors, completion."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from kit import doctor, places
from kit.cli import command

DOCS = Path(__file__).resolve().parents[2] / "docs"


def verbs(group: click.Group, before: str = "kit") -> Iterator[tuple[str, click.Command]]:
    """Every verb with its words, `kit kernel build` too."""
    for name, verb in group.commands.items():
        yield f"{before} {name}", verb
        if isinstance(verb, click.Group):
            yield from verbs(verb, f"{before} {name}")


VERBS = dict(verbs(command))


@pytest.mark.parametrize("words", [words for words, verb in VERBS.items() if not isinstance(verb, click.Group)])
def test_every_verb_has_help_with_an_example_of_itself(words):
    example = VERBS[words].get_help(click.Context(VERBS[words])).partition("Example:")[2]
    assert f"  {words} " in example or f"  {words}\n" in example or f"({words} " in example or f"({words})" in example


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_is_on_a_page(words):
    assert any(words in page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))


def candidates(*words: str) -> list[str]:
    """What may stand in place of the last of `words`."""
    return [
        item.value
        for item in ShellComplete(command, {}, "kit", "_KIT_COMPLETE").get_completions(list(words[:-1]), words[-1])
    ]


def test_help_is_printed_without_a_verb(kit):
    status, out, _ = kit()
    assert status == 0
    assert out.startswith("Usage: kit ")


def test_a_mistake_of_the_user_is_a_message_and_status_1(kit):
    status, out, err = kit("train", "digit-recogniser")
    assert (status, out) == (1, "")
    assert err.startswith("kit: No competition is called 'digit-recogniser'. Did you mean 'digit-recognizer'?\n")
    assert err.endswith("Try: kit list\n")


def test_wrong_usage_is_status_2(kit):
    status, _, err = kit("train")
    assert status == 2
    assert "Missing argument 'COMPETITION'" in err


def test_two_ways_of_judging_a_run_are_wrong_usage(kit, parity):
    status, _, err = kit("train", "parity", "--holdout", "--full")
    assert status == 2
    assert "--holdout and --full cannot be used together." in err


def test_a_verb_that_is_nearly_right_is_suggested(kit):
    status, _, err = kit("trian", "parity")
    assert status == 2
    assert "No such command 'trian'. (Did you mean one of: 'track', 'train'?)" in err


def test_an_interruption_says_only_what_is_true(kit, parity, monkeypatch):
    from kit.api import tasks

    def interrupted(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tasks, "list_", interrupted)
    assert kit("list") == (130, "", "\nkit: interrupted.\n")


def test_a_full_disk_is_told_apart_from_a_defect(kit, parity, monkeypatch):
    from kit.api import tasks

    def full(*words, **options):
        raise OSError(errno.ENOSPC, "No space left on device", "/data/x.csv")

    monkeypatch.setattr(tasks, "list_", full)
    status, _, err = kit("list")
    assert (status, err.splitlines()[0]) == (1, "kit: No space left on device: /data/x.csv")


HEAVY = ("numpy", "tensorflow", "keras", "torch", "jax", "xgboost", "sklearn", "pandas", "matplotlib", "kaggle", "rich")


@pytest.mark.parametrize("words", [["--help"], ["list"], ["list", "digit-recognizer"], ["runs"], ["train", "--help"]])
def test_what_must_feel_instant_imports_nothing_heavy(words, workspace):
    code = (
        "import sys\nfrom kit.cli import main\n"
        f"try:\n    main({words})\nexcept SystemExit:\n    pass\n"
        f"print('IMPORTED', [name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "IMPORTED []"


def test_help_imports_no_room_beyond_the_ground_floor(workspace):
    code = (
        "import sys\nfrom kit.cli import main\nmain(['--help'])\n"
        "print(sorted({name.split('.')[1] for name in sys.modules if name.startswith('kit.')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['cli', 'errors', 'notes', 'places', 'words']"


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
        "variant      changes",
        "-----------  ---------",
        "table:noisy  noise=0.3",
    ]


def test_list_speaks_json(kit, parity):
    assert json.loads(kit("list", "parity", "table", "--json")[1]) == {
        "name": "table",
        "settings": {"epochs": 2, "noise": 0.0, "base": 10},
        "variants": {"noisy": {"noise": 0.3}},
        "smoke": {"epochs": 1},
    }


def test_runs_are_listed_the_best_first(kit, parity):
    kit("train", "parity", "table:noisy", "--sample", "--no-plots", "--set", "noise=5.0")
    kit("train", "parity", "--sample", "--no-plots")
    listed = json.loads(kit("runs", "parity", "--json")[1])
    assert [record["plan"]["variant"] for record in listed] == ["", "noisy"]
    lines = kit("runs", "parity")[1].splitlines()
    assert lines[2].startswith("parity (sample)")
    assert "cv" in lines[2] and "1.00000" in lines[2]


def test_no_runs_say_what_to_type(kit, parity):
    status, out, err = kit("runs", "parity")
    assert (status, out, err) == (0, "", "No runs yet. Try: kit train parity\n")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("tr",), "train"),
        (("train", "pa"), "parity"),
        (("train", "parity", ""), "table:noisy"),
        (("sweep", "parity", "table", ""), "table:noisy"),
        (("train", "parity", "table", "--fo"), "--folds"),
        (("train", "parity", "table", "--set", ""), "epochs="),
        (("list", "--json", ""), "parity"),
        (("kernel", "bui"), "build"),
        (("completion", ""), "fish"),
    ],
)
def test_completion_knows_verbs_competitions_recipes_options_and_settings(parity, words, answer):
    assert answer in candidates(*words)


def test_completion_knows_runs(kit, parity):
    kit("train", "parity", "--sample", "--no-plots")
    assert any(name.endswith("-table") for name in candidates("submit", "parity", ""))
    assert candidates("train", "parity", "--resume", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_asks_kit(kit, shell):
    assert f"_KIT_COMPLETE={shell}_complete" in kit("completion", shell)[1]


def test_bash_completes_a_recipe_and_variant(parity, workspace):
    binary = str(Path(sys.executable).parent)
    script = (
        f"PATH={binary}:$PATH; source <(kit completion bash); "
        "COMP_WORDS=(kit train parity ta); COMP_CWORD=3; _kit_completion kit; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "table table:noisy\n"


def test_a_shell_gets_no_message_for_a_competition_that_is_unknown(workspace):
    words = {"_KIT_COMPLETE": "bash_complete", "COMP_WORDS": "kit train nowhere ", "COMP_CWORD": "3"}
    kit = str(Path(sys.executable).with_name("kit"))
    done = subprocess.run([kit], env=os.environ | words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_doctor_names_a_cure_for_each_problem(kit, workspace, monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: {"kaggle": "2.2.4", "kagglesdk": "0.1.32"}.get(name, ""))
    status, out, err = kit("doctor")
    assert status == 1
    assert "!!  pandas" in out
    assert "ok  tensorflow" in out and "not installed; recipes that need it: pip install -c" in out
    install = f"pip install -c {places.CONSTRAINTS}"
    assert f"pandas: {install} pandas\n" in err
    assert f"kagglesdk 0.1.32: {install} kaggle kagglesdk\n" in err
    assert f"kaggle and kagglesdk: {install} kaggle kagglesdk\n" in err


def test_doctor_is_content_with_this_machine(kit, workspace):
    lines = json.loads(kit("doctor", "--json")[1])
    assert {line["what"]: line["cure"] for line in lines if line["what"] in ("Python", "keras", "workspace")} == {
        "Python": "",
        "keras": "",
        "workspace": "",
    }


def test_a_home_that_is_no_folder_is_named(kit, monkeypatch, tmp_path):
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "nowhere"))
    status, _, err = kit("list")
    assert status == 1
    assert f"KIT_HOME is {tmp_path / 'nowhere'}, which is not a folder." in err
