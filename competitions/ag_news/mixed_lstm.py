"""Kneser-Ney over words and over characters, mixed word by word with an LSTM over characters."""

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
    every, back = _mixed.parted(fold)
    shape = {"units": units, "depth": 1, "width": width, "dropout": 0.0}
    network = _networks.trained(fold, list(every[~back]), vocabulary.of_characters, "recurrent", shape, **training)
    return _mixed.fit(fold, order, letters, rarest, {_mixed.NETWORK: network})


load = _mixed.load
