"""Planted leaks of every kind are found, and none in clean data of the same size."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import kit as api
from kit.audit import audit as auditing
from kit.audit import labels, near, order, pairs
from kit.explore import drift
from kit.rows.clips import Clips
from kit.task.contract import Data

ROWS, TESTS = 240, 80
WORDS = [
    f"{a}{b}" for a in ("ri", "mo", "ta", "lu", "ke", "so", "fa", "ne") for b in ("ver", "lon", "mik", "dor", "pas")
]


def texts(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.array([" ".join(random.choice(WORDS, 14)) for _ in range(count)], object)


def images(count: int, seed: int) -> np.ndarray:
    """Strokes on black, as of digits: most pixels are the same in all of them."""
    random = np.random.default_rng(seed)
    made_of = np.zeros((count, 28, 28), np.uint8)
    for image in made_of:
        x, y = random.integers(6, 22, 2)
        for _ in range(60):
            x, y = np.clip([x + random.integers(-1, 2), y + random.integers(-1, 2)], 2, 25)
            image[y : y + 2, x : x + 2] = random.integers(180, 256)
    return made_of


def recordings(count: int, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    waves = []
    for _ in range(count):
        times = np.arange(random.integers(3000, 5000)) / 8000
        tones = sum(
            np.sin(2 * np.pi * f * times) * np.hanning(len(times)) ** random.integers(1, 4)
            for f in random.uniform(150, 3500, 3)
        )
        waves.append((2000 * tones + random.normal(0, 60, len(times))).astype(np.int16))
    return waves


def columns(count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": random.normal(100, 20, count),
            "rate": random.random(count),
            "town": random.choice(["Lima", "Quito", "Bogota"], count),
        }
    )


def rows(kind: str, seed: int = 0) -> tuple[Data, Data]:
    """Clean rows of a kind, with labels that nothing tells."""
    y = np.random.default_rng(seed + 100).permutation(np.arange(ROWS) % 2)
    if kind == "audio":
        ours, theirs = recordings(ROWS, seed), recordings(TESTS, seed + 1)
        return Data(np.arange(ROWS), Clips.of(ours, 8000), y), Data(np.arange(TESTS), Clips.of(theirs, 8000))
    make = {"text": texts, "image": images, "table": columns}[kind]
    return Data(np.arange(ROWS), make(ROWS, seed), y), Data(np.arange(TESTS) + ROWS, make(TESTS, seed + 1))


def changed(kind: str, x, row: int):
    """One row nearly as it was: a text with another word, an image brighter and compressed, a recording softer and
    with noise, a row of a table with other last digits."""
    if kind == "text":
        return x[row].rsplit(" ", 1)[0] + " lonver http://t.co/x"
    if kind == "image":
        return np.clip(x[row].astype(float) * 0.8 + np.random.default_rng(row).normal(0, 2, (28, 28)), 0, 255)
    if kind == "audio":
        noise = np.random.default_rng(row).normal(0, 10, len(x[row]))
        return (x[row] * 0.5 + noise).astype(np.int16)
    return [x.iloc[row, 0] * (1 + 1e-9), *x.iloc[row, 1:]]


def planted(kind: str, pairs_of: list[tuple[int, int]], *, equal: bool) -> tuple[Data, Data]:
    """Rows in which the second of each pair repeats the first; from ROWS on rows of test."""
    train, test = rows(kind)
    stores = [[*part.x.take()] if kind != "table" else part.x.take().copy() for part in (train, test)]
    for first, second in pairs_of:
        side, at = (0, second) if second < ROWS else (1, second - ROWS)
        source = train.x.take()
        if kind == "table":
            stores[side].iloc[at] = source.iloc[first] if equal else changed(kind, source, first)
        else:
            stores[side][at] = source[first] if equal else changed(kind, source, first)
    if kind == "audio":
        stores = [Clips.of(store, 8000) for store in stores]
    elif kind == "image":
        stores = [np.array(store).astype(np.uint8) for store in stores]
    elif kind == "text":
        stores = [np.array(store, object) for store in stores]
    return Data(train.ids, stores[0], train.y), Data(test.ids, stores[1])


INSIDE = [(0, 40), (1, 50), (2, 60), (3, 71), (4, 82), (5, 93), (6, 104), (7, 115)]
ACROSS = [(10, ROWS + 1), (11, ROWS + 2), (12, ROWS + 3)]
KINDS = ("text", "image", "audio", "table")


def found(audited) -> dict[str, tuple[str, int]]:
    return {one.name: (one.level, one.rows) for one in audited}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
@pytest.mark.parametrize("kind", KINDS)
def test_clean_rows_of_every_kind_have_no_leak_and_no_warning(given, kind, seed):
    audited = api.audit(given(*rows(kind, seed), kind=kind).name)
    assert audited.leaks == ()
    assert [one for one in audited if one.level != "note"] == []
    assert audited.groups is None


@pytest.mark.parametrize("kind", KINDS)
def test_planted_repeats_are_found_all_of_them(given, kind):
    entry = given(*planted(kind, INSIDE + ACROSS, equal=True), kind=kind)
    audited = api.audit(entry.name)
    told = found(audited)
    assert audited.leaks == ("duplicates",)
    train, _ = entry.competition.load(entry.public())
    fold = entry.competition.split(train)
    torn = sum(2 for one, other in INSIDE if fold[one] != fold[other])
    assert told["duplicates"] == ("leak", torn)
    assert told["test-duplicates"] == ("warning", 3)
    mixed = sum(2 for one, other in INSIDE if train.y[one] != train.y[other])
    assert told["conflicting-labels"] == ("warning", mixed)
    group = pd.read_csv(audited.groups).group.to_numpy()
    assert all(group[one] == group[other] for one, other in INSIDE)
    assert len(np.unique(group)) == ROWS - len(INSIDE)


@pytest.mark.parametrize("kind", KINDS)
def test_planted_near_repeats_are_found_all_of_them(given, kind):
    entry = given(*planted(kind, INSIDE + ACROSS, equal=False), kind=kind)
    audited = api.audit(entry.name)
    told = found(audited)
    assert audited.leaks == ("near-duplicates",)
    assert told["duplicates"] == ("note", 0)
    assert told["near-test-duplicates"] == ("warning", 3)
    group = pd.read_csv(audited.groups).group.to_numpy()
    assert all(group[one] == group[other] for one, other in INSIDE)
    assert len(np.unique(group)) == ROWS - len(INSIDE)


def test_repeats_that_the_folds_keep_together_are_no_leak(given):
    train, test = planted("text", INSIDE, equal=True)
    group = np.arange(ROWS)
    for one, other in INSIDE:
        group[other] = group[one]
    entry = given(Data(train.ids, train.x, train.y, group=group), test, kind="text")
    path = entry.folder / "competition.py"
    path.write_text(path.read_text().replace("splits.Stratified(2)", "splits.StratifiedGrouped(2)"))
    audited = api.audit(entry.name)
    assert audited.leaks == ()
    assert found(audited)["duplicates"] == ("note", 16)
    assert "groups" not in found(audited)


def test_a_column_that_is_the_target_is_a_leak(given):
    train, test = rows("table")
    table, others = train.x.take(), test.x.take()
    entry = given(
        Data(train.ids, table.assign(paid=train.y * 3.5 + 1), train.y), Data(test.ids, others.assign(paid=1.0))
    )
    assert api.audit(entry.name).leaks == ("target-column",)


@pytest.mark.parametrize("sorted_by", ["file", "ids"])
def test_an_order_that_tells_the_label_is_warned_of(given, sorted_by):
    train, test = rows("table")
    if sorted_by == "file":
        train = Data(train.ids, train.x.take(), np.sort(train.y))
    else:
        ids = np.argsort(np.argsort(train.y, kind="stable"))
        train = Data(np.array([f"row-{number}" for number in ids]), train.x.take(), train.y)
    audited = api.audit(given(train, test).name)
    (one,) = [one for one in audited if one.name == "order"]
    assert (audited.leaks, one.level) == ((), "warning")
    assert one.said.startswith("The order of the file tells" if sorted_by == "file" else "The ids tell")


def test_numbers_that_drift_along_the_file_are_an_order_too():
    random = np.random.default_rng(0)
    y = random.normal(0, 1, 500)
    assert order.told(np.arange(500), y) == []
    (one,) = order.told(np.arange(500), y + np.linspace(0, 3, 500))
    assert (one.by, one.share) == ("the order of the file", None)


def test_order_is_rarely_found_where_there_is_none():
    random = np.random.default_rng(0)
    assert sum(bool(order.told(np.arange(200), random.integers(0, 3, 200))) for _ in range(25)) == 0


def test_test_rows_of_another_kind_are_told_with_what_tells_them(given):
    train, test = rows("table")
    entry = given(train, Data(test.ids, test.x.take().assign(amount=lambda table: table.amount + 40)))
    (one,) = [one for one in api.audit(entry.name) if one.name == "shift"]
    assert one.level == "warning"
    assert "Most telling: amount" in one.said
    said = Data(test.ids, np.array([f"{text} zebra" for text in test.ids], object))
    train, _ = rows("text")
    (one,) = [one for one in api.audit(given(train, said, kind="text").name) if one.name == "shift"]
    assert one.level == "warning" and "zebra" in one.said


def test_the_null_of_adversarial_validation_is_that_of_lots():
    random = np.random.default_rng(0)
    null = drift.against_null(random.random((200, 3)), random.random((150, 3)))
    assert len(null.shuffled) == drift.SHUFFLES
    assert not null.real and null.p > 0.05
    far = drift.against_null(random.random((200, 3)), random.random((150, 3)) + 0.5)
    assert far.real and far.p == pytest.approx(1 / 21)


def test_flipped_labels_are_doubted_and_right_ones_are_not():
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 3000)
    p = random.dirichlet(np.ones(3), 3000) * 0.4 + 0.6 * np.eye(3)[y]
    assert len(labels.doubtful(y, p).rows) == 0
    flipped = random.choice(3000, 150, replace=False)
    given_labels = y.copy()
    given_labels[flipped] = (y[flipped] + 1) % 3
    doubts = labels.doubtful(given_labels, p)
    assert set(doubts.rows.tolist()) <= set(flipped.tolist())
    assert len(doubts.rows) > 60  # the others are below the confidence that is usual for their class
    assert doubts.suggested.tolist() == y[doubts.rows].tolist()
    assert (np.diff(doubts.own) >= 0).all()


def test_labels_are_doubted_by_the_best_run(given, finished):
    train, test = rows("text")
    y = train.y.copy()
    y[:6] = 1 - y[:6]
    entry = given(Data(train.ids, train.x.take(), y), test, kind="text")
    sure = np.where(np.eye(2)[train.y], 0.95, 0.05)
    finished(entry, sure, sure[:TESTS])
    (one,) = [one for one in api.audit(entry.name) if one.name == "label-errors"]
    assert (one.level, one.rows) == ("warning", 6)
    assert "more likely" in one.examples[0]


def test_the_command_ends_with_1_on_a_leak_unless_it_is_acknowledged(kit, given):
    entry = given(*planted("text", INSIDE, equal=True), kind="text")
    status, out, err = kit("audit", entry.name)
    assert status == 1
    assert "leak    duplicates: " in out
    first, other = map(int, re.search(r"^ {10}(\d+) and (\d+)$", out, re.M).groups())
    assert (first, other) in INSIDE
    assert err.splitlines()[-1] == "Scores are too good because of: duplicates."
    path = entry.folder / "competition.py"
    text = path.read_text()
    path.write_text(text.replace("kind=", "acknowledged={'duplicates': 'the hosts repeat rows'},\n    kind="))
    status, out, err = kit("audit", entry.name)
    assert status == 0
    assert "known   duplicates: " in out and "Acknowledged: the hosts repeat rows" in out
    facts = json.loads(kit("audit", entry.name, "--json")[1])
    assert facts["leaks"] == []
    path.write_text(text.replace("kind=", "acknowledged={'doubles': 'x'},\n    kind="))
    assert "acknowledges 'doubles', which no finding is called." in kit("audit", entry.name)[2]


def test_images_in_files_of_other_sizes_and_formats_are_near(tmp_path):
    random = np.random.default_rng(0)
    paths = []
    for number in range(6):
        picture = Image.fromarray(random.integers(0, 256, (12, 12, 3), np.uint8)).resize(
            (300, 200), Image.Resampling.BICUBIC
        )
        picture.save(tmp_path / f"{number}.png")
        paths.append(str(tmp_path / f"{number}.png"))
    Image.open(paths[2]).resize((150, 100)).save(tmp_path / "again.jpg", quality=60)
    assert near.of_images([*paths, str(tmp_path / "again.jpg")]).tolist() == [[2, 6]]


def test_images_without_contrast_are_not_called_alike():
    assert len(near.of_images([np.zeros((9, 9)), np.full((9, 9), 7), np.full((9, 9), 255)])) == 0


def test_of_very_many_rows_some_are_drawn_and_it_is_told(given, monkeypatch):
    monkeypatch.setitem(auditing.MOST, "text", 100)
    entry = given(*planted("text", [(row, row + 120) for row in range(100)], equal=True), kind="text")
    audited = api.audit(entry.name)
    assert audited.leaks == ("duplicates",)
    (one,) = [one for one in audited if one.name == "rows"]
    assert one.said == "Repeats were looked for in 100 of 240 train rows and 80 of 80 test rows, drawn by lot."


def test_groups_are_the_connected_parts():
    group = pairs.groups(6, np.array([[0, 3], [3, 5], [1, 2]]))
    assert group[0] == group[3] == group[5] and group[1] == group[2]
    assert len(np.unique(group)) == 3
    assert pairs.groups(3, np.zeros((0, 2), np.int64)).tolist() == [0, 1, 2]
    assert pairs.chained(np.array([5, 7, 5, 5])).tolist() == [[0, 2], [0, 3]]
