"""Every recipe's kernel on the embedded sample, in environments of Kaggle's images: the table in kernels/README.md.

    python -m benchmarks.kernel_images [--image KIND ...] [--most N] [--again] [COMPETITION[/RECIPE] ...]

Each kernel is rehearsed as `kit kernel rehearse --image KIND` does it: two folds, one epoch, no network, with the
wheels that the image lacks. A cell is the seconds that this took, or why the kernel is refused before a push. "as cpu"
stands where the GPU image has the same packages in the same versions: without a GPU nothing else would differ.

The table is written after each kernel, so that the command goes on where it was stopped: it tries what has no cell yet,
or failed; `--again` tries all that is named. Rows of recipes that are gone are left out. `--most` is how many kernels
are rehearsed before it ends, for machines that are shared; cells that need no rehearsal are written all the same. The
exit status is 1 while cells are empty or a kernel fails.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit import places
from kit.api import kernel_steps
from kit.data import fetch
from kit.errors import KitError
from kit.kaggle.kernel import accelerators, metadata, notebook, rehearsal, wheels
from kit.sandbox import environments, images
from kit.task import catalog
from kit.task.catalog import Entry
from kit.train.runs import Plan

TABLE = places.KIT.parent / "kernels" / "README.md"
KINDS = {"cpu": "cpu", "gpu": "t4", "tpu": "tpu"}
HEADER = ("competition", "recipe", "wheels", *KINDS)
WHY = {
    "tf_keras": "refused: tf_keras",
    "imports tensorflow": "refused: tf.*",
    "neither Keras nor JAX": "refused: no Keras",
}


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("named", nargs="*", metavar="COMPETITION[/RECIPE]")
    words.add_argument("--image", action="append", choices=KINDS)
    words.add_argument("--most", type=int)
    words.add_argument("--again", action="store_true")
    args = words.parse_args()
    rows, rehearsed = _read(), 0
    wanted = [
        (entry, name, kind)
        for kind in args.image or KINDS
        for entry in catalog.entries(sample=True)
        for name in entry.recipes
        if not args.named or {entry.name, f"{entry.name}/{name}"} & set(args.named)
    ]
    for entry, name, kind in wanted:
        row = rows[entry.name, name]
        if not args.again and _answered(row[kind]):
            continue
        text = _built(entry, name, kind)
        if text.startswith("refused"):
            row[kind] = text
        elif kind == "gpu" and row["cpu"].endswith(" s") and _same(text):
            row[kind] = "as cpu"
        elif rehearsed == args.most:
            continue
        else:
            rehearsed += 1
            row[kind], row["wheels"] = _cell(entry, name, kind, text, row["wheels"])
        print(f"{entry.name} {name} {kind}: {row[kind]} (load {os.getloadavg()[0]:.1f})", flush=True)
        _write(rows)
    return int(not all(_answered(rows[entry.name, name][kind]) for entry, name, kind in wanted))


def _answered(cell: str) -> bool:
    return bool(cell) and not cell.startswith("fails")


def _built(entry: Entry, name: str, kind: str) -> str:
    """The recipe's notebook for an image, or why it is refused before a push: a word that begins with "refused"."""
    try:
        return notebook.build(entry, _plan(entry, name), accelerators.find(KINDS[kind]).kind)
    except KitError as error:
        return next((short for part, short in WHY.items() if part in error.wrong), f"refused: {error.wrong}")


def _plan(entry: Entry, name: str) -> Plan:
    return Plan(entry.name, name, "", entry.recipes[name].resolve(smoke=True), sample=True)


def _cell(entry: Entry, name: str, kind: str, text: str, before: str) -> tuple[str, str]:
    """How the recipe's kernel went in an image, and the packages that travel as wheels."""
    image, plan = images.known(kind), _plan(entry, name)
    lacking = notebook.lacking(text)
    described: dict[str, Any] = metadata.first(entry, plan, accelerators.find(KINDS[kind]))
    described["dataset_sources"] = wheels.attached(described["dataset_sources"], lacking, metadata.USER)
    fetch.sample(entry)
    inputs = rehearsal.local_inputs(entry, described, extra=kernel_steps.attached(text, described))
    started = time.monotonic()
    try:
        rehearsal.rehearse(replace(entry, sample=True), text, described, inputs, echo=lambda line: None, image=image)
    except KitError as error:
        return f"fails: {error.right.splitlines()[-1].strip(' |')[:60]}", before
    return f"{time.monotonic() - started:.0f} s", ", ".join(sorted({*lacking.values()})) or "none"


def _same(text: str) -> bool:
    """Whether a notebook has the same packages in the same versions on the GPU image as on that without one."""
    cpu, gpu = images.known("cpu"), images.known("gpu")
    installed = environments.installed(environments.of(cpu, text))
    return all(cpu.packages.get(name) == gpu.packages.get(name) for name in installed)


def _read() -> dict[tuple[str, str], dict[str, str]]:
    """The cells of the table for each recipe that there is, empty ones where it has none yet."""
    known = [(entry.name, name) for entry in catalog.entries(sample=True) for name in entry.recipes]
    rows = {key: dict.fromkeys(HEADER[2:], "") for key in known}
    for line in TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else ():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == len(HEADER) and (cells[0], cells[1]) in rows:
            rows[cells[0], cells[1]] = dict(zip(HEADER[2:], cells[2:], strict=True))
    return rows


def _write(rows: dict[tuple[str, str], dict[str, str]]) -> None:
    lines = [f"| {' | '.join(HEADER)} |", "| --- | --- | --- | ---: | ---: | ---: |"]
    lines += [f"| {' | '.join([*key, *row.values()])} |" for key, row in sorted(rows.items())]
    text = TABLE.read_text(encoding="utf-8")
    table = "\n".join(lines) + "\n"
    with places.whole(Path(TABLE)) as part:
        part.write_text(re.sub(r"(?m)(^\| .*\n)+", lambda match: table, text, count=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
