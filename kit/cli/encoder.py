"""Verbs about pretrained encoders: import one, and publish it for kernels."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kit.cli.words import as_json, dump, verb
from kit.notes import tell


def add(verbs: Any) -> None:
    """Declare the verbs."""
    group = verbs.add_parser("encoder", help="Import a pretrained encoder, and publish it for kernels to attach")
    group.set_defaults(run_verb=lambda args: group.print_help())
    steps = group.add_subparsers(title="steps", metavar="STEP", dest="step")

    found = verb(steps, import_, "import")
    found.add_argument(
        "path",
        type=Path,
        help="a BERT's folder with config.json, vocab.txt and model.safetensors, or the file of a speech encoder",
    )
    found.add_argument(
        "--name", help="by which recipes know it (default: what the model calls itself, else its folder)"
    )
    found.add_argument("--out", type=Path, metavar="DIR", help="where to write it (default: data/encoders/NAME)")
    as_json(found)

    found = verb(steps, publish)
    found.add_argument("encoder", help="the name of an imported encoder")
    found.add_argument("--message", metavar="TEXT", default="", help="notes of the version")
    found.add_argument("--no-wait", dest="wait", action="store_false", help="do not wait until it can be attached")
    as_json(found)


def import_(args: argparse.Namespace) -> None:
    """Turn a pretrained encoder into the models that recipes load, under data/encoders/. Nothing is unpickled.

    A BERT of Hugging Face's format (weights as safetensors) becomes two SavedModels, preprocess and encoder, called as
    TensorFlow Hub's are. Google's speech embedding (embedding_model.tflite) becomes a Keras model.

    Example:
      kit encoder import ~/models/MiniLM-L6-H384-uncased
      kit train disaster-tweets bert --set encoder=minilm-l6-h384-uncased --set preprocess=minilm-l6-h384-uncased
      kit encoder import embedding_model.tflite
    """
    from kit import places
    from kit.toolbox.encoders import checkpoint, speech

    path, out = args.path.expanduser(), args.out and args.out.expanduser()
    is_speech = path.suffix == ".tflite"
    name = args.name or (out.name if out else speech.NAME if is_speech else checkpoint.name(path))
    out = out or places.encoders() / name
    tell(f"Importing {path} as {name}; this takes up to half a minute.")
    facts = (speech if is_speech else checkpoint).convert(path, out, name)
    if args.json:
        return dump({"folder": str(out), **facts})
    print(out)
    handle = args.out or name
    parts = " ".join(f"--set {part.name}={handle}" for part in sorted(out.iterdir()) if part.is_dir())
    return tell(f"Next: kit train COMPETITION RECIPE {parts}")


def publish(args: argparse.Namespace) -> None:
    """Upload an imported encoder as your own private Kaggle dataset, for kernels to attach.

    The dataset is USER/kit-encoder-NAME, which building a kernel of a recipe that uses the encoder attaches. A new
    version is made only when bytes changed.

    Example:
      kit encoder publish minilm-l6-h384-uncased
    """
    from kit.kaggle import client
    from kit.kaggle import publish as outside

    kaggle = client.connect()
    found = outside.encoder(args.encoder, kaggle, message=args.message, wait=args.wait)
    if args.json:
        return dump(found)
    print(f"{found['ref']}  {found['state']}")
    return None
