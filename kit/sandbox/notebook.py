"""A notebook as a script that plain Python runs: no Jupyter is needed to run what was pushed."""

from __future__ import annotations

import json

_RUNNER = '''\
"""Runs the code cells of a notebook in order; an exception ends the run, as on Kaggle."""
import json, linecache, subprocess, sys

CELLS = json.loads({cells!r})


def shell(command):
    """A `!` line: its exit code is ignored, as IPython ignores it."""
    sys.stdout.flush()
    subprocess.run(command, shell=True, check=False)


def plain(line):
    start = line.lstrip()
    indent = line[: len(line) - len(start)]
    if start.startswith("!"):
        return f"{{indent}}__shell__({{start[1:]!r}})"
    return f"{{indent}}pass" if start.startswith("%") else line


space = {{"__name__": "__main__", "__shell__": shell}}
for number, cell in enumerate(CELLS, 1):
    first, _, rest = cell.partition("\\n")
    if first.startswith("%%writefile "):
        words = first.split()
        with open(words[-1], "a" if "-a" in words else "w", encoding="utf-8") as file:
            file.write(rest if rest.endswith("\\n") else rest + "\\n")
        print(f"Writing {{words[-1]}}", flush=True)
    elif first.startswith(("%%bash", "%%sh")):
        subprocess.run(["sh", "-c", rest], check=True)
    else:
        if first.startswith("%%"):
            cell = rest
        cell = "\\n".join(map(plain, cell.split("\\n")))
        name = f"<cell {{number}}>"
        linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)
        exec(compile(cell, name, "exec"), space)
'''


def script(text: str) -> str:
    """The script that runs the code cells of a notebook: `%%writefile`, `!` and `%%bash` work, other magics are
    passed over.

    Raises ValueError for what is no notebook.
    """
    told = json.loads(text)
    if not isinstance(told, dict) or not isinstance(told.get("cells"), list):
        raise ValueError("not a notebook: it has no cells")
    cells = []
    for cell in told["cells"]:
        if cell.get("cell_type") == "code":
            source = cell.get("source", "")
            cells.append(source if isinstance(source, str) else "".join(source))
    return _RUNNER.format(cells=json.dumps(cells))
