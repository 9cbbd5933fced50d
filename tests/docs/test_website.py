"""The website: it is built without a warning, holds every command and function, and asks no other server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import kit
from tests.cli.test_verbs import VERBS
from tests.docs.pages import ROOT

REQUESTS = re.compile(
    r"""<(?:script|img|iframe|source|audio|video)[^>]+src=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link[^>]+href=["']?((?:https?:)?//[^"'\s>]+)|url\(["']?((?:https?:)?//[^"')]+)"""
    r"""|@import ["']((?:https?:)?//[^"']+)"""
)
"""What a browser fetches by itself when it shows a page."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    mkdocs = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(mkdocs, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_website_asks_no_other_server(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css", ".svg")]
    asked = {path.name: REQUESTS.findall(path.read_text(encoding="utf-8")) for path in files}
    assert {name: hits for name, hits in asked.items() if hits} == {}
    assert len(files) > 20


def test_the_reference_holds_every_command_with_its_options(site: Path) -> None:
    text = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert [words for words in VERBS if f'id="{words.replace(" ", "-")}"' not in text] == []
    options = {name for verb in VERBS.values() for option in verb.params for name in option.opts if name[:2] == "--"}
    assert [name for name in sorted(options) if name not in text] == []


def test_the_reference_holds_every_function(site: Path) -> None:
    text = (site / "reference" / "python.html").read_text(encoding="utf-8")
    ids = set(re.findall(r'id="(kit\.[\w.]+)"', text))
    missing = [
        name
        for name, room in kit._EXPORTED.items()
        if room != "api" and not {f"kit.{room}.{name}", f"kit.{room}.{name}_"} & ids
    ]
    assert missing == []
    assert "kit.api.kernel.build" in ids and "kit.api.encoder.import_" in ids
