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
    from kit.doctor import doctor as examine

    if live:
        return _live(as_json)
    diagnosis = examine()
    if as_json:
        dump(diagnosis.facts())
    else:
        show(diagnosis.table())
        for line in diagnosis:
            if line.cure:
                tell(f"{line.what}: {line.cure}")
    return 0 if diagnosis.well else 1


def _live(as_json: bool) -> int:
    from kit.doctor import assumptions
    from kit.kaggle import health

    checks = assumptions()
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
    from kit.demo import COMPETITION
    from kit.demo import demo as run_demo

    scored = run_demo()
    if as_json:
        return dump(scored.facts())
    print()
    show(scored.table())
    print(f"\nYour place among {scored.board.teams} teams of the emulator, whose scores are made up:")
    show(scored.places())
    print("\nThe real thing:")
    print(f"  kit download {COMPETITION}            # or --from ~/Downloads/{COMPETITION}.zip, without credentials")
    print(f"  kit train {COMPETITION} {scored[0]['recipe']}")
    print(f"  kit submit {COMPETITION} --dry-run    # and without --dry-run when you like what you see")
    return None
