"""The package `kaggle_evaluation` that a hosted competition carries: this room's own files under that name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAME = "kaggle_evaluation"

_FILES = ("__init__.py", "default_inference_server.py", "gateway.py", "payloads.py", "server.py")
TOLD = "gateway.json"


def lay(folder: Path, options: dict[str, Any]) -> None:
    """Write the package into `folder`, with the `options` of `kit.serving.gateway.Table` for a local gateway.

    It needs nothing of kit, and knows the competition's folder as the one that it lies in.
    """
    into = folder / NAME
    into.mkdir()
    for name in _FILES:
        text = Path(__file__).with_name(name).read_text(encoding="utf-8")
        (into / name).write_text(text.replace("kit.serving", NAME), encoding="utf-8")
    (into / TOLD).write_text(json.dumps(options), encoding="utf-8")
