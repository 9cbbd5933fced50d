"""What Kaggle allows a notebook: kit plans by these limits, and the emulator holds its users to the same ones.

Where Kaggle has published a limit its source is named; the others are quoted from people who ran into them.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["cpu", "gpu", "tpu"]
"""What a session's time is counted as."""

LONGEST: dict[Kind, int] = {"cpu": 12 * 3600, "gpu": 12 * 3600, "tpu": 9 * 3600}
"""Seconds that a session may take. Source: kaggle.com/docs/notebooks, quoted second-hand."""

RERUN_HOURS = 9.0
"""Hours that a notebook may take when a code competition runs it again, in most of them: each names its own. Source:
pages of competitions, "CPU Notebook <= 9 hours run-time"."""

HOURS: dict[Kind, float] = {"gpu": 30.0, "tpu": 20.0}
"""Hours of an accelerator a week. Source: kaggle.com/docs/notebooks, quoted second-hand."""

AT_ONCE: dict[Kind, int] = {"cpu": 5, "gpu": 2, "tpu": 1}
"""Batch sessions of one user at a time. Source: the server's error texts; the one TPU is a careful guess."""

DISK = 20 * 10**9
"""Bytes that a session may leave in /kaggle/working. Source: kaggle.com/docs/notebooks, quoted second-hand as 20 GB."""

SHORTEST_TITLE = 5
"""Characters that a notebook's title has at least. Source: `kernels_push` of kaggle 2.2.5."""

DEFAULT = {"gpu": "NvidiaTeslaT4", "tpu": "TpuV5E8"}
"""The machine that is given where an accelerator is asked for without a name. Source: help of kaggle 2.2.5."""

RETIRED = {
    "NvidiaTeslaP100": "NvidiaTeslaT4",
    "TpuV38": "TpuV5E8",
    "Tpu1VmV38": "TpuV5E8",
    "TpuV232": "",
    "TpuV2256": "",
}
"""Machines that are gone, and what Kaggle gives instead without a message; empty for a machine without accelerator.

Source: `_RETIRED_ACCELERATORS` of kaggle 2.2.5.
"""


def kind(shape: str) -> Kind:
    """What the time of a session on a machine of that `machine_shape` is counted as."""
    name = shape.lower()
    return "gpu" if name.startswith("nvidia") else "tpu" if name.startswith("tpu") else "cpu"
