"""Runs the official client's suites, unmodified, against the emulator; the exit status says whether all passed."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.emulator.local import Emulator, running
from kit.sandbox import walls
from tests.client_suite import sdist, seed

BACKEND = """
import time, unittest
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 1))  # the suite waits 30 s a push for Kaggle's own pace
unittest.main("backend_tests", verbosity=2, argv=["backend_tests"])
"""

IN_THE_CLIENT = {
    "kaggle d list --size 10": "--size is deprecated: the client refuses before it sends anything",
    "kaggle m get -p tmp $KAGGLE_DEVELOPER/test-model": "the client cannot write the datetime it received as JSON",
    "kaggle c pages titanic": "the client's argparse takes `titanic` for a subcommand",
    "kaggle c pages titanic -v -q": "the client's argparse takes `titanic` for a subcommand",
    "kaggle c pages titanic --page-name rules --content": "the client's argparse takes `titanic` for a subcommand",
    "kaggle c pages list titanic --page-name rules": "the client's argparse takes `titanic` for a subcommand",
}
"""Command lines that fail before or after the server has its say, and why."""


def main() -> int:
    """Run both suites, or one."""
    asked = argparse.ArgumentParser(prog="python -m tests.client_suite", description=main.__doc__)
    asked.add_argument("suite", nargs="?", choices=("backend", "commands"), help="default: both")
    suite = asked.parse_args().suite
    sources = sdist.fetch()
    failed = 0
    if suite != "commands":
        failed += backend(sources)
    if suite != "backend":
        failed += commands(sources)
    return 1 if failed else 0


def backend(sources: Path) -> int:
    """Run `tests/backend/backend_tests.py`; the number of tests that failed."""
    with _seeded(sources) as (emulator, folder):
        shutil.copytree(sources / "tests" / "backend", folder / "backend")
        done = subprocess.run(
            [sys.executable, "-c", BACKEND],
            cwd=folder / "backend",
            env=_environment(emulator),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    ran = re.search(r"^Ran (\d+) tests? in ([\d.]+)s$", done.stderr, re.M)
    bad = re.findall(r"^(?:FAIL|ERROR): (\w+)", done.stderr, re.M)
    skipped = len(re.findall(r"\.\.\. skipped", done.stderr))
    if ran is None or bad:
        print(done.stdout[-4000:], done.stderr[-8000:], sep="\n")
    count = int(ran[1]) if ran else 0
    print(
        f"backend_tests.py of kaggle {sdist.VERSION}: {count - len(bad) - skipped} of {count} pass, {skipped} skipped"
    )
    return len(bad) if ran else 1


def commands(sources: Path) -> int:
    """Run every line of `tests/test_commands.sh`; the number of lines that failed without a known reason."""
    lines = (sources / "tests" / "test_commands.sh").read_text().splitlines()
    with _seeded(sources) as (emulator, folder):
        for name in ("kernel", "dataset"):
            (folder / "tests" / name).mkdir(parents=True)
        shutil.copy(sources / "tests" / "backend" / "dataset" / "data.csv", folder / "tests" / "dataset")
        script = folder / "script.sh"
        script.write_text("\n".join(["sleep() { :; }", *map(_recorded, lines)]) + "\n")
        subprocess.run(
            ["bash", str(script)],
            cwd=folder,
            env=_environment(emulator) | {"KAGGLE_DEVELOPER": seed.USER},
            capture_output=True,
            check=False,
            timeout=900,
        )
        results = (folder / "results").read_text().splitlines()
        printed = (folder / "printed").read_text()
    wrong = []
    for line in results:
        status, _, command = line.partition(" ")
        if (status != "0") != (command in IN_THE_CLIENT):
            wrong.append(line)
    passed = sum(line.startswith("0 ") for line in results)
    if wrong:
        print(printed[-8000:])
    for line in wrong:
        print(f"unexpected exit status {line}")
    print(f"test_commands.sh of kaggle {sdist.VERSION}: {passed} of {len(results)} lines pass")
    for command, reason in IN_THE_CLIENT.items():
        print(f"  fails in the client: {command}: {reason}")
    return len(wrong)


def _recorded(line: str) -> str:
    """A line of the script, with the exit status of the client noted; the client's questions are answered `no`."""
    if not line.startswith("kaggle "):
        return line
    quoted = line.replace("'", "'\\''")
    into = "" if ">" in line else " >> printed"
    return f"echo '$ {quoted}' >> printed\n{line}{into} 2>> printed <<< no\necho \"$? \"'{quoted}' >> results"


@contextmanager
def _seeded(sources: Path) -> Iterator[tuple[Emulator, Path]]:
    kernels = "sandbox" if walls.available() else "unsafe"  # the suites' own notebooks are harmless
    with tempfile.TemporaryDirectory(prefix="client-suite-") as name:
        folder = Path(name)
        hosted = seed.competitions(folder / "hosted", sources)
        with running(hosted, user=seed.USER, kernels=kernels) as emulator:
            seed.fill(emulator, sources)
            (folder / "work").mkdir()
            yield emulator, folder / "work"


def _environment(emulator: Emulator) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("KAGGLE_")}
    return kept | emulator.env | {"PATH": path}


if __name__ == "__main__":
    raise SystemExit(main())
