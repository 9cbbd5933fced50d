"""Whether TensorFlow computes the same bits each time."""

from __future__ import annotations

import os
import sys

VARIABLE = "TF_DETERMINISTIC_OPS"
"""Read by TensorFlow once, at its first operation. Source: its documentation of enable_op_determinism."""


def switch(on: bool) -> None:
    """Let TensorFlow be deterministic or not from here on; it is not imported for that.

    Once it has read the variable, only its own switch changes it: the next run of a process would otherwise compute as
    the first one did.
    """
    os.environ[VARIABLE] = "1" if on else "0"
    if "tensorflow" in sys.modules:
        from tensorflow.python.framework import config  # the way back is not part of the public module

        if on:
            config.enable_op_determinism()
        else:
            config.disable_op_determinism()
