"""Verbs that decide: ensemble, doctor, demo."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from kit.cli.words import as_json, dump, verb
from kit.notes import tell
from kit.words import table


def add(verbs: Any) -> None:
    """Declare the verbs."""
    found = verb(verbs, ensemble)
    found.add_argument("competition")
    found.add_argument("run", nargs="+", help="two or more runs with the same folds")
    found.add_argument("--method", default="hill-climb", help="mean, rank or hill-climb (default: %(default)s)")
    found.add_argument("--seed", type=int, default=0)
    as_json(found)

    found = verb(verbs, doctor)
    found.add_argument("--live", action="store_true", help="compare Kaggle with what kit assumes, by reading only")
    as_json(found)

    found = verb(verbs, demo)
    as_json(found)


def ensemble(args: argparse.Namespace) -> None:
    """Blend runs on their out-of-fold predictions; the blend is a run like any other.

    hill-climb finds non-negative weights by greedy selection with replacement, bagged (Caruana et al. 2004). Runs must
    share ids and folds.

    Example:
      kit ensemble digit-recognizer 20260105-143012-cnn 20260105-150101-vgg --method hill-climb
    """
    from kit.judge import ensemble as judge
    from kit.task import catalog
    from kit.train import runs

    entry = catalog.find(args.competition)
    members = [runs.find(entry.name, word) for word in args.run]
    entry = replace(entry, sample=members[0].plan.sample)
    found = judge.blend(entry, members, method=args.method, seed=args.seed)
    if args.json:
        return dump(found.run.facts())
    rows = [(run.name, f"{found.weights[run.name]:.3f}", f"{run.score:.5f}") for run in members]
    print(table(("run", "weight", "score"), [*rows, (found.run.name, "", f"{found.run.score:.5f}")]))
    print(f"{found.run.record.metric} {found.nested:.5f} when each fold's weights are found on the other folds")
    print(f"Run: {found.run.folder}")
    return None


def doctor(args: argparse.Namespace) -> int:
    """Check this machine and the way to Kaggle; each problem with its cure.

    Python, packages, places, disk and devices; with credentials also which of them is sent, whether Kaggle answers,
    rules, today's submissions and accelerator hours. --live asks Kaggle for everything that kit assumes of it, changes
    nothing, and prints a report to paste into an issue where an assumption is wrong.

    Example:
      kit doctor
      kit doctor --live > report.md
    """
    if args.live:
        return _live(args)
    from kit import doctor as checks

    found = checks.examine()
    if args.json:
        dump([line._asdict() for line in found])
    else:
        print(table(("", "what", "found"), [("ok" if line.well else "!!", line.what, line.found) for line in found]))
        for line in found:
            if line.cure:
                tell(f"{line.what}: {line.cure}")
    return 0 if all(line.well for line in found) else 1


def _live(args: argparse.Namespace) -> int:
    from kit.kaggle import health

    found = health.live()
    if args.json:
        dump([check._asdict() for check in found])
    else:
        print(health.report(found))
    wrong = sum(check.holds is False for check in found)
    tell(f"{wrong} of {len(found)} assumptions do not hold." if wrong else "Every assumption that could be seen holds.")
    return 1 if wrong else 0


def demo(args: argparse.Namespace) -> None:
    """Run the main job on the embedded sample: train, submit to an emulator of Kaggle, look at the leaderboard.

    Example:
      kit demo
    """
    from kit import demo as show

    found = show.demo()
    if args.json:
        return dump(found.rows)
    print(show.told(found))
    return None
