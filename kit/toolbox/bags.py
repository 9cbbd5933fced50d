"""A fast classifier of short texts: the mean of the vectors of a text's buckets, and one layer of classes on top.

It is fastText's classifier in Keras, on TensorFlow: only the vectors of a batch's buckets are read and changed, so that
a step costs the same whatever the size of the table. Sources: Joulin, Grave, Bojanowski, Mikolov, Bag of Tricks for
Efficient Text Classification, EACL 2017; Duchi, Hazan, Singer, Adaptive Subgradient Methods, JMLR 2011, of which one
sum a row is kept, as Facebook's DLRM does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from kit.errors import KitError
from kit.rows import spilled
from kit.rows.views import Rows
from kit.task.contract import Fitted, Fold
from kit.toolbox import networks
from kit.toolbox.ngrams import Bags

FILE = "bag.npz"

PART = 50_000
"""Texts that are hashed at a time."""

READ = 1 << 20
"""Buckets that are looked at together."""

Hashing = Callable[[Sequence[str]], Bags]


def hashed(rows: Rows, hashing: Hashing) -> Bags:
    """The buckets of all texts, made part by part. They lie in a temporary file, not in memory, and go with it."""
    ends: list[np.ndarray] = []

    def ids() -> Iterator[np.ndarray]:
        count = 0
        for start in range(0, max(len(rows), 1), PART):
            part = hashing(rows[start : start + PART].take())
            ends.append(part.ends + count)
            count += len(part.ids)
            yield part.ids.astype(np.int32, copy=False)

    return Bags(spilled.joined(ids()), np.concatenate(ends))


class Batch(NamedTuple):
    """Some texts: `used`, the different buckets, int32 of (used,); for each bucket of each text the number of its text,
    `row`, and its place in `used`, `place`, both int64; and `share`, what each of a text's buckets counts, float32 of
    (texts,)."""

    used: np.ndarray
    row: np.ndarray
    place: np.ndarray
    share: np.ndarray


class Picker:
    """Takes batches out of Bags of `buckets`.

    Each bucket of a text counts 1 / (how many it has) ** `power`: 1 gives the mean of their vectors, 0.5 the sum over
    the square root of their number.
    """

    def __init__(self, bags: Bags, buckets: int, power: float) -> None:
        self.bags, self.power = bags, power
        self.flags, self.places = np.zeros(buckets, bool), np.zeros(buckets, np.int64)

    def seen(self) -> np.ndarray:
        """Whether any text has a bucket, bool of (buckets,); the file of all is read part by part."""
        flags = np.zeros(len(self.flags), bool)
        for start in range(0, len(self.bags.ids), READ):
            flags[self.bags.ids[start : start + READ]] = True
        return flags

    def __call__(self, rows: np.ndarray, drop: float = 0.0, seed: tuple[int, ...] = (0,)) -> Batch:
        """The texts at `rows`; a share `drop` of their buckets, drawn with `seed`, is left out."""
        starts = np.where(rows > 0, self.bags.ends[rows - 1], 0)
        counts = self.bags.ends[rows] - starts
        row = np.repeat(np.arange(len(rows)), counts)
        ids = self.bags.ids[np.arange(len(row)) + np.repeat(starts - (np.cumsum(counts) - counts), counts)]
        if drop:
            kept = np.random.default_rng(seed).random(len(ids), np.float32) >= drop
            ids, row = ids[kept], row[kept]
            counts = np.bincount(row, minlength=len(rows))
        self.flags[ids] = True  # to look through all flags takes a tenth of the time of sorting the buckets
        used = np.flatnonzero(self.flags)
        self.flags[used] = False
        self.places[used] = np.arange(len(used))
        share = (counts > 0) / np.maximum(counts, 1) ** self.power
        return Batch(used.astype(np.int32), row, self.places[ids], share.astype(np.float32))


def fit(
    fold: Fold,
    hashing: Hashing,
    *,
    classes: int,
    buckets: int,
    width: int,
    epochs: int,
    batch: int,
    rate: float,
    drop: float = 0.0,
    dropout: float = 0.0,
    smoothing: float = 0.0,
    balance: float = 0.0,
    power: float = 0.5,
) -> Fitted:
    """Train on the texts of a fold, whose targets are class numbers, and store the model in its folder.

    `hashing` makes buckets of texts. The rate falls to 0 along a line. `drop` is the share of buckets that a text loses
    each time, `dropout` that of the text's own vector, `smoothing` the share of each target that is spread over all
    classes. A row counts as (rows / classes / rows of its class) ** `balance`: with 1 all classes weigh alike, which
    balanced accuracy asks for, with 0 all rows. Raises KitError where Keras computes with anything but TensorFlow.
    """
    import keras

    if (backend := keras.backend.backend()) != "tensorflow":
        raise KitError(
            f"This recipe computes with TensorFlow, and Keras here with {backend}.",
            "Its table of buckets is changed row by row, by operations that TensorFlow alone has.",
            "export KERAS_BACKEND=tensorflow",
        )
    from kit.toolbox import bag_layers

    networks.begin(fold)
    assert fold.train.y is not None
    used = keras.Input((), dtype="int32", name="used")
    inputs = [used, *(keras.Input((), dtype="int64", name=name) for name in ("row", "place"))]
    inputs.append(keras.Input((), dtype="float32", name="share"))
    bag = bag_layers.Bag(buckets, width, name="bag")
    text = keras.layers.Dropout(dropout)(bag(inputs))
    # A table that begins at random and a layer that begins at zero: fastText's own beginning.
    scores = keras.layers.Dense(classes, kernel_initializer="zeros", name="classes")(text)
    model = keras.Model(inputs, scores)
    train = Picker(hashed(fold.train.x, hashing), buckets, power)
    steps = networks.steps(fold, batch, epochs)
    networks.fit(
        model,
        fold,
        epochs=epochs,
        batch=batch,
        optimizer=bag_layers.RowAdagrad(
            learning_rate=keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.0)
        ),
        loss=_loss(fold.train.y, classes, smoothing, balance),
        trained=model,
        train=_batches(train, fold.train.y, batch, fold.seed, drop),
        valid=_batches(Picker(hashed(fold.valid.x, hashing), buckets, power), fold.valid.y, 2048)
        if len(fold.valid)
        else None,
    )
    dense = model.get_layer("classes")
    # Buckets that no training text has are left out: texts to come lose nothing by it.
    seen = np.flatnonzero(train.seen())
    table = np.asarray(bag.table)[seen].astype(np.float16)
    arrays: dict[str, Any] = {
        "seen": seen,
        "table": table,
        "kernel": np.asarray(dense.kernel),
        "bias": np.asarray(dense.bias),
    }
    fold.dir.mkdir(parents=True, exist_ok=True)
    partial = fold.dir / f"partial-{FILE}"
    np.savez(partial, power=np.float64(power), buckets=np.int64(buckets), **arrays)
    partial.rename(fold.dir / FILE)
    return load(fold.dir, hashing)


def load(dir: Path, hashing: Hashing) -> Fitted:
    """The Fitted of a model that `fit` stored: texts to probabilities, float32 of (n, classes), in NumPy alone."""
    with np.load(dir / FILE, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    buckets, power = int(arrays["buckets"]), float(arrays["power"])
    place = np.full(buckets, -1, np.int64)
    place[arrays["seen"]] = np.arange(len(arrays["seen"]))
    table = arrays["table"].astype(np.float32)

    def predict(x: Any) -> np.ndarray:
        bags = hashing(list(x))
        counts = np.diff(bags.ends, prepend=0)
        at = place[bags.ids]
        share = (1 / np.maximum(counts, 1) ** power).astype(np.float32)
        values = np.where(at >= 0, np.repeat(share, counts), 0).astype(np.float32)
        bounds = np.concatenate([np.zeros(1, np.int64), bags.ends])
        text = sparse.csr_matrix((values, np.maximum(at, 0), bounds), (len(counts), len(table))) @ table
        scores = text @ arrays["kernel"] + arrays["bias"]
        scores = np.exp(scores - scores.max(1, keepdims=True, initial=-np.inf))
        return (scores / scores.sum(1, keepdims=True)).astype(np.float32)

    return Fitted(predict, table.size + arrays["kernel"].size + arrays["bias"].size)


def _batches(picker: Picker, y: np.ndarray | None, batch: int, seed: int = -1, drop: float = 0.0) -> Any:
    """A `keras.utils.PyDataset` of batches; with a `seed` in another order each epoch."""
    import keras

    rows = len(picker.bags.ends)
    order = networks.Order(rows, seed)

    class Batches(keras.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__()
            self.numbers = order() if seed >= 0 else np.arange(rows)

        def __len__(self) -> int:
            return -(-rows // batch)

        def __getitem__(self, number: int) -> Any:
            at = np.sort(self.numbers[number * batch : (number + 1) * batch])
            picked = picker(at, drop, (max(seed, 0), order.epoch, number))
            return tuple(picked), None if y is None else y[at].astype(np.int64)

        def on_epoch_end(self) -> None:
            order.epoch += 1
            if seed >= 0:
                self.numbers = order()

    return Batches()


def _loss(y: np.ndarray, classes: int, smoothing: float, balance: float) -> Any:
    """Cross-entropy of scores, with a share of each target spread over all classes, and weights of classes."""
    import keras
    from keras import ops

    counts = np.maximum(np.bincount(np.asarray(y), minlength=classes), 1)
    weight = ((counts.sum() / classes / counts) ** balance).astype(np.float32)

    def loss(y: Any, scores: Any) -> Any:
        label = ops.reshape(ops.cast(y, "int32"), (-1,))
        hit = keras.losses.sparse_categorical_crossentropy(label, scores, from_logits=True)
        if smoothing:
            spread = ops.logsumexp(scores, axis=1) - ops.mean(scores, axis=1)
            hit = (1 - smoothing) * hit + smoothing * spread
        return hit * ops.take(weight, label)

    return loss
