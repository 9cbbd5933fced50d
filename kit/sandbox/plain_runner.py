"""Runs the code cells of a notebook in order, where Jupyter is not installed: `python plain_runner.py NOTEBOOK`.

`%%writefile`, `!` and `%%bash` work, other magics are passed over, and nothing is displayed. An exception ends the run.
"""

import json
import linecache
import subprocess
import sys


def shell(command: str) -> None:
    """A `!` line: its exit code is ignored, as IPython ignores it."""
    sys.stdout.flush()
    subprocess.run(command, shell=True, check=False)


def plain(line: str) -> str:
    """A line of a cell as Python."""
    start = line.lstrip()
    indent = line[: len(line) - len(start)]
    if start.startswith("!"):
        return f"{indent}__shell__({start[1:]!r})"
    return f"{indent}pass" if start.startswith("%") else line


def cells(path: str) -> list[str]:
    """The sources of a notebook's code cells."""
    with open(path, encoding="utf-8") as file:
        told = json.load(file)
    sources = (cell.get("source", "") for cell in told["cells"] if cell.get("cell_type") == "code")
    return [source if isinstance(source, str) else "".join(source) for source in sources]


def main(path: str) -> None:
    """Run the cells of the notebook in a file."""
    space: dict[str, object] = {"__name__": "__main__", "__shell__": shell}
    for number, cell in enumerate(cells(path), 1):
        first, _, rest = cell.partition("\n")
        if first.startswith("%%writefile "):
            words = first.split()
            with open(words[-1], "a" if "-a" in words else "w", encoding="utf-8") as file:
                file.write(rest if rest.endswith("\n") else rest + "\n")
            print(f"Writing {words[-1]}", flush=True)
        elif first.startswith(("%%bash", "%%sh")):
            subprocess.run(["sh", "-c", rest], check=True)
        else:
            text = rest if first.startswith("%%") else cell
            text = "\n".join(map(plain, text.split("\n")))
            name = f"<cell {number}>"
            linecache.cache[name] = (len(text), None, text.splitlines(True), name)
            exec(compile(text, name, "exec"), space)


if __name__ == "__main__":
    main(sys.argv[1])
