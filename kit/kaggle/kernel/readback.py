"""What Kaggle keeps of a kernel after a push, compared with what was sent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

from kit.errors import KitError
from kit.kaggle import client as connection
from kit.kaggle.client import Client
from kit.kaggle.kernel import versions
from kit.kaggle.kernel.accelerators import Accelerator
from kit.kaggle.kernel.metadata import Metadata
from kit.notes import tell

LOOKS = (0.0, 1.0, 3.0)
"""Seconds before each look at a version that Kaggle does not show yet."""

SOURCES = {
    "competition_sources": ("competition_data_sources", 1, "the competition"),
    "dataset_sources": ("dataset_data_sources", 2, "the dataset"),
    "kernel_sources": ("kernel_data_sources", 2, "the output of"),
    "model_sources": ("model_data_sources", 4, "the model"),
}
"""Lists of what is attached, by their names in metadata: their names at Kaggle, the parts of an address that tell one
from another (a version may follow), and what one is called."""

SWITCHES = {
    "is_private": ("private", "public"),
    "enable_internet": ("with internet", "without internet"),
    "enable_gpu": ("with a GPU", "without a GPU"),
    "enable_tpu": ("with a TPU", "without a TPU"),
}


def check(client: Client, ref: str, number: int, text: str, described: Metadata, machine: Accelerator) -> None:
    """Raises KitError when Kaggle keeps version `number` of a kernel otherwise than it was sent.

    `text` is the notebook, `described` its metadata, `machine` what it was to run on. A version that Kaggle does not
    show yet, or that a newer one hides already, is told and not compared.
    """
    for wait in LOOKS:
        time.sleep(wait)
        kernel = versions.stored(client, ref)
        shown = int(kernel.metadata.current_version_number or 0) if kernel else 0
        if shown >= number:
            break
    if kernel is None or shown != number:
        tell(f"{connection.place().capitalize()} shows version {shown} of {ref}, so that {number} was not compared.")
        return
    differences = [*_differences(kernel.metadata, described, machine)]
    if not same_cells(str(kernel.blob.source), text):
        differences.insert(0, "its notebook is another one")
    if differences:
        raise KitError(
            f"{connection.place().capitalize()} keeps version {number} of {ref} otherwise than it was sent: "
            f"{'; '.join(differences)}.",
            "It runs with what Kaggle keeps. Internet and GPUs need an account whose phone number is verified.",
            f"{versions.page(ref)}  # stop that version there",
        )


def same_cells(source: str, text: str) -> bool:
    """Whether two notebooks have the same cells; the client rewrites them on the way."""

    def cells(book: str) -> list[str]:
        return ["".join(cell["source"]) for cell in json.loads(book)["cells"]]

    try:
        return cells(source) == cells(text)
    except (ValueError, KeyError, TypeError):
        return False


def _differences(kept: Any, described: Metadata, machine: Accelerator) -> Iterable[str]:
    # What metadata leaves out, the official client sends as private and with internet.
    wanted = {
        "is_private": True,
        "enable_internet": True,
        **described,
        "enable_gpu": machine.kind == "gpu",
        "enable_tpu": machine.kind == "tpu",
    }
    for name, (on, off) in SWITCHES.items():
        if bool(getattr(kept, name)) != bool(wanted.get(name)):
            yield f"it is {on if getattr(kept, name) else off}"
    if machine.shape and kept.machine_shape and kept.machine_shape != machine.shape:
        yield f"its machine is {kept.machine_shape} and not {machine.shape}"
    for name, (theirs, parts, what) in SOURCES.items():
        sent, stored = _addresses(wanted.get(name) or [], parts), _addresses(getattr(kept, theirs) or [], parts)
        yield from (f"it lacks {what} {address}" for address in sorted(sent - stored))
        yield from (f"it has {what} {address} too" for address in sorted(stored - sent))


def _addresses(listed: Iterable[str], parts: int) -> set[str]:
    return {"/".join(address.strip("/").lower().split("/")[:parts]) for address in listed}
