"""`make mutants`: small changes to the files that numbers depend on, each of which the tests beside it should notice.

A change turns a comparison, adds one to a number, negates a condition, or swaps `and` and `or`. Each is tried in a fork
of one process that has imported the packages, so that only kit and the tests are imported anew; no file is written.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.abc
import importlib.machinery
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "kit/task/metrics/__init__.py": ("tests/task/test_metrics.py",),
    "kit/task/metrics/for_labels.py": ("tests/task/test_metrics.py",),
    "kit/task/metrics/for_numbers.py": ("tests/task/test_metrics.py",),
    "kit/task/metrics/for_probabilities.py": ("tests/task/test_metrics.py",),
    "kit/task/metrics/for_ranks.py": ("tests/task/test_metrics.py",),
    "kit/task/splits.py": ("tests/task/test_splits.py",),
    "kit/task/outputs.py": ("tests/task/test_outputs.py", "tests/task/test_metrics.py"),
    "kit/task/submission.py": ("tests/task/test_submission.py",),
    "kit/task/lines.py": ("tests/task/test_submission.py", "tests/task/test_ids.py"),
    "kit/task/ids.py": ("tests/task/test_ids.py",),
    "kit/task/decisions.py": ("tests/task/test_decisions.py",),
    "kit/task/merging.py": ("tests/task/test_merging.py",),
    "kit/task/targets.py": ("tests/task/test_targets.py",),
    "kit/task/checks.py": ("tests/task/test_checks.py",),
    "kit/train/predictions.py": ("tests/train/test_predictions.py",),
    "kit/train/runs.py": ("tests/train/test_runs.py", "tests/train/test_loop.py"),
    "kit/train/record.py": ("tests/train/test_runs.py",),
    "kit/train/finish.py": ("tests/train/test_loop.py",),
    "kit/train/fold.py": ("tests/train/test_loop.py",),
    "kit/train/loop.py": ("tests/train/test_loop.py",),
    "kit/train/sweep.py": ("tests/train/test_sweep.py",),
    "kit/judge/choose.py": ("tests/judge/test_choose.py",),
    "kit/judge/ensemble.py": ("tests/judge/test_ensemble.py",),
    "kit/judge/contributions.py": ("tests/judge/test_contributions.py",),
    "kit/judge/noise.py": ("tests/judge/test_noise.py",),
    "kit/judge/compare.py": ("tests/judge/test_compare.py",),
    "kit/audit/labels.py": ("tests/audit/test_audit.py",),
    "kit/audit/order.py": ("tests/audit/test_audit.py",),
    "kit/audit/pairs.py": ("tests/audit/test_audit.py",),
    "kit/predict/models.py": ("tests/predict/test_files.py",),
    "kit/data/archives.py": ("tests/data/test_archives.py",),
    "kit/data/check.py": ("tests/data/test_check.py",),
    "kit/data/fetch.py": (
        "tests/data/test_fetch_killed.py",
        "tests/data/test_archives.py",
        "tests/kaggle/test_download.py",
    ),
    "kit/rows/csvs.py": ("tests/rows/test_csvs.py", "tests/data/test_check.py"),
    "kit/rows/cache.py": ("tests/rows/test_cache.py",),
    "kit/kaggle/ledger.py": ("tests/kaggle/test_ledger.py", "tests/kaggle/test_ledger_damaged.py"),
    "kit/emulator/grading.py": (
        *("tests/emulator/test_emulator_grading.py", "tests/emulator/test_emulator_submissions.py"),
    ),
}
"""Files that are changed, and the tests beside them."""

TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}

ENOUGH = 0.85
"""The share of changes that tests should notice."""

LONGEST = 120
"""Seconds for the tests of one change: one that makes them endless counts as noticed."""


class Mutant(NamedTuple):
    """A change: the file, its line, and which node of its program is changed, in the order of `ast.walk`."""

    file: str
    line: int
    at: int

    def program(self) -> tuple[ast.Module, str]:
        """The changed program, and what was changed."""
        tree = ast.parse((ROOT / self.file).read_text(encoding="utf-8"))
        node = next(node for place, node in enumerate(ast.walk(tree)) if place == self.at)
        what = _changed(node)
        return ast.fix_missing_locations(tree), what


def mutants(file: str) -> list[Mutant]:
    """Every change of a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return [Mutant(file, node.lineno, at) for at, node in enumerate(ast.walk(tree)) if _is_changed(node)]


def _is_changed(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in TURNED
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    return isinstance(node, ast.BoolOp) or (
        isinstance(node, (ast.If, ast.IfExp, ast.While)) and not isinstance(node.test, ast.Compare)
    )


def _changed(node: ast.AST) -> str:
    """Change a node; what was done."""
    before = ast.unparse(node.test if isinstance(node, (ast.If, ast.IfExp, ast.While)) else node)
    if isinstance(node, ast.Compare):
        node.ops[0] = TURNED[type(node.ops[0])]()
    elif isinstance(node, ast.Constant):
        node.value += 1
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return f"if {before} -> if not ({before})"
    return f"{before} -> {ast.unparse(node)}"


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the changed program in the place of its file."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.name = mutant.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> object:
        if name != self.name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        spec.loader = self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.program()[0], str(ROOT / self.mutant.file), "exec"), module.__dict__)


def noticed(mutant: Mutant | None, tests: Sequence[str]) -> bool:
    """Whether the tests fail with the change; without any, whether they fail at all."""
    child = os.fork()
    if not child:
        _run(mutant, tests)
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _run(mutant: Mutant | None, tests: Sequence[str]) -> None:
    status = 1
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        if mutant is not None:
            sys.meta_path.insert(0, _Changed(mutant))
        import pytest

        status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
    finally:
        os._exit(status)


def main() -> int:
    """Try a sample of changes, and print which of them no test noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--changes", type=int, default=160, help="how many are tried")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--file", default="", help="only the files with this in their path")
    said = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sys.dont_write_bytecode = True
    for name in ("numpy", "pandas", "pytest", "_pytest.assertion", "sklearn.model_selection", "matplotlib.pyplot"):
        __import__(name)
    until = time.monotonic() + 60 * said.minutes
    pool = [mutant for file in NEIGHBOURS if said.file in file for mutant in mutants(file)]
    chosen = random.Random(said.seed).sample(pool, min(said.changes, len(pool)))
    well: dict[tuple[str, ...], bool] = {}
    tried, unnoticed = 0, 0
    for mutant in sorted(chosen, key=lambda one: (one.file, one.line)):
        tests = NEIGHBOURS[mutant.file]
        if tests not in well and not well.setdefault(tests, not noticed(None, tests)):
            print(f"left out, since they fail without any change: {' '.join(tests)}", flush=True)
        if not well[tests] or time.monotonic() > until:
            continue
        tried += 1
        if not noticed(mutant, tests):
            unnoticed += 1
            print(f"not noticed: {mutant.file}:{mutant.line}  {mutant.program()[1]}", flush=True)
    share = 1 - unnoticed / max(1, tried)
    print(
        f"{tried - unnoticed} of {tried} changes were noticed, {share:.1%}; there are {len(pool):,}. Seed {said.seed}."
    )
    return int(share < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
