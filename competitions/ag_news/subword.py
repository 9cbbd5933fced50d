"""A small GPT over pieces of words by byte-pair encoding: a convolution over the last three, causal attention,
rotary positions, RMS norm."""

from functools import partial

from kit.toolbox.language import vocabulary

from . import _networks

EXTRA = "language"
SMOKE = {"epochs": 2, "steps": 4, "width": 16, "heads": 2, "depth": 2, "length": 16, "pieces": 120}


def fit(
    fold,
    *,
    width: int = 256,
    depth: int = 4,
    heads: int = 2,  # each more takes as long as its scores of all pairs of positions
    convolution: int = 3,  # after 14 minutes of a core 1.696 bits a character, without it 1.832
    dropout: float = 0.1,
    pieces: int = 2000,  # a softmax of more takes longer than what it saves in pieces
    batch: int = 12,
    rate: float = 4e-3,  # not tuned: a short training has no room for a slow one
    **training: _networks.trained,
):
    shape = {"width": width, "depth": depth, "heads": heads, "dropout": dropout, "convolution": convolution}
    training |= {"batch": batch, "rate": rate}
    return _networks.fit(fold, partial(vocabulary.of_pieces, most=pieces), "attention", shape, **training)


load = _networks.load
