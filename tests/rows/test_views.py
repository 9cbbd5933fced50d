"""Selections of rows: what they give, and that they copy nothing."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kit.rows import views
from kit.rows.clips import Clips
from kit.rows.views import Rows
from kit.task.contract import Data

WAVES = [np.full(3, number, np.int16) for number in range(6)]
STORES = {
    "array": lambda: np.arange(6) * 10,
    "images": lambda: np.arange(24).reshape(6, 2, 2) * 10,
    "table": lambda: pd.DataFrame({"a": np.arange(6) * 10}, index=list("uvwxyz")),
    "column": lambda: pd.Series(np.arange(6) * 10, index=[9, 8, 7, 6, 5, 4]),
    "texts": lambda: [str(number * 10) for number in range(6)],
    "files": lambda: tuple(Path(f"{number * 10}.png") for number in range(6)),
    "clips": lambda: Clips.of(WAVES, 8000),
}


def plain(batch: object) -> list:
    """A batch or a row as lists."""
    if isinstance(batch, (pd.DataFrame, pd.Series)):
        return batch.to_numpy().tolist()
    if isinstance(batch, Clips):
        return [wave.tolist() for wave in batch]
    return batch.tolist() if isinstance(batch, np.ndarray) else [*batch]


@pytest.fixture(params=STORES)
def store(request):
    """Six rows of each kind."""
    return STORES[request.param]()


@pytest.mark.parametrize(
    "index",
    [
        slice(None),
        slice(2, 5),
        slice(-2, None),
        slice(4, 2),
        slice(None, None, 2),
        slice(None, None, -1),
        slice(5, 1, -2),
        slice(2, 99),
        [0, 1, 2],
        [4, 0, 4],
        [-1, -6],
        [],
        np.array([], float),
        np.array([3], np.uint8),
        np.array([True, False, True, False, False, True]),
        [False] * 6,
        np.arange(6) > 2,
    ],
    ids=str,
)
def test_a_selection_gives_the_rows_that_an_array_would_give(store, index):
    wanted = np.arange(6)[np.asarray(index, int) if len_of(index) == 0 else index]
    chosen = Rows(store)[index]
    everything = plain(store)
    assert chosen.numbers.tolist() == wanted.tolist()
    assert chosen.numbers.dtype == np.int64
    assert len(chosen) == len(wanted)
    assert plain(chosen.take()) == [everything[at] for at in wanted]
    assert plain(Rows(store).take(index)) == [everything[at] for at in wanted]
    assert [plain_row(row) for row in chosen] == [plain_row(Rows(store)[int(at)]) for at in wanted]


def len_of(index: object) -> int:
    """How many entries an index has; 1 for a slice."""
    return 1 if isinstance(index, slice) else len(index)


def plain_row(row: object) -> object:
    """One row as something to compare."""
    return row.tolist() if isinstance(row, (np.ndarray, pd.Series)) else row


@pytest.mark.parametrize("first", [slice(1, 6), slice(None, None, -1), [5, 0, 3, 1, 2], np.arange(6) > 0], ids=str)
@pytest.mark.parametrize(
    "second", [slice(1, 4), slice(None, None, 2), [2, -1, 0], np.array([1, 0, 1, 0, 1]) > 0], ids=str
)
def test_a_selection_of_a_selection_gives_what_an_array_would_give(store, first, second):
    wanted = np.arange(6)[first]
    second = np.resize(second, len(wanted)) if isinstance(second, np.ndarray) else second
    chosen = Rows(store)[first][second]
    assert chosen.store is store
    assert chosen.numbers.tolist() == wanted[second].tolist()
    assert plain(chosen.take()) == [plain(store)[at] for at in wanted[second]]


@pytest.mark.parametrize("number", [0, 5, -1, -6, np.int64(3), np.uint8(2)])
def test_one_row_is_the_stores_own(store, number):
    row = Rows(store)[number]
    assert plain_row(row) == plain_row(Rows(store)[[number]][0])
    wanted = store.iloc[number] if hasattr(store, "iloc") else store[int(number)]
    assert plain_row(row) == plain_row(wanted)


@pytest.mark.parametrize("chosen", [slice(None), slice(1, 4), [3, 1, 2]], ids=str)
def test_rows_that_are_not_there_are_an_index_error(store, chosen):
    rows = Rows(store)[chosen]
    for number in (len(rows), -len(rows) - 1, 99):
        with pytest.raises(IndexError):
            rows[number]
        with pytest.raises(IndexError):
            rows[[0, number]]
    for mask in ([True], [True] * 7, np.ones((len(rows), 1), bool)):
        with pytest.raises(IndexError):
            rows[np.array(mask)]
    with pytest.raises(IndexError):
        rows[np.array([0.5])]


def test_rows_of_nothing_are_empty():
    rows = Rows(np.zeros((0, 3)))
    assert (len(rows), list(rows), rows.take().shape) == (0, [], (0, 3))
    assert rows[:0].take().shape == rows[[]].take().shape == rows[np.zeros(0, bool)].take().shape == (0, 3)


def test_rows_stay_rows_and_batches_stay_batches():
    array = np.arange(3)
    rows = views.of(array)
    assert views.of(rows) is rows
    assert views.batch(rows).tolist() == [0, 1, 2]
    assert views.batch(array) is array


@pytest.mark.parametrize("index", [slice(None), slice(2, 5), [2, 3, 4], np.arange(6) > 3, [4]], ids=str)
def test_rows_in_order_are_taken_without_a_copy_and_cannot_be_written_to(index):
    array = np.arange(24.0).reshape(6, 4)
    taken = Rows(array)[index].take()
    assert np.shares_memory(taken, array)
    with pytest.raises(ValueError, match="read-only"):
        taken[0] = 7
    array[0] = 7  # the store itself is left as it was


def test_other_rows_are_a_copy_that_is_the_recipes_own():
    array = np.arange(24.0).reshape(6, 4)
    taken = Rows(array)[[4, 0]].take()
    taken[:] = 7
    assert array.tolist() == np.arange(24.0).reshape(6, 4).tolist()


def test_a_recipe_that_changes_its_table_leaves_the_rows_of_other_folds_alone():
    table = pd.DataFrame({"a": [1, 2, 3]})
    taken = Rows(table)[[0, 1]].take()
    taken["b"] = 7
    taken.iloc[0, 0] = 7
    assert table.to_dict("list") == {"a": [1, 2, 3]}


LARGE = {
    "array": lambda: np.zeros((200_000, 100), np.uint8),
    "table": lambda: pd.DataFrame(np.zeros((200_000, 100), np.uint8)),
    "texts": lambda: ["x" * 100] * 200_000,
    "files": lambda: (Path("x.png"),) * 200_000,
    "clips": lambda: Clips(
        np.zeros(20_000_000, np.int16), np.arange(200_000) * 100, np.full(200_000, 100, np.int64), 8000
    ),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("in_order", [True, False])
def test_a_selection_costs_eight_bytes_a_row_and_less_where_rows_follow_each_other(name, in_order):
    rows = Rows(LARGE[name]())
    order = np.arange(1000, 199_000) if in_order else np.random.default_rng(0).permutation(200_000)
    tracemalloc.start()
    try:
        chosen = rows[order]
        held = tracemalloc.get_traced_memory()[0]
        assert held <= (1_000 if in_order else 8 * 200_000 + 1_000)
        half = chosen[: len(chosen) // 2]
        assert half.store is rows.store
        assert tracemalloc.get_traced_memory()[0] - held <= 1_000
    finally:
        tracemalloc.stop()


def test_data_selects_every_column_and_copies_no_features():
    x = np.zeros((1000, 1000))
    columns = {name: np.arange(1000) for name in ("y", "group", "weight", "time")}
    data = Data(np.arange(1000), x, **columns)
    some = data.rows(np.array([7, 5]))
    assert some.x.store is x
    for column in (some.ids, some.y, some.group, some.weight, some.time):
        assert column.tolist() == [7, 5]
    assert Data(np.arange(1000), x).rows(np.arange(10)).y is None
    assert (len(data.head(3)), len(data.head(5000))) == (3, 1000)


CHILD = """
import os, resource, sys
from pathlib import Path

