"""Verbs about text embeddings: train one from the texts of a competition."""

from __future__ import annotations

import click

from kit.cli.declaring import as_json, competition, sample, seed, verb, verbs
from kit.cli.printing import dump
from kit.notes import tell


@verbs()
def embedding() -> None:
    """Make a text embedding of your own."""


@verb(group=embedding)
@competition
@click.option("--width", type=click.IntRange(2, 4096), default=128, metavar="N", help="Numbers of a vector.")
@click.option(
    "--no-normalisation",
    "normalised",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Keep punctuation and capital letters.",
)
@click.option("--name", default="", help="Name for recipes (default: COMPETITION-dimN, and what is normalised).")
@seed
@sample
@as_json
def train(competition: str, width: int, normalised: bool, name: str, seed: int, sample: bool, as_json: bool) -> None:
    """Make a text embedding from the training texts of a competition, where Google's cannot be downloaded.

    The result is a SavedModel of the same form as nnlm-es-dim128-with-normalization of TensorFlow Hub: it turns texts
    into vectors, and words that it does not know into vectors of buckets. It is learned from which words stand in the
    same text, without any label, in seconds. Recipes take it by its name.

    Example:
      kit embedding train meli-titles --width 50
      kit train meli-titles nnlm --set module=meli-titles-dim50-with-normalization
    """
    from kit.api import embedding as embeddings

    made = embeddings.train(competition, width=width, normalised=normalised, name=name, seed=seed, sample=sample)
    if as_json:
        return dump(made.facts())
    print(made.folder)
    return tell(f"Next: train a recipe that takes a module with --set module={made.handle}")
