"""Each kernel of kernels/ rehearsed on the embedded sample: how long `kit kernel rehearse` takes, and how much memory.

    python -m benchmarks.rehearsal [KERNEL ...]

The notebooks are built from today's files. Imported encoders are taken from data/encoders; where a kernel attaches
models of Kaggle that are not here, the parts of `minilm-l6-h384-uncased` stand in for them. Processor seconds are those
of the kernels and of this process together.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from dataclasses import replace

from kit import places
from kit.kaggle.kernel import metadata, notebook, rehearsal
from kit.task import catalog

STAND_IN = "minilm-l6-h384-uncased"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("kernel", nargs="*")
    words.add_argument("--verbose", action="store_true", help="print what the kernels print")
    args = words.parse_args()
    folders = sorted(places.kernels().glob(f"*/{notebook.FILE}"))
    for file in folders:
        if args.kernel and file.parent.name not in args.kernel:
            continue
        plan = notebook.plan(file.read_text(encoding="utf-8"), file)
        entry = replace(catalog.find(plan.competition), sample=True)
        described = metadata.read(file.parent)
        models = {
            ref: places.encoders() / STAND_IN / ("preprocess" if "preprocess" in ref else "encoder")
            for ref in described.get("model_sources", [])
        }
        inputs = rehearsal.local_inputs(entry, described, extra=models)
        echo = print if args.verbose else lambda line: None
        text = notebook.build(replace(entry, sample=False), plan)
        load, before, started = os.getloadavg()[0], _processor(), time.monotonic()
        results = rehearsal.rehearse(entry, text, described, inputs, echo=echo)
        wall, processor = time.monotonic() - started, _processor() - before
        parts = " ".join(f"{one.layout} {one.seconds:.1f} s {one.memory / 2**20:.0f} MiB" for one in results)
        print(f"{file.parent.name}: {wall:.1f} s, processor {processor:.1f} s, load {load:.1f}; {parts}", flush=True)


def _processor() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


if __name__ == "__main__":
    main()
