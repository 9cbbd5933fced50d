"""Runs a notebook with Jupyter, as Kaggle does: `python jupyter_runner.py NOTEBOOK DESCRIPTOR`.

What cells print appears as they print it. The notebook with its outputs is written to DESCRIPTOR, an open file, after
each cell. The first cell that fails ends the run with exit status 1. Sources: nbclient's documentation; Kaggle's logs
show nbconvert and papermill, which both execute through nbclient.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from traitlets.config import Config

MOST = 16 << 20
"""Characters of text output that the executed notebook keeps."""

PAUSE = 2.0
"""Seconds between two times that the executed notebook is written."""

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Client(NotebookClient):
    """A client that shows outputs when they come, and keeps no flood of them."""

    kept = 0

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        content, kind = msg["content"], msg["msg_type"]
        if kind == "stream":
            stream = sys.stderr if content["name"] == "stderr" else sys.stdout
            stream.write(content["text"])
            stream.flush()
            room = MOST - self.kept
            if room <= 0:
                return None
            content["text"] = content["text"][:room]
            self.kept += len(content["text"])
        elif kind == "error":
            print(COLOUR.sub("", "\n".join(content["traceback"])), file=sys.stderr, flush=True)
        return super().process_message(msg, cell, cell_index)


def read(path: str) -> Any:
    """The notebook in a file, also one that leaves out what the format asks for and Kaggle does not miss."""
    with open(path, encoding="utf-8") as file:
        told = json.load(file)
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    cells = []
    for cell in told["cells"]:
        source = cell.get("source", "")
        text = source if isinstance(source, str) else "".join(source)
        new = make.get(cell.get("cell_type"), nbformat.v4.new_raw_cell)
        cells.append(new(text, metadata=cell.get("metadata") or {}))
    return nbformat.v4.new_notebook(cells=cells, metadata=told.get("metadata") or {})


def connection() -> dict[str, str]:
    """How the notebook's Python is talked to: by sockets that are files, which nobody else can reach."""
    place = os.path.join(tempfile.gettempdir(), "jupyter")
    longest = 90  # bytes of such a path, by unix(7), less what Jupyter adds
    return {"transport": "ipc", "ip": place} if len(os.fsencode(place)) < longest else {}


def main(path: str, descriptor: int) -> int:
    """Execute the notebook in a file; the exit status."""
    book = read(path)
    written = 0.0

    def write(*, always: bool = False, **_: Any) -> None:
        nonlocal written
        if not always and time.monotonic() < written + PAUSE:
            return
        data = (nbformat.writes(book) + "\n").encode("utf-8", "replace")
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        written = time.monotonic()

    client = Client(
        book,
        config=Config(KernelManager=connection()),
        kernel_name="python3",
        timeout=None,
        startup_timeout=300,
        shutdown_kernel="immediate",
        on_cell_executed=write,
        resources={"metadata": {"path": os.getcwd()}},
    )
    try:
        # What libraries print past Python comes as messages too, and would be seen twice.
        client.execute(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except CellExecutionError:  # its traceback is shown already
        return 1
    except DeadKernelError:
        print("The notebook's Python has died: a crash, or no memory was left.", file=sys.stderr, flush=True)
        return 1
    finally:
        write(always=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
