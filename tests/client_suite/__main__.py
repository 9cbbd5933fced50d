"""Runs the official client's suites, unmodified, against the emulator; the exit status says whether all passed."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.emulator.local import Emulator, running
from kit.sandbox import walls
from tests.client_suite import expected, sdist, seed
from tests.client_suite.expected import Line, Outcome

BACKEND = """
import json, time, unittest
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 1))  # the suite waits 30 s a push for Kaggle's own pace
result = unittest.main("backend_tests", verbosity=2, argv=["backend_tests"], exit=False).result
failed = [str(test) for test, _ in result.failures + result.errors + result.expectedFailures]
outcome = {
    "ran": result.testsRun,
    "failed": failed + [str(test) for test in result.unexpectedSuccesses],
    "skipped": [str(test) for test, _ in result.skipped],
}
with open("outcome.json", "w") as file:
    json.dump(outcome, file)
"""


def main() -> int:
    """Run both suites, or one."""
    asked = argparse.ArgumentParser(prog="python -m tests.client_suite", description=main.__doc__)
    asked.add_argument("suite", nargs="?", choices=("backend", "commands"), help="default: both")
    suite = asked.parse_args().suite
    sources = sdist.fetch()
    problems = []
    if suite != "commands":
        problems += backend(sources)
    if suite != "backend":
        problems += commands(sources)
    for problem in problems:
        print(f"WRONG: {problem}")
    return 1 if problems else 0


def backend(sources: Path) -> list[str]:
    """Run `tests/backend/backend_tests.py`; how its outcome differs from what it must be."""
    with _seeded(sources) as (emulator, folder):
        shutil.copytree(sources / "tests" / "backend", folder / "backend")
        outcome, printed = run_tests(folder / "backend", _environment(emulator))
    problems = expected.wrong_tests(outcome)
    if problems:
        print(printed[-12_000:])
    skipped = len(outcome.skipped)
    print(
        f"backend_tests.py of kaggle {sdist.installed()}: {outcome.passed} of {outcome.ran} pass, {skipped} are skipped"
    )
    return problems


def run_tests(folder: Path, environment: dict[str, str]) -> tuple[Outcome, str]:
    """Run `backend_tests.py` of a folder in a process of its own: the outcome, and what was printed.

    A process that ends before its tests have ended has run none.
    """
    done = subprocess.run(
        [sys.executable, "-c", BACKEND],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    written = folder / "outcome.json"
    return Outcome(**json.loads(written.read_text())) if written.is_file() else Outcome(), done.stdout


def commands(sources: Path) -> list[str]:
    """Run every line of `tests/test_commands.sh`; how its results differ from what they must be."""
    script = (sources / "tests" / "test_commands.sh").read_text().splitlines()
    called = [line for line in script if line.startswith("kaggle ")]
    with _seeded(sources) as (emulator, folder):
        for name in ("kernel", "dataset"):
            (folder / "tests" / name).mkdir(parents=True)
        shutil.copy(sources / "tests" / "backend" / "dataset" / "data.csv", folder / "tests" / "dataset")
        recorded = folder / "recorded"
        recorded.mkdir()
        text = "\n".join(["sleep() { :; }", "RAN=0", *map(_recorded, script)]) + "\n"
        (folder / "script.sh").write_text(text)
        subprocess.run(
            ["bash", "script.sh"],
            cwd=folder,
            env=_environment(emulator) | {"KAGGLE_DEVELOPER": seed.USER},
            capture_output=True,
            check=False,
            timeout=900,
        )
        # A script that ends early leaves lines without a status: they did not run.
        lines = [
            Line(command, int((recorded / f"{number}.status").read_text()), (recorded / str(number)).read_text())
            for number, command in enumerate(called, 1)
            if (recorded / f"{number}.status").is_file()
        ]
    problems = expected.wrong_lines(lines)
    for line in lines:
        if problems and line.status and line.command not in expected.IN_THE_CLIENT:
            print(f"$ {line.command}", line.printed[-2000:], sep="\n")
    passed = sum(line.status == 0 for line in lines)
    print(f"test_commands.sh of kaggle {sdist.installed()}: {passed} of {len(lines)} lines pass")
    for command, (reason, _) in expected.IN_THE_CLIENT.items():
        print(f"  fails in the client: {command}: {reason}")
    return problems


def _recorded(line: str) -> str:
    """A line of the script that keeps the output and exit status of the client, whose questions are answered `no`."""
    if not line.startswith("kaggle "):
        return line
    output = "" if ">" in line else " >> recorded/$RAN"
    return (
        f"RAN=$((RAN + 1))\n: > recorded/$RAN\n{line}{output} 2>> recorded/$RAN <<< no\necho $? > recorded/$RAN.status"
    )


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
