"""README and what else is told twice: both languages say the same; scores and extras are those that there are."""

from __future__ import annotations

import configparser
import json
import re
import shlex

import pytest

from tests.docs import pages

ENGLISH, SPANISH = pages.page("README.md"), pages.page("README.es.md")
OTHER = {"README.es.md", "README.md"}


def commands(page: pages.Page) -> list[list[str]]:
    """The commands of a page, word by word, without comments."""
    return [
        shlex.split(line, comments=True) for block in page.blocks if block.language == "bash" for line in block.commands
    ]


def links(page: pages.Page) -> list[str]:
    return [target for target in re.findall(r"\]\(([^)]+)\)", page.text) if target not in OTHER]


def headings(page: pages.Page) -> list[str]:
    return re.findall(r"^(#+) ", re.sub(r"```.*?```", "", page.text, flags=re.S), re.M)


def test_both_languages_have_the_same_commands_and_output() -> None:
    assert commands(SPANISH) == commands(ENGLISH)
    told = [[(block.language, block.marks, block.not_run) for block in page.blocks] for page in (ENGLISH, SPANISH)]
    assert told[0] == told[1]
    outputs = [[block.text for block in page.blocks if block.language == "text"] for page in (ENGLISH, SPANISH)]
    assert outputs[0] == outputs[1]


def test_both_languages_have_the_same_links_and_pictures() -> None:
    assert links(SPANISH) == links(ENGLISH)
    assert [page.text.count("](README") for page in (ENGLISH, SPANISH)] == [1, 1]


def test_both_languages_have_the_same_headings_and_tables() -> None:
    assert headings(SPANISH) == headings(ENGLISH)
    rows = [re.findall(r"^\|.*\|$", page.text, re.M) for page in (ENGLISH, SPANISH)]
    assert [row.count("|") for row in rows[0]] == [row.count("|") for row in rows[1]]
    assert scores(SPANISH) == scores(ENGLISH)


def scores(page: pages.Page) -> list[tuple[str, ...]]:
    """Competition, recipe and score of each line of the table."""
    return re.findall(
        r"^\| \[([a-z-]+)\]\(competitions/\S+\) \|[^|]+\| `([a-z:]+)` \| (\S[^|]* [\d.]+) \|$", page.text, re.M
    )


@pytest.mark.parametrize(("competition", "recipe", "score"), scores(ENGLISH))
def test_a_score_of_the_table_is_that_of_a_recorded_run_judged_as_declared(competition, recipe, score) -> None:
    recorded = []
    for path in (pages.ROOT / "submissions" / competition).glob("*/run.json"):
        run = json.loads(path.read_text(encoding="utf-8"))
        plan = run["plan"]
        label = ":".join(word for word in (plan["recipe"], plan["variant"]) if word)
        if label == recipe and plan["scheme"] == "cv":
            recorded.append(f"{run['metric']} {run['oof_score']:.5f}")
    assert score in recorded


def test_every_packaged_competition_is_in_the_table() -> None:
    packaged = {path.parent.name.replace("_", "-") for path in pages.ROOT.glob("competitions/*/competition.py")}
    assert {competition for competition, *_ in scores(ENGLISH)} == packaged


@pytest.mark.parametrize("name", [*pages.NAMES, "README.es.md"])
def test_every_link_leads_to_a_file_that_is_there(name: str) -> None:
    made = {"docs/notebook.md", "docs/reference/commands.md", "docs/reference/python.md"}
    page = pages.page(name)
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.text):
        path = (pages.ROOT / name).parent / target
        assert path.exists() or path.resolve().relative_to(pages.ROOT).as_posix() in made, target


def test_the_page_about_installation_lists_every_extra() -> None:
    package = configparser.ConfigParser(interpolation=None)
    package.read(pages.ROOT / "setup.cfg")
    listed = re.findall(r"^\| `([a-z]+)` \|", pages.page("docs/install.md").text, re.M)
    assert sorted(listed) == sorted(package["options.extras_require"])
