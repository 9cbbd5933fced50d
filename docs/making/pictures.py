"""Makes the pictures of README and pages anew: what a terminal shows, and a plot that kit draws itself.

    .venv/bin/python docs/making/pictures.py

It runs the very commands in a workspace of their own, which takes three minutes. The report needs Chromium.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
# Rich asks a server for its font, which a page without a network cannot show.
WITHOUT_FONTS = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.S)


def typed(home: Path, *words: str) -> str:
    """What `kit WORDS` prints on standard output, in the workspace `home`."""
    done = subprocess.run(
        [sys.executable, "-m", "kit", *words],
        env=os.environ | {"KIT_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def terminal(command: str, printed: str) -> str:
    """A picture (SVG) of a terminal in which `command` printed this."""
    lines = [line.rstrip() for line in printed.strip().splitlines()]
    console = Console(record=True, width=max(map(len, lines)) + 2, file=io.StringIO())
    console.print(Text.assemble(("$ ", "bright_black"), (command, "bold")))
    for line in lines:
        style = "bright_black" if re.fullmatch(r"[- ]+", line) else "bold green" if "<-" in line else ""
        console.print(Text(line, style))
    return console.export_svg(title="kit", theme=SVG_EXPORT_THEME, code_format=WITHOUT_FONTS, unique_id="kit")


def report(page: Path) -> None:
    """The top of the report in a browser that is installed; nothing where there is none."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        return print("No browser is installed: report.png stays as it is.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        shown = opened.new_page(viewport={"width": 1180, "height": 1120})
        shown.goto(page.as_uri())
        shown.screenshot(path=PICTURES / "report.png")
        opened.close()


def main() -> None:
    """Make all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        printed = typed(home, "demo").partition("\nThe real thing:")[0]
        (PICTURES / "demo.svg").write_text(terminal("kit demo", printed), encoding="utf-8")
        typed(home, "download", "digit-recognizer", "--sample")
        typed(home, "train", "digit-recognizer", "svm", "--sample")
        plots = next(home.glob("submissions/digit-recognizer/*-svm/plots"))
        shutil.copyfile(plots / "mistakes.png", PICTURES / "mistakes.png")
        for words in (("neighbours",), ("forest",), ("forest", "--seed", "1")):
            typed(home, "train", "digit-recognizer", *words, "--sample", "--no-plots")
        typed(home, "report", "digit-recognizer", "--out", str(home / "report.html"))
        report(home / "report.html")


if __name__ == "__main__":
    main()
