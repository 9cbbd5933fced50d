"""What Kaggle runs kernels on: today's machines by name, and for how long one is asked for."""

from __future__ import annotations

from typing import NamedTuple

from kit import limits
from kit.errors import KitError
from kit.limits import Kind


class Accelerator(NamedTuple):
    """A machine. `shape` is Kaggle's `machine_shape`, empty for a processor alone; `word` what is typed."""

    word: str
    shape: str
    kind: Kind
    what: str


KNOWN = (
    Accelerator("cpu", "", "cpu", "no accelerator"),
    Accelerator("t4", "NvidiaTeslaT4", "gpu", "two T4, the usual GPU"),
    Accelerator("l4", "NvidiaL4", "gpu", "L4, open to some competitions only"),
    Accelerator("l4x1", "NvidiaL4X1", "gpu", "one L4, open to some competitions only"),
    Accelerator("a100", "NvidiaTeslaA100", "gpu", "A100, open to some users only"),
    Accelerator("h100", "NvidiaH100", "gpu", "H100, open to some competitions only"),
    Accelerator("rtx-pro-6000", "NvidiaRtxPro6000", "gpu", "RTX Pro 6000, open to some competitions only"),
    Accelerator("tpu", "TpuV5E8", "tpu", "TPU v5e-8"),
    Accelerator("tpu-v6", "TpuV6E8", "tpu", "TPU v6e-8, open to some users only"),
)
"""Source: docs/kernels.md of kaggle 2.2.5, which says that some are for competitions only, not which."""

USUAL = 9 * 3600
"""Seconds after which a session is stopped unless asked otherwise: a running one cannot be cancelled through the API
(kaggle-cli#388), and 9 hours is the limit that every source agrees on."""


def find(word: str) -> Accelerator:
    """The machine that `word` names: `t4`, or Kaggle's own `NvidiaTeslaT4`.

    Raises KitError for an unknown one, and for one that Kaggle would silently replace.
    """
    for machine in KNOWN:
        if word.lower() in (machine.word, machine.shape.lower()) or (word in ("None", "") and not machine.shape):
            return machine
    for shape, given in limits.RETIRED.items():
        if word.lower() in (shape.lower(), shape.lower().removeprefix("nvidiatesla")):
            instead = find(given)
            raise KitError(
                f"Kaggle has retired {shape}, and would silently run the kernel on {_said(instead)}.",
                f"Today's accelerators: {', '.join(machine.word for machine in KNOWN)}.",
                f"--accelerator {instead.word}  # instead of {word}",
            )
    raise KitError(
        f"No accelerator is called {word!r}.",
        f"Known: {', '.join(f'{machine.word} ({machine.shape})' if machine.shape else 'cpu' for machine in KNOWN)}.",
        "--accelerator t4",
    )


def timeout(machine: Accelerator, seconds: int | None) -> int:
    """The seconds after which Kaggle stops the session: as asked, else the usual.

    Raises KitError when Kaggle does not allow that many.
    """
    longest = limits.LONGEST[machine.kind]
    seconds = min(USUAL, longest) if seconds is None else seconds
    if not 60 <= seconds <= longest:
        raise KitError(
            f"A timeout of {seconds:,} seconds is not possible on {machine.word}.",
            f"It may be 60 to {longest:,} seconds, {longest // 3600} hours.",
            f"--timeout {min(USUAL, longest)}",
        )
    return seconds


def _said(machine: Accelerator) -> str:
    return f"{machine.shape} ({machine.what})" if machine.shape else "a machine without accelerator"
