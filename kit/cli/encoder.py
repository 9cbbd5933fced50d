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
@click.option("--name", default="", help="Name for recipes (default: the model's own name, else its folder's).")
@click.option("--out", type=FOLDER, metavar="DIR", help="Where to write it (default: data/encoders/NAME).")
@as_json
def import_(path: Path, name: str, out: Path | None, as_json: bool) -> None:
    """Import a pretrained encoder into data/encoders/, in the form that recipes load. Nothing is unpickled.

    PATH is the folder of a BERT in the format of Hugging Face, with config.json, vocab.txt and model.safetensors. It
    becomes two SavedModels, preprocess and encoder, which are used like those of TensorFlow Hub. Or PATH is the file of
    Google's speech embedding, embedding_model.tflite, which becomes a Keras model.

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
@click.option("--message", metavar="TEXT", default="", help="Description of the version.")
@no_wait("Do not wait until kernels can attach it.")
@as_json
def publish(encoder: str, message: str, wait: bool, as_json: bool) -> None:
    """Upload an imported encoder as your own private dataset on Kaggle, so that kernels can attach it.

    The dataset is USER/kit-encoder-NAME. kit kernel build attaches it to the kernels of recipes that use the encoder. A
    new version is made only if a file changed.

    Example:
      kit encoder publish minilm-l6-h384-uncased
    """
    from kit.api import encoder as encoders

    dataset = encoders.publish(encoder, message=message, wait=wait)
    return dump(dataset.facts()) if as_json else print(f"{dataset.ref}  {dataset.state}")
