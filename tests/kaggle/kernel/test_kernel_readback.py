"""What Kaggle keeps of a push is read back, and must be what was sent."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from kit.errors import KitError
from kit.kaggle.kernel import accelerators, metadata, readback, versions

REF = "me/odd"
TEXT = json.dumps({"cells": [{"cell_type": "code", "source": ["1 + 1"]}]})
MODEL = "google/bert/tensorFlow2/small"
T4 = accelerators.find("t4")
SENT = metadata.described("odd", T4, ["me/kit-wheels-odd"], ["parity"], [MODEL])


def kept(**changes: Any) -> SimpleNamespace:
    """What Kaggle tells of version 3, kept as it was sent but for `changes`."""
    facts: dict[str, Any] = {
        "current_version_number": 3,
        "is_private": True,
        "enable_internet": False,
        "enable_gpu": True,
        "enable_tpu": False,
        "machine_shape": "NvidiaTeslaT4",
        "dataset_data_sources": ["Me/kit-wheels-odd"],
        "competition_data_sources": ["parity"],
        "kernel_data_sources": [],
        "model_data_sources": [f"{MODEL}/2"],
    }
    source = changes.pop("source", json.dumps(json.loads(TEXT) | {"metadata": {}}))
    return SimpleNamespace(metadata=SimpleNamespace(**facts | changes), blob=SimpleNamespace(source=source))


def check(monkeypatch: pytest.MonkeyPatch, *shown: SimpleNamespace | None) -> None:
    answers = iter(shown)
    monkeypatch.setattr(readback, "LOOKS", (0.0,) * len(shown))
    monkeypatch.setattr(versions, "stored", lambda *_: next(answers))
    readback.check(None, REF, 3, TEXT, SENT, T4)  # type: ignore[arg-type]


def test_what_was_kept_as_it_was_sent_passes_when_kaggle_shows_it(monkeypatch, told):
    check(monkeypatch, None, kept(current_version_number=2), kept())
    assert told == []


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"is_private": False}, "it is public"),
        ({"enable_internet": True}, "it is with internet"),
        ({"enable_gpu": False}, "it is without a GPU"),
        ({"enable_tpu": True}, "it is with a TPU"),
        ({"machine_shape": "NvidiaTeslaP100"}, "its machine is NvidiaTeslaP100 and not NvidiaTeslaT4"),
        ({"dataset_data_sources": []}, "it lacks the dataset me/kit-wheels-odd"),
        (
            {"competition_data_sources": ["titanic"]},
            "it lacks the competition parity; it has the competition titanic too",
        ),
        ({"model_data_sources": [f"{MODEL[:-5]}large/2"]}, "it lacks the model google/bert/tensorflow2/small"),
        ({"kernel_data_sources": ["me/old"]}, "it has the output of me/old too"),
        ({"source": json.dumps({"cells": []})}, "its notebook is another one"),
        ({"source": "damaged"}, "its notebook is another one"),
    ],
)
def test_each_difference_fails_the_push_and_is_named(monkeypatch, changes, difference):
    with pytest.raises(KitError) as caught:
        check(monkeypatch, kept(**changes))
    assert f"keeps version 3 of {REF} otherwise than it was sent: {difference}" in caught.value.wrong
    assert caught.value.cure.endswith("# stop that version there")


@pytest.mark.parametrize("number", [2, 4])
def test_a_version_that_is_not_shown_is_told_and_not_compared(monkeypatch, told, number):
    check(monkeypatch, kept(current_version_number=number, is_private=False))
    assert told == [f"Kaggle shows version {number} of {REF}, so that 3 was not compared."]
