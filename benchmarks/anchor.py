"""Bits a character that a compressor needs for the test texts of ag-news, behind all the others: PPMd of order 8.

    pip install pyppmd && kit download ag-news --from ag-news.zip && python -m benchmarks.anchor

It learns while it codes. What it needs for the test texts is the difference of two files: all texts, and train's.
"""

from __future__ import annotations

import csv
import time

from kit.task import catalog


def texts(file) -> list[str]:
    """The whole texts of a file with the columns text and rest."""
    with file.open(encoding="utf-8", newline="") as lines:
        return [row["text"] + row["rest"] for row in csv.DictReader(lines)]


def main() -> None:
    import pyppmd

    folder = catalog.find("ag-news").data
    train, test = texts(folder / "public" / "train.csv"), texts(folder / "private" / "texts.csv")
    before = "".join(f"{text}\n" for text in train).encode()
    behind = "".join(f"{text}\n" for text in test)
    print("| order | bits a character | seconds |\n| --- | --- | --- |")
    for order in (6, 8, 12):
        started = time.perf_counter()

        def size(data: bytes, order: int = order) -> int:
            return 8 * len(pyppmd.compress(data, max_order=order, mem_size=1 << 30))

        bits = size(before + behind.encode()) - size(before)
        print(f"| {order} | {bits / len(behind):.4f} | {time.perf_counter() - started:.1f} |", flush=True)


if __name__ == "__main__":
    main()
