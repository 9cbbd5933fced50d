"""A small BERT of random weights in Hugging Face's format, and the forward pass of BERT in NumPy to compare with.

Source of the forward pass: Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers, 2018.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

CONFIG: dict[str, Any] = {
    "_name_or_path": "somebody/Small-BERT_uncased",
    "model_type": "bert",
    "vocab_size": 16,
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 20,
    "max_position_embeddings": 10,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
}
VOCAB = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "fire",
    "forest",
    "##s",
    "near",
    "la",
    "!",
    "e",
    "##t",
    "é",
    "a",
    "b",
]


def random_tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of CONFIG under their names in a BertModel, float32."""
    random = np.random.default_rng(seed)
    width, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (CONFIG["vocab_size"], width),
        "embeddings.position_embeddings.weight": (CONFIG["max_position_embeddings"], width),
        "embeddings.token_type_embeddings.weight": (CONFIG["type_vocab_size"], width),
        "pooler.dense.weight": (width, width),
        "pooler.dense.bias": (width,),
    }
    norms = ["embeddings.LayerNorm"]
    for number in range(CONFIG["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        square = [f"{layer}.attention.self.{name}" for name in ("query", "key", "value")]
        for name in (*square, f"{layer}.attention.output.dense"):
            shapes |= {f"{name}.weight": (width, width), f"{name}.bias": (width,)}
        shapes |= {f"{layer}.intermediate.dense.weight": (inner, width), f"{layer}.intermediate.dense.bias": (inner,)}
        shapes |= {f"{layer}.output.dense.weight": (width, inner), f"{layer}.output.dense.bias": (width,)}
    for name in norms:
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def write(folder: Path, tensors: dict[str, np.ndarray] | None = None, **config: Any) -> Path:
    """A checkpoint of `tensors` (random ones by default) and CONFIG, changed by `config`, in `folder`."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in VOCAB), encoding="utf-8")
    save_file(random_tensors() if tensors is None else tensors, folder / "model.safetensors")
    return folder


def forward(tensors: dict[str, np.ndarray], ids: np.ndarray, mask: np.ndarray, types: np.ndarray) -> dict[str, Any]:
    """`encoder_outputs`, `sequence_output` and `pooled_output` of a BertModel with exact GELU, float64."""
    t = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    heads = CONFIG["num_attention_heads"]
    erf = np.vectorize(math.erf)

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ t[f"{name}.weight"].T + t[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + CONFIG["layer_norm_eps"])
        return x * t[f"{name}.weight"] + t[f"{name}.bias"]

    def split(x: np.ndarray) -> np.ndarray:
        return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    x = t["embeddings.word_embeddings.weight"][ids] + t["embeddings.token_type_embeddings.weight"][types]
    x = norm(x + t["embeddings.position_embeddings.weight"][: ids.shape[1]], "embeddings.LayerNorm")
    layers = []
    for number in range(CONFIG["num_hidden_layers"]):
        name = f"encoder.layer.{number}"
        query, key, value = (split(dense(x, f"{name}.attention.self.{part}")) for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(query.shape[-1]) + np.where(mask, 0, -1e9)[:, None, None]
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (weights / weights.sum(-1, keepdims=True)) @ value
        seen = seen.transpose(0, 2, 1, 3).reshape(x.shape)
        x = norm(x + dense(seen, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        inner = dense(x, f"{name}.intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        x = norm(x + dense(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        layers.append(x)
    return {"encoder_outputs": layers, "sequence_output": x, "pooled_output": np.tanh(dense(x[:, 0], "pooler.dense"))}
