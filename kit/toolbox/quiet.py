"""TensorFlow without its notes on starting up."""

from __future__ import annotations

import logging
import os


def begin() -> None:
    """Before anything imports TensorFlow, which reads the variable then: its notes on starting up, its complaint (as an
    error) about an attribute that its own deterministic map sets, and its warning that each fold's new model is traced
    anew would stand between lines and bars of progress. Its exceptions stay, and a level that a user has set."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
