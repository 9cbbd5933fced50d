"""The challenge's files to a Kaggle-style task, as a stream: memory holds a block of rows, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from kit.errors import KitError
from kit.rows import blocks

COLUMNS = ("title", "label_quality", "language", "category")
GIVEN = ("id", "title", "language")

BLOCK = 8 << 20
"""Bytes that are parsed at a time, about 110,000 rows."""

SCRAMBLE = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""Constants of SplitMix64. Source: Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014."""


def prepare(
    raw: Path,
    public: Path,
    private: Path,
    *,
    language: str = "",  # `spanish` or `portuguese`; both without it
    quality: str = "",  # `reliable` or `unreliable`; both without it
    rows: int = 0,  # so many rows, drawn at random; 0 takes all
    test: float = 0.2,  # share of the rows that are the test, where the raw files hold no test.csv
    most: int = 250_000,  # test rows at most; the challenge has 246,955
    seed: int = 0,
) -> None:
    """`train.csv` (id, title, language, label_quality, category), `test.csv` without category, `categories.txt`.

    Rows are those of `train.csv` or `train.csv.gz`, under their numbers there. Each number is scrambled with the seed;
    the rows of the smallest results are drawn, of these the smallest are the test. So a drawing does not hang on how
    the file is cut into blocks, and a smaller one is part of a larger one. Where `test.csv` lies beside, as in the
    challenge, its rows are the test. The same files and settings give the same bytes.

    Raises KitError where pyarrow is not installed, a file cannot be read or lacks a column, a row has no category, or
    no rows are left.
    """
    source = _source(raw)
    given = raw / "test.csv"
    wanted = {"language": language, "label_quality": quality}
    if not 0 < test < 1 or rows < 0 or most < 1:
        raise KitError(
            f"These settings leave no train or no test rows: rows={rows}, test={test}, most={most}.",
            "`test` is a share between 0 and 1, `rows` 0 or more, `most` 1 or more.",
        )
    smallest, count = _Smallest(max(rows, most)), 0
    for _, numbers in _kept(source, ("language", "label_quality"), wanted):
        smallest.add(_scrambled(numbers, seed))
        count += len(numbers)
    drawn = min(rows, count) if rows else count
    held = 0 if given.is_file() else min(most, round(test * drawn))
    if not drawn or drawn == held or (not held and not given.is_file()):
        raise KitError(
            f"Of {source.name} {drawn:,} rows are left, of which {held:,} would be the test.",
            f"Its rows must have {' and '.join(f'{k} {v!r}' for k, v in wanted.items() if v) or 'a title'}.",
        )
    last = smallest.bound(drawn) if rows else None
    categories, first = set[str](), ""
    with _Writer(public, private) as writer:
        for table, numbers in _kept(source, COLUMNS, wanted):
            luck = _scrambled(numbers, seed)
            chosen = np.ones(len(luck), bool) if last is None else luck <= last
            tested = luck <= smallest.bound(held) if held else np.zeros(len(luck), bool)
            train = _filtered(table, numbers, chosen & ~tested)
            writer.train(train)
            if held:
                writer.test(_filtered(table, numbers, chosen & tested))
            categories |= set(train["category"].unique().to_pylist())
        first = min(categories)
        if not held:
            writer.given(given, language)
        writer.sample(first)
    if "" in categories:
        raise KitError(f"{source.name} has rows without a category.", "Each training row needs one.")
    (public / "categories.txt").write_text("".join(f"{name}\n" for name in sorted(categories)), encoding="utf-8")


class _Smallest:
    """The smallest `count` of numbers that come in parts."""

    def __init__(self, count: int) -> None:
        self.count, self.parts, self.held = count, [np.zeros(0, np.uint64)], 0

    def add(self, numbers: np.ndarray) -> None:
        """Take in more numbers. At most twice `count` are kept, 8 bytes each."""
        self.parts.append(numbers)
        self.held += len(numbers)
        if self.held > 2 * self.count:
            self._cut()

    def bound(self, place: int) -> np.uint64:
        """The number at this place in ascending order, from 1 to `count`."""
        if len(self.parts) > 1:
            self._cut()
        return self.parts[0][place - 1]

    def _cut(self) -> None:
        whole = np.sort(np.concatenate(self.parts))[: self.count]
        self.parts, self.held = [whole], len(whole)


