"""Every recipe's kernel on the embedded sample, in environments of Kaggle's images: the table in kernels/README.md.

    python -m benchmarks.kernel_images [--image KIND ...] [COMPETITION ...]

Each kernel is rehearsed as `kit kernel rehearse --image KIND` does it: two folds, one epoch, no network, with the
wheels that the image lacks. A cell is the seconds that this took, or why the kernel is refused before a push. The table
is written anew after each kernel; what is not asked for keeps the cell that it has. "as cpu" stands where the GPU image
has the same packages in the same versions: without a GPU nothing else would differ.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit import places
from kit.api import kernel
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
WHY = {"imports tensorflow": "refused: tf_keras", "neither Keras nor JAX": "refused: no Keras"}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("competition", nargs="*")
    words.add_argument("--image", action="append", choices=KINDS)
    args = words.parse_args()
    rows = _read()
    for kind in args.image or KINDS:
        for entry in catalog.entries(sample=True):
            if args.competition and entry.name not in args.competition:
                continue
            for name in entry.recipes:
                row = rows.setdefault((entry.name, name), dict.fromkeys(HEADER[2:], ""))
                row[kind], row["wheels"] = _cell(entry, name, kind, row["wheels"])
                print(f"{entry.name} {name} {kind}: {row[kind]} (load {os.getloadavg()[0]:.1f})", flush=True)
                _write(rows)


def _cell(entry: Entry, name: str, kind: str, before: str) -> tuple[str, str]:
    """How the recipe's kernel went in an image, and the packages that travel as wheels."""
    recipe, image = entry.recipes[name], images.known(kind)
    plan = Plan(entry.name, name, "", recipe.resolve(smoke=True), sample=True)
    try:
        text = notebook.build(entry, plan, accelerators.find(KINDS[kind]).kind)
    except KitError as error:
        return next((short for part, short in WHY.items() if part in error.wrong), error.wrong), before
    lacking = notebook.lacking(text)
    if kind == "gpu" and before and _same(text):
        return "as cpu", before
    described: dict[str, Any] = metadata.first(entry, plan, accelerators.find(KINDS[kind]))
    described["dataset_sources"] = wheels.attached(described["dataset_sources"], lacking, metadata.USER)
    fetch.sample(entry)
    inputs = rehearsal.local_inputs(entry, described, extra=kernel.attached(text, described))
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
    rows = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else ():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == len(HEADER) and cells[0] in catalog.names():
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
    main()
