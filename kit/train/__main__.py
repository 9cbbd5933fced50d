"""Finish one run in a process of its own: `python -m kit.train RUN_FOLDER`, as a sweep starts it for each cell."""

from __future__ import annotations

import sys
from pathlib import Path

from kit import notes
from kit.errors import KitError
from kit.task import catalog
from kit.train import loop, runs, tracking


def main(folder: Path) -> int:
    """Train the run in `folder` to its end, after any other process that works on it; the exit status."""
    notes.show()
    try:
        run = runs.at(folder)
        with tracking.following(run):
            loop.train(catalog.find(run.plan.competition), run, wait=True)
    except KitError as error:
        print(f"kit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
