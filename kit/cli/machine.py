"""Verbs about this machine: doctor, demo."""

from __future__ import annotations

import click

from kit.cli.declaring import as_json, verb
from kit.cli.printing import dump, show
from kit.notes import tell


@verb()
@click.option("--live", is_flag=True, help="Compare Kaggle with what kit assumes, by reading only.")
@as_json
def doctor(live: bool, as_json: bool) -> int:
    """Check this machine and the way to Kaggle; each problem with its cure.

    Python, packages, places, disk and devices; with credentials also which of them is sent, whether Kaggle answers,
    rules, today's submissions and accelerator hours. --live asks Kaggle for everything that kit assumes of it, changes
    nothing, and prints a report to paste into an issue where an assumption is wrong.

    Example:
      kit doctor
      kit doctor --live > report.md
    """
    from kit.api import machine

    if live:
        return _live(as_json)
    diagnosis = machine.doctor()
    if as_json:
        dump(diagnosis.facts())
    else:
        show(diagnosis.table())
        for line in diagnosis:
            if line.cure:
                tell(f"{line.what}: {line.cure}")
    return 0 if diagnosis.well else 1


def _live(as_json: bool) -> int:
    from kit.api import machine
    from kit.kaggle import health

    checks = machine.assumptions()
    if as_json:
        dump(checks.facts())
    else:
        print(health.report(list(checks)))
    wrong = sum(check.holds is False for check in checks)
    tell(
        f"{wrong} of {len(checks)} assumptions do not hold." if wrong else "Every assumption that could be seen holds."
    )
    return 0 if checks.well else 1


@verb()
@as_json
def demo(as_json: bool) -> None:
    """Run the main job on the embedded sample: train, submit to an emulator of Kaggle, look at the leaderboard.

    Example:
      kit demo
    """
    from kit.api import machine
    from kit.demo import told

    shown = machine.demo()
    return dump(shown.facts()) if as_json else print(told(shown.shown))
