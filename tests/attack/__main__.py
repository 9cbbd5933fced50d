"""`make attack`: a kill at each step that writes, then many inputs for each door. Ends with 1 when anything failed."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from tests.attack import driver, scenarios

FIGURES = Path(__file__).resolve().parents[2] / "benchmarks" / "attack.md"

HEAD = """\
# Attacks

What became of made-up inputs and of disturbed commands. `make attack` tries them; `{command}` wrote these figures.

## Inputs

A door is where something comes in that kit did not make. An input is refused in one sentence, or it survives: it was
well, or what was wrong with it was passed over, and a person was told. All else is a failure: a traceback, a file
outside of the workspace, half a folder, a status of 5xx, more than {longest:.0f} seconds. Seed {seed}, and at most
{memory:,.0f} MiB of memory.

{inputs}

## Commands

Each command is disturbed at the steps at which it writes, which an audit hook counts: it is killed before the step
(`kill -9`), from there on the disk is full, or one file cannot be written. The same command must then end right. A loss
is a command that does not: a submission that is sent twice or forgotten, a run that cannot be gone on with, half a
folder.

{commands}
"""


def main() -> int:
    """Run the attack and print its counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--inputs", type=int, default=60_000, help="inputs over all doors")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=20.0, help="time for all of it")
    parser.add_argument("--write", action="store_true", help="write the figures to benchmarks/attack.md")
    parser.add_argument("--part", choices=("inputs", "commands", "both"), default="both")
    said = parser.parse_args()
    warnings.simplefilter("ignore")  # of zipfile, for names that are twice in an archive
    # Commands first, before there are threads of an emulator, since they are forked.
    outcomes = [] if said.part == "inputs" else scenarios.matrix(seconds=24 * said.minutes)
    took = sum(outcome.seconds for outcome in outcomes)
    counts = (
        [] if said.part == "commands" else driver.everything(said.inputs, said.seed, seconds=60 * said.minutes - took)
    )
    for problem in [one.failure for one in counts if one.failure] + [loss for one in outcomes for loss in one.losses]:
        print(f"{problem}\n", file=sys.stderr)
    text = HEAD.format(
        command="python -m tests.attack --write" + f" --seed {said.seed}" * bool(said.seed),
        longest=driver.LONGEST,
        seed=said.seed,
        memory=driver.memory() / 2**20,
        inputs=driver.table(counts),
        commands=scenarios.table(outcomes),
    )
    print(text)
    if said.write:
        FIGURES.write_text(text, encoding="utf-8")
    return int(any(one.failed for one in counts) or any(one.losses for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
