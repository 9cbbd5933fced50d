"""Models of libraries that have a file format of their own, as bytes in that format beside what skops stores."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


class Foreign:
    """A model of a library, by the name of its kind in FORMATS. What is stored of it is its file in the library's own
    format; a stored one is read when it is first asked for, so that a library starts only where it predicts."""

    def __init__(self, kind: str, model: Any) -> None:
        self.kind, self._model, self._digest = kind, model, ""

    @property
    def model(self) -> Any:
        """The library's model. Raises ValueError when the stored file is damaged."""
        if isinstance(self._model, np.ndarray):
            if hashlib.sha256(self._model.tobytes()).hexdigest() != self._digest:
                # XGBoost reads beyond the end of a file that was cut off: it crashed, or took 22 GB of memory.
                raise ValueError("the stored model is damaged: it is not what was stored")
            try:
                self._model = FORMATS[self.kind][1](self._model.tobytes())
            except Exception as error:  # each library has errors of its own
                raise ValueError(f"the stored model is damaged: {str(error).splitlines()[0]}") from error
        return self._model

    def __getstate__(self) -> dict[str, Any]:
        model = self._model
        if not isinstance(model, np.ndarray):
            model = np.frombuffer(FORMATS[self.kind][0](model), np.uint8)
        return {"kind": self.kind, "file": model, "sha256": hashlib.sha256(model.tobytes()).hexdigest()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["kind"] not in FORMATS or not isinstance(state["file"], np.ndarray):
            raise ValueError(f"{state['kind']!r} is no kind of model that is stored")
        self.kind, self._model, self._digest = state["kind"], state["file"], state.get("sha256", "")


def _from_xgboost(model: Any) -> bytes:
    return bytes(model.save_raw("ubj"))


def _to_xgboost(file: bytes) -> Any:
    import xgboost

    return xgboost.Booster(model_file=bytearray(file))


def _from_lightgbm(model: Any) -> bytes:
    return bytes(model.model_to_string(), "utf-8")


def _to_lightgbm(file: bytes) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=file.decode("utf-8"))


def _from_catboost(model: Any) -> bytes:
    return _through_file(model.save_model, "model.cbm")


def _to_catboost(file: bytes) -> Any:
    import catboost

    return catboost.CatBoost().load_model(blob=file)


def _from_keras(model: Any) -> bytes:
    return _through_file(model.save, "model.keras")


def _to_keras(file: bytes) -> Any:
    import keras

    with tempfile.TemporaryDirectory(prefix="kit-model-") as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(file)
        return keras.saving.load_model(path, compile=False)


def _through_file(save: Callable[[str], Any], name: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="kit-model-") as folder:
        path = Path(folder) / name
        save(str(path))
        return path.read_bytes()


FORMATS: dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    "xgboost": (_from_xgboost, _to_xgboost),
    "lightgbm": (_from_lightgbm, _to_lightgbm),
    "catboost": (_from_catboost, _to_catboost),
    "keras": (_from_keras, _to_keras),
}
"""How a model is written as bytes and read from them. Keras reads files in safe mode, which runs no code of theirs."""
