"""A BERT as Hugging Face stores it: config.json, vocab.txt and model.safetensors in one folder, read and checked."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kit.errors import KitError
from kit.toolbox.encoders import bert

WEIGHTS = "model.safetensors"


class Checkpoint(NamedTuple):
    """What the folder holds; `lower` says whether texts are put in lower case, and lose their accents, first."""

    config: dict[str, Any]
    vocab: list[str]
    tensors: dict[str, np.ndarray]
    lower: bool


def name(folder: Path) -> str:
    """What the model in `folder` calls itself in config.json, `minilm-l6-h384-uncased` of
    `nreimers/MiniLM-L6-H384-uncased`, else what its folder is called.

    Raises KitError where `folder` is none, or holds no config.json.
    """
    _refuse_file(folder)
    told = str(_json(folder / "config.json", needed=True).get("_name_or_path") or "").rstrip("/").rpartition("/")[2]
    return re.sub(r"[^a-z0-9.]+", "-", (told or folder.resolve().name).lower()).strip("-.") or "encoder"


def convert(folder: Path, out: Path, name: str = "") -> dict[str, Any]:
    """Write the checkpoint in `folder` into `out` as the two SavedModels of `bert_encoder`; what its card says.

    Raises KitError for a checkpoint that is damaged or no BERT, a missing package, and an `out` that holds other files.
    """
    checkpoint = read(folder)
    card = {
        "name": name or out.name,
        "model": checkpoint.config.get("_name_or_path", ""),
        "weights": hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest(),
        "layers": checkpoint.config.get("num_hidden_layers"),
        "width": checkpoint.config.get("hidden_size"),
        "lower": checkpoint.lower,
    }
    bert.save(out, checkpoint.config, checkpoint.vocab, checkpoint.tensors, lower=checkpoint.lower, card=card)
    return card


def read(folder: Path) -> Checkpoint:
    """The checkpoint in `folder`.

    Raises KitError where a file is missing or damaged, the weights are pickled, or the tokenizer is none of BERT's.
    """
    _refuse_file(folder)
    config = _json(folder / "config.json", needed=True)
    vocab_file, weights = folder / "vocab.txt", folder / WEIGHTS
    if not vocab_file.is_file():
        raise KitError(f"{vocab_file} is missing.", "It lists the word pieces of BERT's tokenizer, one a line.")
    if not weights.is_file():
        pickled = sorted(path.name for path in (*folder.glob("*.bin"), *folder.glob("*.pt")))
        raise KitError(
            f"{weights} is missing." + (f" {pickled[0]} is a pickle, which could run any code." if pickled else ""),
            "Weights must be in the format of safetensors, which transformers writes by default.",
            f"cd {folder} && "
            """python -c "from transformers import AutoModel as M; M.from_pretrained('.').save_pretrained('.')\""""
            if pickled
            else "",
        )
    try:
        vocab = vocab_file.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise KitError(f"{vocab_file} is not UTF-8: {error}", "BERT's vocabulary is.") from None
    vocab = [word.removesuffix("\r") for word in (vocab[:-1] if vocab[-1] == "" else vocab)]
    return Checkpoint(config, vocab, _tensors(weights), _lower(folder, config))


def _refuse_file(folder: Path) -> None:
    if not folder.is_dir():
        raise KitError(
            f"{folder} is not a folder." if folder.exists() else f"There is no {folder}.",
            f"A BERT's folder holds config.json, vocab.txt and {WEIGHTS}; a speech encoder is a file, .tflite.",
        )


def _json(path: Path, *, needed: bool) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not needed:
            return {}
        below = sorted(path.parent.glob(f"*/{path.name}"))
        raise KitError(
            f"{path} is missing.",
            "The folder must hold a model as Hugging Face stores it.",
            f"kit encoder import {below[0].parent}" if below else "",
        ) from None
    except ValueError as error:
        raise KitError(f"{path} is not JSON: {error}", "The file is damaged.") from None
    if not isinstance(value, dict):
        raise KitError(f"{path} holds no JSON object.", "The file is damaged.")
    return value


def _lower(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the tokenizer lowers case. TensorFlow's then strips accents, and always parts Chinese characters."""
    told = _json(folder / "tokenizer_config.json", needed=False)
    lower = bool(told.get("do_lower_case", config.get("do_lower_case", True)))  # the default of transformers
    strips = told.get("strip_accents")
    if strips is not None and bool(strips) != lower:
        raise KitError(
            f"The tokenizer has do_lower_case {lower} and strip_accents {strips}.",
            "TensorFlow's BertTokenizer does both or none.",
        )
    if told.get("tokenize_chinese_chars", True) is False:
        raise KitError(
            "The tokenizer leaves Chinese characters together (tokenize_chinese_chars).",
            "TensorFlow's BertTokenizer always parts them.",
        )
    return lower


def _tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file, by name; half precision is widened to float32."""
    try:
        import safetensors
    except ModuleNotFoundError:
        raise bert.needs("safetensors") from None
    try:
        stored = safetensors.deserialize(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise KitError(f"{path} cannot be read: {error}", "The file is cut or damaged; its size tells.") from None
    return {name: _array(path, name, facts) for name, facts in stored}


def _array(path: Path, name: str, facts: dict[str, Any]) -> np.ndarray:
    kinds = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4"}
    if facts["dtype"] not in kinds:
        raise KitError(f"Tensor {name} of {path} is of type {facts['dtype']}.", f"Known ones: {', '.join(kinds)}.")
    array = np.frombuffer(facts["data"], kinds[facts["dtype"]])
    if facts["dtype"] == "BF16":  # the upper half of a float32
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.reshape(facts["shape"])
