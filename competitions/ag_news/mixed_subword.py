"""Kneser-Ney over words, over characters and over pieces of words, and a small GPT over the same pieces.

What counts and the GPT say of the next piece becomes one mean (`together.py`); what this, words and characters say of
the next word becomes another (`mixture.py`).
"""

from kit.toolbox.language import ngrams, together, vocabulary

from . import _mixed, _networks

EXTRA = "language"
SMOKE = {"epochs": 2, "steps": 4, "width": 16, "heads": 2, "depth": 2, "length": 16, "pieces": 120}


def fit(
    fold,
    *,
    order: int = 5,  # words of the longest runs
    letters: int = 8,  # characters of the longest runs
    rarest: int = 2,
    piece_order: int = 6,  # pieces of the longest runs: 4 and 6 take 1.712 and 1.700 bits a character
    width: int = 256,
    depth: int = 4,
    heads: int = 2,
    convolution: int = 3,  # 1.6219 bits of the network alone after 45 epochs, where 100 without it have 1.6415
    dropout: float = 0.15,
    pieces: int = 2000,  # 1,000 to 8,000 take counts to 1.700 to 1.705 bits, and few make a fast softmax
    batch: int = 16,
    epochs: int = 45,  # half an hour of a core; more were not tried with a convolution
    rate: float = 4e-3,
    **training: _networks.trained,
):
    every, back = _mixed.parted(fold)
    texts, kept = list(every[~back]), list(every[back])
    known = vocabulary.of_pieces(texts, pieces)
    shape = {"width": width, "depth": depth, "heads": heads, "dropout": dropout, "convolution": convolution}
    training |= {"batch": batch, "epochs": epochs, "rate": rate}
    network = _networks.trained(fold, texts, lambda _: known, "attention", shape, **training)
    counted = ngrams.fit(texts, known, piece_order)
    shares = together.shares(counted, network, [known.encode(vocabulary.plain(text)) for text in kept])
    # Counts are made again with the texts that were kept back; a network takes too long.
    together.Together(ngrams.fit(list(every), known, piece_order), network, shares).save(fold.dir)
    return _mixed.fit(fold, order, letters, rarest, {_mixed.PIECES: together.Together(counted, network, shares)})


load = _mixed.load
