"""A network over tokens is trained by Keras, kept as plain arrays, and read again without a framework."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit import places
from kit.errors import KitError
from kit.task.contract import Fold
from kit.toolbox.language import attention, lanes, recurrent
from kit.toolbox.language.attention import Attention
from kit.toolbox.language.recurrent import Recurrent
from kit.toolbox.language.vocabulary import Vocabulary

WEIGHTS, SETTINGS = "weights.npz", "network.json"

Network = Recurrent | Attention


def train(
    fold: Fold,
    texts: Sequence[str],
    vocabulary: Vocabulary,
    kind: str,
    shape: Mapping[str, Any],
    *,
    epochs: int,
    steps: int,
    batch: int,
    length: int,
    rate: float,
    optimizer: str,
    precision: str,
) -> Network:
    """Train a network of `kind`, `recurrent` or `attention`, on the fold's `texts`, and keep it in the fold's folder.

    `shape` goes to the network's function. A batch has `batch` lanes of text side by side and `length` tokens of each,
    which is the window of attention too; an epoch has `steps` batches, and after each the state is kept. `rate` is
    reached after a few steps and falls to nothing along a cosine. `optimizer` is `adamw` or `muon` (Jordan and others,
    2024), `precision` a dtype policy of Keras, or `auto`, the fastest here. Raises KitError for another optimizer.
    """
    import keras

    from kit.toolbox import networks

    before = keras.config.dtype_policy()
    networks.begin(fold, precision=precision)
    try:
        stream = lanes.Stream([vocabulary.encode(t) for t in texts], lanes=batch, length=length, seed=fold.seed)
        if kind == "recurrent":
            model = recurrent.network(len(vocabulary), stream.lanes, stream.length, **shape)
        else:
            model = attention.network(len(vocabulary), stream.length, **shape)
        networks.fit(
            model,
            fold._replace(valid=fold.valid.head(0)),
            epochs=epochs,
            batch=stream.lanes,
            optimizer=_optimizer(optimizer, rate, epochs * steps),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            train=lanes.batches(stream, steps),
            callbacks=(_forgetting(model),),
        )
    finally:
        keras.config.set_dtype_policy(before)
    held = recurrent.weights(model) if kind == "recurrent" else attention.weights(model)
    facts = {"kind": kind, "heads": shape.get("heads", 0), "window": length}
    save(fold.dir / "network", vocabulary, held, facts)
    return load(fold.dir / "network")


def save(folder: Path, vocabulary: Vocabulary, held: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    """Write a network into `folder`: its vocabulary, its weights as arrays, and what else it takes to compute it."""
    vocabulary.save(folder)
    with places.whole(folder / WEIGHTS) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **held)
    (folder / SETTINGS).write_text(json.dumps(facts) + "\n")


def load(folder: Path) -> Network:
    """What `save` wrote. Raises KitError for a network of an unknown kind."""
    facts = json.loads((folder / SETTINGS).read_text())
    with np.load(folder / WEIGHTS, allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}
    vocabulary = Vocabulary.load(folder)
    if facts["kind"] == "recurrent":
        return Recurrent(vocabulary, held)
    if facts["kind"] == "attention":
        return Attention(vocabulary, held, int(facts["heads"]), int(facts["window"]))
    raise KitError(f"{folder / SETTINGS} names the network {facts['kind']!r}.", "Known: recurrent, attention.")


def size(network: Network) -> int:
    """How many numbers a network has learned."""
    return sum(array.size for array in network.held.values())


def _forgetting(model: Any) -> Any:
    """A callback that lets networks begin each epoch with an empty memory. Within an epoch it goes on from batch to
    batch; it is no variable of the model, so that a training which goes on after a kill could not have it again."""
    import keras

    class Forgetting(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            for layer in model.layers:
                if getattr(layer, "stateful", False):
                    layer.reset_state()

    return Forgetting()


def _optimizer(name: str, rate: float, steps: int) -> Any:
    import keras

    warm = max(1, min(200, steps // 10))
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 10, max(1, steps - warm), warmup_target=rate, warmup_steps=warm
    )
    if name == "adamw":
        return keras.optimizers.AdamW(schedule, beta_2=0.98, weight_decay=0.01, global_clipnorm=1.0)
    if name == "muon":
        return keras.optimizers.Muon(schedule, weight_decay=0.01, adam_weight_decay=0.01, adam_beta_2=0.98)
    raise KitError(f"There is no optimizer {name!r} here.", "Known: adamw, muon.", "--set optimizer=adamw")
