"""Pretrained encoders as handles: an address, a folder or a name, looked up here, and among what a kernel has attached.

An encoder is a folder of parts, each a SavedModel or a Keras model, beside a card that says what it was made of.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kit import places, records
from kit.errors import KitError

Part = str
"""The folder of one model of an encoder: a text encoder has `preprocess` and `encoder`, a speech encoder `encoder`."""

CARD = "encoder.json"
"""Beside the parts: what they were made of. Written last, so that it means "whole"."""

MODELS = ("saved_model.pb", "model.keras")
"""The file by which the folder of a part is known."""

TINY = "tiny"
"""The handle of an encoder of random weights, for samples and tests: of texts it is written when it is first asked for,
of speech the recipe makes it."""

HUB = re.compile(
    r"https?://(?:www\.)?kaggle\.com/models/([\w-]+)/([\w.-]+)/(?:frameworks/)?(\w+)/(?:variations/)?([\w.-]+)/(?:versions/)?(\d+)"
)
"""A model on Kaggle, in the long and the short form of its address."""


def locate(handle: str, part: Part) -> str:
    """The folder of the `part` of the encoder called `handle`, or the address of one that TensorFlow Hub downloads.

    A handle is such an address, the folder of a model or of an imported encoder, relative to the workspace, or an
    imported encoder's name, TINY for one of texts among them. On Kaggle all of these mean what is attached, but for a
    folder that is there, such as one that the recipe has made. Raises KitError when it is not there.
    """
    if places.on_kaggle() and not (os.path.isabs(handle) and os.path.isdir(handle)):
        return str(_attached(handle, part))
    if handle == TINY:
        # By name, so that kernels do not carry the file: it is written with packages that Kaggle's image lacks.
        return str(importlib.import_module("kit.toolbox.encoders.bert").tiny() / part)
    if "://" in handle:
        return handle
    tried = [places.workspace() / places.named(handle), places.encoders() / handle]
    for folder in tried:
        for place in (folder / part, folder):
            if any(os.path.isfile(place / file) for file in MODELS):
                return str(place)
    known = sorted(path.parent.name for path in places.encoders().glob(f"*/{CARD}"))
    raise KitError(
        f"There is no encoder {handle!r}: {' and '.join(map(str, tried))} hold no {part}.",
        f"Imported ones: {', '.join(known) or 'none'}. The README of the competition says where to get it.",
        f"kit encoder import ~/models/{Path(handle).name}"
        + (f" --name {handle}" if Path(handle).name == handle else f" --out {handle}"),
    )


def digest(handle: str, part: Part) -> str:
    """The sha256 by which an encoder is known: of its weights as its card says, without a card of the files of `part`.

    Empty where the handle says it all (`tiny`, an address with its version), and where the encoder is not here.
    """
    if handle == TINY or "://" in handle:
        return ""
    try:
        folder = Path(locate(handle, part))
    except KitError:
        return ""
    for place in (folder, folder.parent):
        if weights := records.read_json(place / CARD).get("weights"):
            return str(weights)
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{path.relative_to(folder).as_posix()} {records.sha256(path)}\n".encode())
    return total.hexdigest()


@contextmanager
def writing(out: Path, card: Mapping[str, Any]) -> Iterator[Path]:
    """A folder beside `out` to write an encoder's parts into, which takes the place of `out` when the block ends well.

    `card` is written into it as JSON. An earlier encoder stays until then. Raises KitError where `out` holds something
    else than an encoder.
    """
    if out.exists() and not (out / CARD).is_file() and any(out.iterdir()):
        raise KitError(
            f"{out} holds something else than an encoder.", "An encoder gets a folder of its own.", f"--out {out}/NAME"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
        part = Path(beside, "encoder")
        part.mkdir()
        yield part
        (part / CARD).write_text(json.dumps(dict(card), indent=2) + "\n", encoding="utf-8")
        if out.exists():
            os.replace(out, Path(beside, "earlier"))
        try:
            os.replace(part, out)
        except OSError:
            if not (out / CARD).is_file():  # else another process was here between the two
                raise


def dataset(handle: str) -> str:
    """The slug of the dataset that holds an imported encoder on Kaggle, at most 50 characters, as Kaggle wants."""
    return f"kit-encoder-{re.sub(r'[^a-z0-9]+', '-', Path(handle).name.lower()).strip('-')}"[:50].rstrip("-")


def model(handle: str) -> str:
    """The address of a model as kernel metadata names it, `owner/model/framework/variation/version`; empty for a
    handle that is no such address."""
    match = HUB.match(handle)
    # Kaggle writes the framework's first letter small in references, and large in addresses.
    return "/".join((*match.groups()[:2], match[3][0].lower() + match[3][1:], *match.groups()[3:])) if match else ""


def _attached(handle: str, part: Part) -> Path:
    """The folder of a model below `/kaggle/input`; it is known by the names of the folders that hold it."""
    ref = model(handle)
    ends = ["/".join(ref.split("/")[-2:])] if ref else [dataset(handle), Path(handle).name]
    wanted = [f"/{end}{tail}".lower() for end in ends for tail in ("", f"/{part}")]
    root = places.kaggle_root() / "input"
    held = [Path(folder) for folder, _, files in os.walk(root, followlinks=True) if {*MODELS} & {*files}]
    matches = [folder for folder in held if f"/{folder.relative_to(root).as_posix()}".lower().endswith(tuple(wanted))]
    if len(matches) == 1:
        return matches[0]
    listed = ", ".join(sorted(str(folder) for folder in matches or held)) or "none"
    raise KitError(
        f"{'No input' if not matches else 'More than one input'} of this kernel is the {part} of {handle!r}.",
        f"Models attached: {listed}. It must be among the sources in kernel-metadata.json: "
        + (f"{ref} in model_sources." if ref else f"USER/{dataset(handle)} in dataset_sources."),
        f'"model_sources": ["{ref}"]  # in kernel-metadata.json, then push the kernel again'
        if ref
        else f"kit encoder publish {Path(handle).name}",
    )