class _Writer:
    """The files of the task, written block by block: a context manager."""

    def __init__(self, public: Path, private: Path) -> None:
        self.public, self.private, self.stack = public, private, ExitStack()
        self.ids: list[np.ndarray] = []
        self.open: dict[str, Any] = {}

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def train(self, table: Any) -> None:
        self._write(self.public / "train.csv", table.select(["id", *_order(table), "category"]))

    def test(self, table: Any) -> None:
        """Test rows, whose categories go to the solution where they are known."""
        self.ids.append(table["id"].to_numpy())
        self._write(self.public / "test.csv", table.select(["id", *_order(table)]))
        if "category" in table.column_names:
            self._write(self.private / "solution.csv", table.select(["id", "category"]))

    def given(self, file: Path, language: str) -> None:
        """The rows of a test file that lies beside the train file."""
        for table, _ in _kept(file, GIVEN, {"language": language}):
            self.test(table)

    def sample(self, category: str) -> None:
        import pyarrow as pa

        for ids in self.ids:
            table = pa.table({"id": ids, "category": [category] * len(ids)})
            self._write(self.public / "sample_submission.csv", table)

    def _write(self, file: Path, table: Any) -> None:
        from pyarrow import csv

        if file.name not in self.open:
            self.open[file.name] = self.stack.enter_context(
                csv.CSVWriter(file, table.schema, write_options=csv.WriteOptions(quoting_style="needed"))
            )
        self.open[file.name].write(table)


def _order(table: Any) -> list[str]:
    return [name for name in ("title", "language", "label_quality") if name in table.column_names]


def _source(raw: Path) -> Path:
    """The file of the labelled rows. Raises KitError where there is none."""
    for name in ("train.csv", "train.csv.gz"):
        if (raw / name).is_file():
            return raw / name
    raise KitError(
        f"There is no train.csv and no train.csv.gz in {raw.name}.",
        f"It has the columns {','.join(COLUMNS)}.",
        "kit download meli-titles --from meli-challenge-2019-es.zip",
    )


def _kept(file: Path, columns: tuple[str, ...], wanted: dict[str, str]) -> Iterator[tuple[Any, np.ndarray]]:
    """Tables of the rows that have what is wanted, and their numbers in the file, counted from 1."""
    import pyarrow.compute as pc

    at = 0
    for batch in blocks.of(file, {name: int if name == "id" else str for name in columns}, size=BLOCK):
        numbers = np.arange(at + 1, at + 1 + len(batch), dtype=np.int64)
        at += len(batch)
        mask = np.ones(len(batch), bool)
        for name, value in wanted.items():
            if value and name in batch.schema.names:
                mask &= pc.equal(batch[name], value).to_numpy(zero_copy_only=False)
        yield batch if mask.all() else batch.filter(mask), numbers[mask]


def _filtered(table: Any, numbers: np.ndarray, chosen: np.ndarray) -> Any:
    """The chosen rows with their numbers in a column `id`."""
    import pyarrow as pa

    kept = pa.Table.from_batches([table if chosen.all() else table.filter(chosen)])
    return kept.append_column("id", pa.array(numbers[chosen]))


def _scrambled(numbers: np.ndarray, seed: int) -> np.ndarray:
    """A random-looking uint64 for each number, different ones for different numbers: SplitMix64."""
    add, first, second = (np.uint64(constant) for constant in SCRAMBLE)
    mixed = (numbers.astype(np.uint64) + np.uint64(seed) * np.uint64(1 << 40)) * add
    mixed = (mixed ^ (mixed >> np.uint64(30))) * first
    mixed = (mixed ^ (mixed >> np.uint64(27))) * second
    return mixed ^ (mixed >> np.uint64(31))
