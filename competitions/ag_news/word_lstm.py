"""An LSTM over words and marks: embedding, LSTM, and a softmax that shares the embedding's weights."""

from functools import partial

from kit.toolbox.language import vocabulary

from . import _networks

EXTRA = "keras"
SMOKE = {"epochs": 2, "steps": 4, "units": 32, "width": 16, "length": 16}


def fit(
    fold,
    *,
    units: int = 384,
    depth: int = 1,
    width: int = 128,
    dropout: float = 0.2,  # a word is seen a few times only
    rarest: int = 3,  # rarer words are spelled out
    **training: _networks.trained,
):
    shape = {"units": units, "depth": depth, "width": width, "dropout": dropout}
    return _networks.fit(fold, partial(vocabulary.of_words, rarest=rarest), "recurrent", shape, **training)


load = _networks.load
