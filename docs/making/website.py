"""What the website holds beside the pages that a person wrote: the reference, the notebook, and files of the project.

mkdocs calls the functions whose names begin with `on_` while it builds (https://www.mkdocs.org/user-guide/configuration/#hooks).
"""

from __future__ import annotations

import html
import importlib
import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import kit
from kit.cli import command

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")
ORDER = tuple(
    f"kit.api.{room}"
    for room in ("tasks", "training", "tuning", "keeping", "predicting", "generating", "judging", "submitting")
)
"""What stands first in the reference of functions: the way of a task."""
PARTS = {
    "kit.kernel": [
        f"kit.api.kernel.{name}" for name in ("build", "build_all", "rehearse", "push", "status", "logs", "pull")
    ],
    "kit.encoder": ["kit.api.encoder.import_", "kit.api.encoder.publish"],
    "Mistakes": ["kit.errors.KitError"],
    "Tests of your own": ["kit.emulator.local.running"],
    "What a competition declares": [
        *(f"kit.task.contract.{name}" for name in ("Competition", "Data", "Submission", "Metric", "Merge")),
        *(f"kit.task.sources.{name}" for name in ("KaggleCompetition", "KaggleDataset", "Web", "Csv")),
        *(f"kit.task.splits.{name}" for name in ("Stratified", "Shuffled", "Grouped", "StratifiedGrouped", "Time")),
        *(f"kit.task.targets.{name}" for name in ("Numbers", "Labels", "Text")),
        *("kit.task.ids.of", "kit.task.metrics.named", "kit.task.decisions.Threshold"),
    ],
    "What recipes are made of": [
        *(f"kit.task.contract.{name}" for name in ("Fold", "Fitted")),
        "kit.rows.views.Rows",
        "kit.rows.files.parts",
        *(f"kit.toolbox.networks.{name}" for name in ("fit", "save", "load", "predictor")),
        *(f"kit.toolbox.estimators.{name}" for name in ("save", "load")),
    ],
}
"""What else the reference of Python shows, section by section."""
SHOWN = ("image/png", "text/html", "text/plain")
"""Kinds of output of a notebook, the most telling one first."""


def _place(path: Path) -> str:
    """Where a file of the repository is in the website."""
    inside = path.relative_to(ROOT)
    if inside.parts[0] == "docs":
        return inside.relative_to("docs").as_posix()
    if inside.parts[0] == "competitions":
        return f"competitions/{inside.parts[1]}.md"
    return f"project/{inside.as_posix()}"


SOURCES = {
    _place(path): path
    for path in (
        *(ROOT / name for name in ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
        *sorted(ROOT.glob("benchmarks/*.md")),
        *sorted(ROOT.glob("competitions/*/README.md")),
    )
}
"""Files of the project that are pages of the website, by their place in it."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the competitions, which are found and not counted."""
    entries = [
        {path.parent.name.replace("_", "-"): place}
        for place, path in SOURCES.items()
        if place.startswith("competitions/")
    ]
    next(part for part in config.nav or [] if "Competitions" in part)["Competitions"] = entries
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    pages = {
        "reference/commands.md": "\n".join(commands()),
        "reference/python.md": "\n".join(functions()),
        "notebook.md": "\n\n".join(cells()),
    }
    pages |= {place: path.read_text(encoding="utf-8") for place, path in SOURCES.items()}
    for place, text in pages.items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between pages; a file that is no page becomes its name."""
    place = page.file.src_uri
    source = SOURCES.get(place, ROOT / "docs" / place)

    def relinked(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        path = (source.parent / target).resolve()
        if ":" in target or not path.is_relative_to(ROOT):
            return link[0]
        goal = _place(path)
        if files.get_file_from_path(goal):
            return f"[{text}]({posixpath.relpath(goal, posixpath.dirname(place))}{anchor})"
        return link[0] if path.is_relative_to(ROOT / "docs") else text

    # Output is not there to be copied.
    return re.sub("^```text$", "```{ .text .no-copy }", LINK.sub(relinked, markdown), flags=re.M)


def commands() -> Iterator[str]:
    """Every verb as click knows it: what it does, an example, its arguments and options."""
    yield "# Commands\n\nThis page is made from the command line itself: `kit VERB --help` says the same.\n"
    yield "| command | what it does |\n| --- | --- |"
    for words, verb in _verbs(command):
        yield f"| [`{words}`](#{words.replace(' ', '-')}) | {verb.short_help} |"
    for words, verb in _verbs(command):
        yield f"\n## `{words}` {{ #{words.replace(' ', '-')} }}\n"
        yield from _help(verb, words)


def _verbs(group: click.Group, before: str = "kit") -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(click.Context(group)):
        yield f"{before} {name}", group.commands[name]
        if isinstance(group.commands[name], click.Group):
            yield from _verbs(group.commands[name], f"{before} {name}")


def _help(verb: click.Command, words: str) -> Iterator[str]:
    context = click.Context(verb, info_name=words)
    yield f"`{verb.get_usage(context).removeprefix('Usage: ')}`\n"
    for paragraph in (verb.help or "").split("\n\n"):
        if paragraph.startswith("\b"):
            title, _, lines = paragraph.removeprefix("\b\n").partition("\n")
            yield f"{title}\n\n```bash\n{re.sub('^  ', '', lines, flags=re.M)}\n```\n"
        else:
            yield f"{paragraph}\n"
    if records := [option.get_help_record(context) for option in verb.params if isinstance(option, click.Option)]:
        yield "| option | meaning |\n| --- | --- |"
        yield from (f"| `{record[0]}` | {_cell(record[1])} |" for record in records if record)


def _cell(text: str) -> str:
    """A text as a cell of a table, where angle brackets and bars mean something else."""
    return re.sub(r"([|\[\]])", r"\\\1", html.escape(text, quote=False))


def functions() -> Iterator[str]:
    """Every function of the API, then what a declaration is made of. mkdocstrings fills in the docstrings."""
    yield "# Python\n\nThis page is made from the docstrings. [From Python](../python.md) shows how they are used.\n"
    rooms = {name: f"kit.{room}" for name, room in kit._EXPORTED.items() if room not in ("api", "errors")}
    for room in sorted(set(rooms.values()), key=lambda room: (*ORDER, room).index(room)):
        names = [name for name, place in rooms.items() if place == room]
        yield f"\n## {', '.join(f'kit.{name}' for name in names)}\n"
        for name in names:
            function = name if hasattr(importlib.import_module(room), name) else f"{name}_"
            yield f"::: {room}.{function}\n    options:\n      heading_level: 3\n"
    for title, names in PARTS.items():
        yield f"\n## {title}\n"
        yield from (f"::: {name}\n    options:\n      heading_level: 3\n      members: false\n" for name in names)


def cells() -> Iterator[str]:
    """The notebook as a page: its texts, its code, and what it printed when it was executed."""
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield text
            continue
        yield f"```python\n{text}\n```"
        yield from (_shown(output) for output in cell["outputs"])


def _shown(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"```\n{''.join(output['text']).strip()}\n```"
    kind = next(kind for kind in SHOWN if kind in output["data"])
    data = "".join(output["data"][kind])
    if kind == "text/html":
        one_line = re.sub(r"\s*\n\s*", " ", data)
        return f'<div class="output">{one_line}</div>'
    if kind == "image/png":
        return f'<img alt="The picture that these lines show" src="data:image/png;base64,{data.strip()}">'
    return f"```\n{data}\n```"
