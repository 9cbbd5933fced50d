"""Kneser-Ney and a small GPT over the same pieces of words: a mean of what both say of the next piece."""

import json

import numpy as np

from kit.toolbox.language import learning, ngrams, together, vocabulary
from kit.toolbox.language.model import Language

from . import _language, _mixed, _networks

EXTRA = "language"
SMOKE = {"epochs": 2, "steps": 4, "width": 16, "heads": 2, "depth": 2, "length": 16, "pieces": 120}


def fit(
    fold,
    *,
    order: int = 6,  # pieces of the longest runs: 4 and 6 take 1.712 and 1.700 bits a character
    width: int = 256,
    depth: int = 4,
    heads: int = 2,
    dropout: float = 0.1,
    pieces: int = 2000,  # 1,000 to 8,000 take counts to 1.700 to 1.705 bits, and few make a fast softmax
    batch: int = 12,
    rate: float = 4e-3,
    **training: _networks.trained,
):
    every, back = _mixed.parted(fold)
    texts, known = list(every[~back]), vocabulary.of_pieces(list(every[~back]), pieces)
    shape = {"width": width, "depth": depth, "heads": heads, "dropout": dropout}
    training |= {"batch": batch, "rate": rate}
    network = _networks.trained(fold, texts, lambda _: known, "attention", shape, **training)
    before = ngrams.fit(texts, known, order)
    chosen = together.shares(before, network, [known.encode(vocabulary.plain(text)) for text in every[back]])
    (fold.dir / "shares.json").write_text(json.dumps([round(share, 6) for share in chosen.tolist()]) + "\n")
    # Counts are made again with the texts that were kept back; a network takes too long.
    ngrams.fit(list(every), known, order).save(fold.dir / "counts")
    inside = _stored(fold.dir)
    members = {"held out, the network alone": inside.network, "held out, the counts alone": inside.counted}
    return _language.finished(
        fold, Language(inside), _size(inside), {name: Language(member) for name, member in members.items()}
    )


def load(dir):
    inside = _stored(dir)
    return _language.fitted(Language(inside), _size(inside))


def _stored(dir):
    shares = np.array(json.loads((dir / "shares.json").read_text()))
    return together.Together(ngrams.NGrams.load(dir / "counts"), learning.load(dir / "network"), shares)


def _size(inside):
    return learning.size(inside.network) + inside.counted.counts.runs
