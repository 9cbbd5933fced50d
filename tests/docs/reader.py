"""A reader who types what a page says, line by line, in a workspace of their own, and looks at what is printed."""

from __future__ import annotations

import configparser
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from threadpoolctl import threadpool_limits

import kit
from kit import places
from kit.cli import asking, command, main
from kit.cli.declaring import parsed
from kit.emulator.local import running
from kit.task import catalog
from tests.docs.pages import ROOT, Block, Page

PLAIN = ("cat", "chmod", "cp", "head", "ls", "mkdir", "python")
"""Commands that a page may use beside kit's own; they are run as they stand."""
PATIENCE = 60
"""Seconds until a server that was started in the background must answer."""


class Mistake(AssertionError):
    """What a page says is not so."""


class Reader:
    """Someone who reads pages in the workspace `home`, which is the current folder too.

    Where a page needs Kaggle, it is an emulator that hosts what is prepared in the workspace `hosts`.
    """

    def __init__(self, home: Path, hosts: Path, patch: pytest.MonkeyPatch, leaving: contextlib.ExitStack) -> None:
        self.hosts = hosts
        self.patch = patch
        self.leaving = leaving
        self.printed = ""
        self.scope: dict[str, Any] = {"__name__": "__main__"}
        patch.chdir(home)
        patch.setenv("KIT_HOME", str(home))
        for name in [name for name in os.environ if name.startswith("KAGGLE")]:
            patch.delenv(name)
        patch.setenv("KAGGLE_CONFIG_DIR", str(home / ".kaggle"))  # no credentials of the person who runs the tests
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.setattr(asking, "terminal", lambda: True)

    def read(self, page: Page, *, slow: bool = False) -> None:
        """Read a page to its end, blocks that are marked slow too where `slow` says so.

        Raises Mistake for a command that fails or prints something else than the page says.
        """
        for block in page.blocks:
            try:
                self._read(block, slow)
            except Exception as wrong:
                what = f"{wrong}" if isinstance(wrong, Mistake) else f"{type(wrong).__name__}: {wrong}"
                raise Mistake(f"{page.name}, line {block.line}: {what}") from wrong

    def _read(self, block: Block, slow: bool) -> None:
        if block.language == "text":
            return self._compare(block)
        if block.language not in ("bash", "python"):
            return None
        self.printed = ""
        if block.not_run or (block.has("slow") and not slow):
            self.printed = "..."  # the output below it cannot be compared
            return look_over(block)
        with contextlib.ExitStack() as during:
            if block.has("on the emulator"):
                with places.environment({"KIT_HOME": str(self.hosts)}):
                    kaggle = during.enter_context(running(sample=True, user="you"))
                patch = during.enter_context(pytest.MonkeyPatch.context())
                for name, value in kaggle.env.items():
                    patch.setenv(name, value)
            if block.language == "python":
                self.printed = told(lambda: exec(compile(block.text, "page", "exec"), self.scope) or 0)[1]
            else:
                for line in block.commands:
                    self._type(line, sample=block.has("on the sample"))
        return None

    def _compare(self, block: Block) -> None:
        """`...` stands for anything, and a line of it for any lines. The page may leave out lines before and after."""
        if self.printed == "...":
            return
        quoted = re.escape(block.text.strip("\n")).replace(r"\.\.\.", ".*?")
        # How wide a column is depends on what `...` stands for.
        quoted = re.sub(r"(?<=\S)(\\ ){2,}", " +", re.sub(r"(\\-){3,}", "-+", quoted))
        quoted = re.sub(r"^\.\*\?\\\n", r"(?:.*\n)*?", quoted, flags=re.M)
        if not re.search(rf"^{quoted}[ ]*$", re.sub(r"[ ]+$", "", self.printed, flags=re.M), re.M):
            raise Mistake(f"the page quotes\n{block.text}\nbut this was printed:\n{self.printed}")

    def _type(self, line: str, *, sample: bool) -> None:
        words = shlex.split(line, comments=True)
        if words[-1] == "&":
            return self._start(words[:-1])
        if inner := re.fullmatch(r'eval "\$\((.+)\)"', line):
            for name, value in re.findall(r"^export (\w+)=(.*)$", self._typed(inner[1]), re.M):
                self.patch.setenv(name, shlex.split(value)[0] if value else "")
            return None
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.patch.setenv(name, os.path.expandvars(value))
            return None
        if words[0] in ("make", "pip", "source", "uv"):
            return around(words)
        if words[0] in (*PLAIN, "kaggle"):
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)
            self.printed += done.stdout + done.stderr
            if done.returncode:
                raise Mistake(f"{line!r} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
            return None
        if sample and "--sample" not in words and takes_sample(words):
            line = shlex.join([*words, "--sample"])
        self.printed += self._typed(line)
        return None

    def _typed(self, line: str) -> str:
        words = shlex.split(line, comments=True)
        if words[0] != "kit":
            raise Mistake(f"{line!r} is no command that can be checked")
        file = None
        if ">" in words:
            words, file = words[: words.index(">")], words[words.index(">") + 1]
        self.patch.setattr(sys, "stdin", io.StringIO("y\n" * 3))
        status, printed = told(lambda: main([os.path.expanduser(word) for word in words[1:]]))
        if status:
            raise Mistake(f"{line!r} ended with {status}:\n{printed}")
        if file:
            Path(file).expanduser().write_text(printed, encoding="utf-8")
        return printed

    def _start(self, words: list[str]) -> None:
        """Start a server in a process of its own, and wait until it answers."""
        server = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.leaving.callback(server.wait)
        self.leaving.callback(server.terminate)
        late = time.monotonic() + PATIENCE
        while told(lambda: main(["emulator", "env"]))[0]:
            if server.poll() is not None or time.monotonic() > late:
                raise Mistake(f"{shlex.join(words)} & does not answer")
            time.sleep(0.1)


@contextlib.contextmanager
def reading(home: Path, hosts: Path) -> Iterator[Reader]:
    """A reader as in `Reader`; what they set and started is gone at the end."""
    # Samples are small: a second thread would mostly wait for the first.
    one = threadpool_limits(1)
    with one, pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as leaving:
        yield Reader(home, hosts, patch, leaving)


def told(act: Callable[[], int]) -> tuple[int, str]:
    """The exit status of `act`, and all that it prints, on standard output and standard error."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        try:
            status = act()
        except SystemExit as leaving:
            status = int(leaving.code or 0)
    return status, out.getvalue()


def look_over(block: Block) -> None:
    """Compare what cannot be run with what the command takes: verbs, options, competitions, recipes, settings.

    Raises Mistake for what does not fit.
    """
    if block.language == "python":
        compile(block.text, "page", "exec")
        return
    for line in block.commands:
        inner = re.search(r"\$\((kit .+?)\)", line)
        words = shlex.split(inner[1] if inner else line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        if words[0] in ("make", "pip", "source", "uv"):
            around(words)
        if words[0] != "kit":
            continue
        ends = [at for at, word in enumerate(words) if word in (">", "&", "|")]
        understood(words[: ends[0]] if ends else words)


def understood(words: list[str]) -> click.Context:
    """A command line, read but not run.

    Raises Mistake for a verb, an option, a recipe or a setting that does not exist.
    """
    verb, rest = verb_of(words)
    try:
        context = verb.make_context(verb.name, rest)
        given = context.params
        entry = {entry.name: entry for entry in catalog.entries()}.get(given.get("competition") or "")
        word = given.get("recipe") or ""
        if entry and word and ("settings" in given) and isinstance(word, str):
            recipe, variant = entry.recipe(word)
            recipe.resolve(variant, parsed(given["settings"]))
    except (click.UsageError, kit.KitError) as error:
        raise Mistake(f"{shlex.join(words)!r}: {error}") from None
    return context


def verb_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The verb that a line calls, `kit kernel push` too, and the words behind it."""
    verb: click.Command = command
    rest = words[1:]
    while isinstance(verb, click.Group):
        if not rest or rest[0] not in verb.commands:
            raise Mistake(f"{shlex.join(words)!r} is no verb of kit")
        verb, rest = verb.commands[rest[0]], rest[1:]
    return verb, rest


def takes_sample(words: list[str]) -> bool:
    """Whether the verb has the option --sample."""
    return words[0] == "kit" and any("--sample" in option.opts for option in verb_of(words)[0].params)


def around(words: list[str]) -> None:
    """What stands around kit: targets of the Makefile, extras of the package, the environment.

    Raises Mistake for one that does not exist.
    """
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
        if missing := [word for word in words[1:] if "=" not in word and word not in targets]:
            raise Mistake(f"the Makefile has no target {missing}")
    extras = re.search(r"\[([a-z,]+)\]", words[-1]) if words[0] in ("pip", "uv") else None
    if extras:
        package = configparser.ConfigParser(interpolation=None)
        package.read(ROOT / "setup.cfg")
        if missing := set(extras[1].split(",")) - set(package["options.extras_require"]):
            raise Mistake(f"the package has no extra {sorted(missing)}")
    if words[0] == "source" and words[1].startswith("<(kit"):
        understood([words[1][2:], *(word.rstrip(")") for word in words[2:])])
