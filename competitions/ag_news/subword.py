"""A small GPT over pieces of words by byte-pair encoding: causal attention, rotary positions, RMS norm."""

from functools import partial

from kit.toolbox.language import vocabulary

from . import _networks

EXTRA = "language"
SMOKE = {"epochs": 2, "steps": 4, "width": 16, "heads": 2, "depth": 2, "length": 16, "pieces": 120}


def fit(
    fold,
    *,
    width: int = 192,
    depth: int = 4,
    heads: int = 6,
    dropout: float = 0.1,
    pieces: int = 4000,
    **training: _networks.trained,
):
    shape = {"width": width, "depth": depth, "heads": heads, "dropout": dropout}
    return _networks.fit(fold, partial(vocabulary.of_pieces, most=pieces), "attention", shape, **training)


load = _networks.load