import numpy as np

from kit.rows.views import Rows
from kit.task import catalog
from kit.train import loop, runs

assert "tensorflow" not in sys.modules and "torch" not in sys.modules
entry = catalog.find("large")
recipe, variant = entry.recipe("")
plan = loop.planned(entry, recipe, variant, recipe.resolve())
import pandas, sklearn.model_selection  # what the loop imports while it works would count as its memory

mapped = {bytes}
held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
# The map itself counts, once for the train and once for the test rows; {free} bytes are left for all else.
resource.setrlimit(resource.RLIMIT_AS, (held + mapped + {free},) * 2)

rows = Rows(np.load("data/large/public/train.npy", mmap_mode="r"))
try:
    rows[np.arange(0, len(rows), 2)].take()
except MemoryError:
    print("a copy of half of the rows does not fit")
del rows
run = loop.train(entry, runs.create(plan), quiet=True)
print(f"folds {{sorted(run.record.fold_scores)}} score {{run.score:.3f}}")
"""

DECLARATION = '''
"""Rows of a memory map: whether their first value is above 127."""

from pathlib import Path

import numpy as np

from kit.task import metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import KaggleCompetition
from kit.task.targets import Labels


def load(public: Path) -> tuple[Data, Data]:
    x = np.load(public / "train.npy", mmap_mode="r")
    y = np.load(public / "y.npy")
    return Data(np.arange(len(x)), x, y), Data(np.arange(20), np.load(public / "test.npy"))


competition = Competition(
    source=KaggleCompetition("large"),
    load=load,
    split=splits.Stratified(3),
    metric=metrics.accuracy,
    submission=Submission("id", "y", decide=metrics.labels, holds=Labels((0, 1))),
    default="centroid",
)
'''

RECIPE = '''
"""The nearest of two class means, a batch at a time."""

import numpy as np

from kit.task.contract import Fitted


def fit(fold, *, batch=1024):
    """Reads `batch` rows at a time."""
    total, count = np.zeros((2, fold.train.x.store.shape[1])), np.bincount(fold.train.y, minlength=2)
    for start in range(0, len(fold.train), batch):
        rows = fold.train.x[start : start + batch].take()
        for label in (0, 1):
            total[label] += rows[fold.train.y[start : start + batch] == label].sum(0, dtype=np.float64)
    means = total / count[:, None]

    def predict(x):
        return np.concatenate(
            [((x[i : i + batch, None, :8] - means[None, :, :8]) ** 2).sum(2).argmin(1) for i in range(0, len(x), batch)]
        )

    return Fitted(predict)
'''


@pytest.mark.skipif(sys.platform != "linux", reason="the address space is limited as Linux does it")
def test_folds_are_trained_on_a_memory_map_several_times_larger_than_what_may_be_copied(workspace):
    """The child may have 160 MiB beside the map of 640 MiB: a copy of one fold's rows would not fit."""
    rows, width, free = 81_920, 1 << 13, 160 << 20
    folder, public = workspace / "competitions" / "large", workspace / "data" / "large" / "public"
    folder.mkdir(parents=True)
    public.mkdir(parents=True)
    (folder / "competition.py").write_text(DECLARATION)
    (folder / "centroid.py").write_text(RECIPE)
    # A file with holes: of the rows of label 0 nothing is written, and they take no room on the disk.
    x = np.lib.format.open_memmap(public / "train.npy", "w+", np.uint8, (rows, width))
    x[::4, :8] = 200
    x.flush()
    np.save(public / "y.npy", (np.arange(rows) % 4 == 0).astype(np.int64))
    np.save(public / "test.npy", np.array(x[:20, :64]))
    (public / "sample_submission.csv").write_text("id,y\n" + "".join(f"{n},0\n" for n in range(20)))
    (public.parent / "manifest.json").write_text('{"public": {"train.npy": {"sha256": "0"}}}')
    code = CHILD.format(bytes=rows * width, free=free)
    threads = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=workspace,
        env={"KIT_HOME": str(workspace), "PATH": "/usr/bin:/bin", **threads},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.splitlines() == [
        "a copy of half of the rows does not fit",
        "folds ['0', '1', '2'] score 1.000",
    ]
