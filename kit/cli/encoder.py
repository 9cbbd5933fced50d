"""Verbs about pretrained encoders: import one, and publish it for kernels."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli.declaring import FILE, FOLDER, as_json, no_wait, verb, verbs
from kit.cli.printing import dump
from kit.notes import tell


@verbs()
def encoder() -> None:
    """Import a pretrained encoder, and publish it for kernels to attach."""


@verb("import", group=encoder)
@click.argument("path", type=FILE)
@click.option(
    "--name", default="", help="By which recipes know it (default: what the model calls itself, else its folder)."
)
@click.option("--out", type=FOLDER, metavar="DIR", help="Where to write it (default: data/encoders/NAME).")
@as_json
def import_(path: Path, name: str, out: Path | None, as_json: bool) -> None:
    """Turn a pretrained encoder into the models that recipes load, under data/encoders/. Nothing is unpickled.

    PATH is the folder of a BERT in Hugging Face's format, with config.json, vocab.txt and model.safetensors. It becomes
    two SavedModels, preprocess and encoder, called as TensorFlow Hub's are. Or PATH is Google's speech embedding,
    embedding_model.tflite, which becomes a Keras model.

    Example:
      kit encoder import ~/models/MiniLM-L6-H384-uncased
      kit train disaster-tweets bert --set encoder=minilm-l6-h384-uncased --set preprocess=minilm-l6-h384-uncased
      kit encoder import embedding_model.tflite
    """
    from kit.api import encoder as encoders

    made = encoders.import_(path, name=name, out=out)
    if as_json:
        return dump(made.facts())
    print(made.folder)
    parts = " ".join(f"--set {part}={made.handle}" for part in made.parts)
    return tell(f"Next: train a recipe that takes an encoder with {parts}")


@verb(group=encoder)
@click.argument("encoder")
@click.option("--message", metavar="TEXT", default="", help="Notes of the version.")
@no_wait("Do not wait until it can be attached.")
@as_json
def publish(encoder: str, message: str, wait: bool, as_json: bool) -> None:
    """Upload an imported encoder as your own private Kaggle dataset, for kernels to attach.

    The dataset is USER/kit-encoder-NAME, which building a kernel of a recipe that uses the encoder attaches. A new
    version is made only when bytes changed.

    Example:
      kit encoder publish minilm-l6-h384-uncased
    """
    from kit.api import encoder as encoders

    dataset = encoders.publish(encoder, message=message, wait=wait)
    return dump(dataset.facts()) if as_json else print(f"{dataset.ref}  {dataset.state}")
