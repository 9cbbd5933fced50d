"""What a machine that only imitates Kaggle's tells a kernel, so that a missing GPU or TPU is no reason to stop."""

from __future__ import annotations

import os
from pathlib import Path

from kit.limits import Kind

NAME = "KIT_IMITATED"
"""The environment variable that holds `gpu` or `tpu` where the machine has none. Kaggle does not set it."""

CORES = 8
"""Cores of a TPU v5e-8."""


def variables(kind: Kind) -> dict[str, str]:
    """The environment of a kernel that asked for a machine of that kind; empty where this machine is one.

    For a TPU the processor plays its cores, so that what is computed in parts there is computed in parts here.
    """
    if kind == "cpu" or here(kind):
        return {}
    cores = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={CORES}"} if kind == "tpu" else {}
    return {NAME: kind, **cores}


def here(kind: Kind) -> bool:
    """Whether this machine has a GPU with its driver, or a TPU."""
    devices = Path("/dev")
    if kind == "gpu":
        return (devices / "nvidiactl").exists() and os.access(devices / "nvidiactl", os.R_OK)
    return any(devices.glob("accel*")) or any(devices.glob("vfio/[0-9]*"))
