"""`make attack`: many inputs for each door, and a kill at each step that writes. Ends with 1 when anything failed."""

from __future__ import annotations

import argparse
import sys

from tests.attack import driver


def main() -> int:
    """Run the attack and print its counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__)
    parser.add_argument("--inputs", type=int, default=60_000, help="inputs over all doors")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=14.0, help="time for the inputs")
    parser.add_argument("--door", default="", help="only the doors with this in their name")
    said = parser.parse_args()
    counts = driver.everything(said.inputs, said.seed, seconds=60 * said.minutes, only=said.door)
    for one in counts:
        if one.failure:
            print(f"{one.door}\n{one.failure}\n", file=sys.stderr)
    print(driver.table(counts))
    print(f"\nSeed {said.seed}; at most {driver.memory() / 2**20:,.0f} MiB of memory.")
    return int(any(one.failed for one in counts))


if __name__ == "__main__":
    sys.exit(main())
