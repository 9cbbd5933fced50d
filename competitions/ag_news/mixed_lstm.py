"""Kneser-Ney over words and over characters, mixed character by character with an LSTM over characters."""

from kit.toolbox.language import vocabulary

from . import _mixed, _networks

EXTRA = "keras"
SMOKE = {"epochs": 2, "steps": 4, "units": 32, "width": 16, "length": 32}


def fit(
    fold,
    *,
    order: int = 5,
    letters: int = 8,
    rarest: int = 2,
    units: int = 512,
    width: int = 128,
    **training: _networks.trained,
):
    def network(fold, texts):
        shape = {"units": units, "depth": 1, "width": width, "dropout": 0.0}
        return _networks.trained(fold, texts, vocabulary.of_characters, "recurrent", shape, **training)

    return _mixed.fit(fold, order, letters, rarest, network)


load = _mixed.load
