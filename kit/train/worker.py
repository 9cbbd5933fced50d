"""A process that fits folds for another one: `python -m kit.train.worker DESCRIPTOR`.

It is told a run's folder and the number of a fold on its standard input, a JSON list a line. It tells on the descriptor
what it does, a JSON object a line: `{"fold", "done", "of", "figures"}` for a step, `{"finished"}` for a fold,
`{"error"}` for a KitError.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from kit import notes
from kit.errors import KitError
from kit.train.fold import fit_fold


def main(descriptor: int) -> None:
    """Fit folds until standard input ends, which is when the other process wants it, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the other process decides
    notes.show()
    wanted: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            wanted.put(tuple(json.loads(line)))
        os._exit(0)  # in the midst of a fold, too: files are whole or absent

    os.set_inheritable(descriptor, False)  # its end tells that this process is gone, and not one that it has started
    threading.Thread(target=listen, daemon=True).start()
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:

        def tell(**said: Any) -> None:
            out.write(json.dumps(said) + "\n")
            out.flush()

        def show(fold: str, done: int, of: int, figures: dict[str, float], row: str = "") -> None:
            tell(fold=fold, done=done, of=of, figures=figures)

        while True:
            folder, number = wanted.get()
            try:
                fit_fold(Path(folder), number, show)
            except KitError as error:
                tell(error={"wrong": error.wrong, "right": error.right, "cure": error.cure})
            else:
                tell(finished=number)


if __name__ == "__main__":
    main(int(sys.argv[1]))
