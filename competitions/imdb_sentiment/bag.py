"""The mean of the vectors of a review's words and pairs of words, and one output: fastText's classifier in Keras.

Source: Joulin et al., Bag of Tricks for Efficient Text Classification, EACL 2017. Expected accuracy and minutes in the
table of README.md.
"""

from keras import ops

from kit.toolbox import networks

from . import _networks

VARIANTS = {"words": {"ngrams": 1}}
SMOKE = {"epochs": 6, "embedding": 8, "batch": 16, "rate": 3e-2}
EXTRA = "keras"


def fit(
    fold,
    *,
    ngrams: int = 2,  # words in a row
    vocabulary: int = 150_000,
    length: int = 5_000,  # no review has as many words and pairs
    embedding: int = 32,
    batch: int = 256,
    dropout: float = 0.5,
    rate: float = 3e-3,
    **training: _networks.train,
):
    networks.begin(fold)
    named = {"vocabulary": vocabulary, "length": length, "embedding": embedding, "dropout": dropout}
    return _networks.train(fold, _network, {}, ngrams=ngrams, batch=batch, rate=rate, **named, **training)


def load(dir):
    return _networks.load(dir, _network)


def _network(x, there, lstm):
    seen = ops.cast(there, x.dtype)[:, :, None]
    return ops.sum(x * seen, axis=1) / ops.maximum(ops.sum(seen, axis=1), 1.0)
