"""A small GPT over characters: a convolution over the last five, causal attention, rotary positions, RMS norm, squared
ReLU."""

from kit.toolbox.language import vocabulary

from . import _networks

EXTRA = "keras"
SMOKE = {"epochs": 2, "steps": 4, "width": 16, "heads": 2, "depth": 2, "length": 32}


def fit(
    fold,
    *,
    width: int = 192,
    depth: int = 4,
    heads: int = 2,  # six take 1.3 times as long for the scores of all pairs of positions
    convolution: int = 5,  # after 150 s of a core 2.28 bits a character, without it 2.59
    dropout: float = 0.0,
    batch: int = 16,
    rate: float = 3e-3,
    **training: _networks.trained,
):
    training |= {"batch": batch, "rate": rate}
    shape = {"width": width, "depth": depth, "heads": heads, "dropout": dropout, "convolution": convolution}
    return _networks.fit(fold, vocabulary.of_characters, "attention", shape, **training)


load = _networks.load
