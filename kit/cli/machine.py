"""Verbs about this machine: doctor, demo."""

from __future__ import annotations

import click

from kit.cli.declaring import as_json, verb
from kit.cli.printing import dump, show
from kit.notes import tell


@verb()
@click.option("--live", is_flag=True, help="Compare Kaggle with what kit assumes about it; only reads.")
@as_json
def doctor(live: bool, as_json: bool) -> int:
    """Check this machine and the connection to Kaggle. Each problem is shown with its cure.

    kit looks at Python, packages, folders, disk and devices. If you have credentials, it also shows which of them is
    used, whether Kaggle answers, whether you have accepted the rules, and what is left of today's submissions and this
    week's accelerator hours. --live compares Kaggle with all that kit assumes about it. It only reads, and prints a
    report that you can paste into an issue if an assumption is wrong.

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
        f"{wrong} of {len(checks)} assumptions do not hold." if wrong else "All assumptions that could be checked hold."
    )
    return 0 if checks.well else 1


@verb()
@as_json
def demo(as_json: bool) -> None:
    """Try the whole way on the embedded sample: train, submit to an emulator of Kaggle, see the leaderboard.

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
