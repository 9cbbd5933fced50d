"""LSTM networks on word embeddings: the eleven iterations of the study, each a variant.

Source: Hochreiter and Schmidhuber, Long Short-Term Memory, 1997. Expected accuracy and minutes of each variant in the
table of README.md.
"""

from keras import layers, ops, regularizers

from kit.toolbox import networks

from . import _networks

VARIANTS = {
    # No held-aside rows: all epochs, whatever comes of it.
    "base": {"stop": 0.0, "epochs": 8},
    # EarlyStopping and ReduceLROnPlateau by a fifth of the training rows: the settings that all further variants have.
    "callbacks": {},
    "dropout": {"dropout": 0.5},
    "recurrent_dropout": {"recurrent_dropout": 0.3},
    "l2": {"l2": 1e-4},
    "bidirectional": {"bidirectional": True},
    # What the study tried one at a time, together.
    "regularised": {"bidirectional": True, "spatial_dropout": 0.3, "dropout": 0.5, "vocabulary": 10_000},
    "spatial_dropout": {"spatial_dropout": 0.3},
    "stacked": {"depth": 2},
    "cnn_lstm": {"filters": 64},
    "glove_frozen": {"vectors": "glove.6B.100d.txt", "tuned": False},
    "glove_tuned": {"vectors": "glove.6B.100d.txt"},
}
SMOKE = {"epochs": 6, "units": 8, "embedding": 8, "length": 60, "batch": 16, "rate": 1e-2, "vectors": ""}
EXTRA = "keras"


def fit(
    fold,
    *,
    units: int = 64,  # each way
    depth: int = 1,  # LSTM layers one upon the other
    bidirectional: bool = False,
    recurrent_dropout: float = 0.0,
    l2: float = 0.0,  # of the weights by which a layer reads its input
    filters: int = 0,  # of a convolution over five words before the LSTM, whose maximum of four places it reads
    **training: _networks.train,
):
    # Threads that share one step of 64 reviews wait for each other: with one an operation 832 reviews a second on two
    # cores instead of 538, and 732 instead of 429 both ways, whose two layers then have a core each.
    networks.begin(fold, threads=1)
    own = {name: value for name, value in locals().items() if name not in ("fold", "training")}
    return _networks.train(fold, _network, own, ngrams=1, **training)


def load(dir):
    return _networks.load(dir, _network)


def _network(x, there, lstm, *, units, depth, bidirectional, recurrent_dropout, l2, filters):
    if filters:
        # What a convolution writes behind the end of a review would come back in the maximum.
        seen = ops.cast(there, x.dtype)[:, :, None]
        x = layers.Conv1D(filters, 5, padding="same", activation="relu")(x * seen) * seen
        x, seen = layers.MaxPooling1D(4, padding="same")(x), layers.MaxPooling1D(4, padding="same")(seen)
        there = ops.greater(seen[:, :, 0], 0.5)
    for place in range(depth):
        layer = lstm(
            units,
            return_sequences=place < depth - 1,
            recurrent_dropout=recurrent_dropout,
            kernel_regularizer=regularizers.L2(l2) if l2 else None,
        )
        x = (layers.Bidirectional(layer) if bidirectional else layer)(x, mask=there)
    return layers.Dense(units, activation="relu")(x) if filters else x
