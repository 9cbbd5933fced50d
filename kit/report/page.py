"""The page itself: sections, style and script in one file, that a browser shows without asking anybody for anything."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from kit import places, records
from kit.report.behind import Line
from kit.report.gather import Section

if TYPE_CHECKING:
    import jinja2

BUDGET = 600_000
"""Bytes of what stands behind the runs' lines: so the page stays under 1 MB without media, however many runs there
are. The best runs come first."""

_HERE = Path(__file__).parent


def html(sections: Sequence[Section], title: str) -> str:
    """The page of some competitions."""
    style, script = places.KIT.joinpath("page.css").read_text("utf-8"), (_HERE / "report.js").read_text("utf-8")
    style += (_HERE / "report.css").read_text("utf-8")
    templates = _templates()
    details = templates.get_template("details.html").module
    behind, left = [], BUDGET
    for at, section in enumerate(sections):
        kept = []
        for row, line in enumerate(section.lines):
            text = details.details(line, f"{at}-{row}", section)  # type: ignore[attr-defined]
            left -= len(text) - _media(line)
            kept.append(Markup(text) if left >= 0 else None)
        behind.append(kept)
    return templates.get_template("report.html").render(
        title=title,
        made=records.now()[:16].replace("T", " "),
        sections=sections,
        behind=behind,
        island=[section.island | {"higher": section.higher_is_better} for section in sections],
        style=Markup(style),
        script=Markup(script),
        policy="default-src 'none'; img-src data:; media-src data:; "
        f"style-src {_hash(style)}; script-src {_hash(script)}",
    )


def write(sections: Sequence[Section], title: str, to: Path) -> Path:
    """The page as a file, whole or not at all."""
    with places.whole(to) as part:
        part.write_text(html(sections, title), encoding="utf-8")
    return to


def _media(line: Line) -> int:
    """The bytes of images and recordings behind a run's line."""
    return sum(len(wrong.shown.source) for wrong in line.details.mistakes)


def _hash(text: str) -> str:
    """What a browser compares a style or script with, so that it runs no other, whatever a name of a run holds.
    Source: W3C, Content Security Policy Level 3, section 2.3.1."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@functools.cache
def _templates() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
