"""Pretrained encoders: import one, publish it for kernels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.api.results import Result
from kit.api.submitting import Published, published
from kit.notes import tell
from kit.words import Table


@dataclass(frozen=True, repr=False)
class Encoder(Result):
    """An imported encoder in `folder`; `handle` is what a recipe's settings call it, `parts` the models it has."""

    folder: Path
    handle: str
    parts: tuple[str, ...]
    card: dict[str, Any]

    def summary(self) -> str:
        return f"encoder {self.handle} in {self.folder}"

    def table(self) -> Table:
        return Table(("what", "value"), list(self.card.items()))

    def facts(self) -> dict[str, Any]:
        return {"folder": str(self.folder), **self.card}


def import_(path: str | Path, *, name: str = "", out: str | Path | None = None) -> Encoder:
    """Turn a pretrained encoder into the models that recipes load, under `data/encoders/`. Nothing is unpickled.

    `path` is the folder of a BERT in Hugging Face's format (config.json, vocab.txt, model.safetensors) or the file
    of Google's speech embedding (embedding_model.tflite). `name` is what recipes call it, else what the model calls
    itself. Raises KitError for a file that is none of these.
    """
    from kit import places
    from kit.toolbox.encoders import checkpoint, speech

    path, folder = places.named(path), None if out is None else places.named(out)
    is_speech = path.suffix == ".tflite"
    name = name or (folder.name if folder else speech.NAME if is_speech else checkpoint.name(path))
    folder = folder or places.encoders() / name
    tell(f"Importing {path} as {name}; this takes up to half a minute.")
    card = (speech if is_speech else checkpoint).convert(path, folder, name)
    parts = tuple(part.name for part in sorted(folder.iterdir()) if part.is_dir())
    return Encoder(folder, str(out or name), parts, card)


def publish(name: str, *, message: str = "", wait: bool = True) -> Published:
    """Upload an imported encoder as your own private Kaggle dataset, for kernels to attach.

    A new version is made only when bytes changed. Raises KitError when no encoder has that name.
    """
    from kit.kaggle import client
    from kit.kaggle import publish as datasets

    return published(datasets.encoder(name, client.connect(), message=message, wait=wait))
