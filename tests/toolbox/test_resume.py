"""A checkpoint comes back as it was, or not at all."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from kit.task.contract import Data, Fold
from kit.toolbox import resume

ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64), np.zeros((0, 2), bool)]


def saved(dir: Path, epochs: int = 9, **what) -> resume.Saved:
    data = Data(np.arange(4), np.zeros((4, 2)), np.zeros(4))
    return resume.Saved(Fold(0, data, data, 1, dir), epochs, what)


def test_a_checkpoint_comes_back_as_it_was_and_the_newest_is_the_only_one(tmp_path):
    saved(tmp_path).write(6, ARRAYS, {"best": 0.1})
    (path,) = (tmp_path / "checkpoint").iterdir()
    saved(tmp_path).write(7, ARRAYS, {"best": 0.2, "rate": float("inf")})
    assert [*(tmp_path / "checkpoint").iterdir()] == [path]
    state = saved(tmp_path).read(ARRAYS[:2])
    assert (state.epoch, state.facts) == (7, {"best": 0.2, "rate": float("inf")})
    for before, after in zip(ARRAYS, state.arrays, strict=True):
        assert (before.dtype, before.shape, before.tobytes()) == (after.dtype, after.shape, after.tobytes())
    assert resume.reached(tmp_path / "checkpoint") == (7, 9)
    assert saved(tmp_path / "elsewhere").read(ARRAYS) is None


def huge(path: Path) -> None:
    """Claims to hold an array of seven tebibytes."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (7 << 37,)})


def pickled(path: Path) -> None:
    """An array of objects, which only unpickling could read."""
    np.save(path.open("wb"), np.array([{}], object), allow_pickle=True)


def facts(**stored) -> bytes:
    return json.dumps({"epoch": 2, "epochs": 9, "types": [], "facts": {}} | stored).encode()


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x93NUMPY" + bytes(100)),
        lambda path: np.save(path.open("wb"), np.frombuffer(b"[]", np.uint8)),
        lambda path: np.save(path.open("wb"), np.frombuffer(facts(), np.uint8)),
        lambda path: np.save(path.open("wb"), np.frombuffer(facts(types=7), np.uint8)),
        huge,
        pickled,
    ],
)
def test_a_damaged_checkpoint_is_passed_over_in_one_sentence(damage, tmp_path, told):
    saved(tmp_path).write(6, ARRAYS, {})
    (path,) = (tmp_path / "checkpoint").iterdir()
    damage(path)
    assert saved(tmp_path).read(ARRAYS) is None
    assert len(told) == 1 and told[0].startswith(f"The checkpoint {path} is passed over, since it is damaged (")
    assert told[0].endswith("The training begins with epoch 1.")


@pytest.mark.parametrize("epoch", [0, -1, 10])
def test_an_epoch_that_cannot_be_is_damage(epoch, tmp_path, told):
    saved(tmp_path).write(epoch, ARRAYS, {})
    assert saved(tmp_path).read(ARRAYS) is None
    assert f"it ends with epoch {epoch} of 9" in told[0]


def test_a_write_that_fails_leaves_the_checkpoint_before_it_and_the_training_goes_on(tmp_path, monkeypatch, told):
    monkeypatch.setattr(resume, "SHARE", float("inf"))
    of = saved(tmp_path)
    of.write(6, ARRAYS, {})

    def full(*words):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    of.write(7, ARRAYS, {})
    of.write(8, ARRAYS, {})
    assert told == [
        "No checkpoint could be written (No space left on device). The training goes on; after a kill it loses epochs."
    ]
    assert len([*(tmp_path / "checkpoint").iterdir()]) == 1
    assert saved(tmp_path).read(ARRAYS).epoch == 6


def test_writing_takes_no_more_than_its_share_of_the_time(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(resume.time, "perf_counter", lambda: now[0])
    save = np.save

    def slow(*words, **settings):
        now[0] += 1.0
        save(*words, **settings)

    monkeypatch.setattr(np, "save", slow)
    of, kept = saved(tmp_path), []
    for epoch in range(1, 9):
        now[0] += 100.0
        of.write(epoch, ARRAYS[:1], {})  # takes two seconds: the facts and an array
        kept.append(resume.reached(tmp_path / "checkpoint")[0])
    assert kept == [1, 1, 1, 4, 4, 6, 6, 8]


class Holder:
    """Something that holds `held`."""

    def __init__(self, **held):
        vars(self).update(held)


def test_what_an_object_holds_comes_back(tmp_path):
    def function():
        return 1

    held = {
        "number": 1.5,
        "nothing": None,
        "array": np.arange(3),
        "scalar": np.float32(0.1),
        "nested": {"list": [np.zeros(2), (1, "a")], "empty": []},
        "chosen": min,
        "function": function,
        "folder": tmp_path,
    }
    facts, arrays = resume.attributes(Holder(**held), {"min": min}, held)
    again = Holder(function=function, folder=tmp_path)
    resume.restore(again, json.loads(json.dumps(facts)), arrays, {"min": min})
    assert vars(again).keys() == held.keys()
    assert again.chosen is min and again.function is function and again.nothing is None and again.number == 1.5
    assert type(again.scalar) is np.float32 and again.scalar == np.float32(0.1)
    np.testing.assert_array_equal(again.array, held["array"])
    assert again.nested["list"][1] == (1, "a") and again.nested["empty"] == []
    np.testing.assert_array_equal(again.nested["list"][0], np.zeros(2))


@pytest.mark.parametrize("value", [{1, 2}, {3: 4}, object(), [object()], np.array([{}]), lambda: 1])
def test_what_cannot_be_stored_is_named(value):
    with pytest.raises(resume.Unstorable, match="`thing` of Holder, a"):
        resume.attributes(Holder(thing=value), {}, {})
