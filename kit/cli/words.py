"""How every verb is declared and how its answer leaves it."""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Callable
from typing import Any

Verb = Callable[[argparse.Namespace], int | None]


def verb(verbs: Any, function: Verb, name: str = "") -> argparse.ArgumentParser:
    """A verb called as its function, with the function's docstring as its help."""
    text = inspect.getdoc(function) or ""
    found = verbs.add_parser(
        name or function.__name__.strip("_"),
        help=text.partition("\n")[0].rstrip("."),
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.set_defaults(run_verb=function)
    return found


def as_json(found: argparse.ArgumentParser) -> None:
    """The option `--json`."""
    found.add_argument("--json", action="store_true", help="print JSON, for scripts")


def sample(found: argparse.ArgumentParser) -> None:
    """The option `--sample`."""
    found.add_argument("--sample", action="store_true", help="use the embedded sample instead of the real data")


def dump(value: Any) -> None:
    """An answer as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))
