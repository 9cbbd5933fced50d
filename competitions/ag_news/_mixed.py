"""Counts of words and counts of characters as one model, perhaps with a network: each sees what the others do not."""

import json

import numpy as np

from kit.toolbox.language import learning, mixture, ngrams, vocabulary
from kit.toolbox.language.model import Language
from kit.toolbox.language.together import Together

from . import _language

WORDS, LETTERS, NETWORK, PIECES = "words", "characters", "network", "pieces"

GUESSING = (WORDS, NETWORK, PIECES)

KEPT_BACK = 33
"""Of so many stories one is kept back to choose the weights by, and counted afterwards."""


def fit(fold, order: int, letters: int, rarest: int, further=None):
    """Fit the models on the texts of the fold. `further` are others by name, NETWORK or PIECES, which were fitted on
    what is not kept back and are stored in the fold's folder."""
    every, back = parted(fold)

    def counted(texts):
        return {
            WORDS: ngrams.fit(texts, vocabulary.of_words(texts, rarest), order),
            LETTERS: ngrams.fit(texts, vocabulary.of_characters(texts), letters),
        }

    members = counted(list(every[~back])) | (further or {})
    said = np.stack([mixture.of_words(inside, list(every[back])) for inside in members.values()])
    chosen = mixture.weights(np.exp2(said - said.max(0)))
    for name, made in counted(list(every)).items():
        made.save(fold.dir / name)
    share = {name: round(float(weight), 6) for name, weight in zip(members, chosen, strict=True)}
    (fold.dir / "mixture.json").write_text(json.dumps(share) + "\n")
    language, parameters = _stored(fold.dir)
    alone = dict(language.members)
    if PIECES in alone:
        alone |= {"counts of pieces": alone[PIECES].counted, NETWORK: alone[PIECES].network}
    each = {f"held out, {name} alone": Language(inside) for name, inside in alone.items()}
    return _language.finished(fold, language, parameters, each)


def parted(fold):
    """The texts of the fold, and which of them are kept back: whole stories."""
    every = np.array(_language.texts(fold.train), object)
    groups = np.arange(len(every)) if fold.train.group is None else fold.train.group
    return every, np.isin(groups, np.unique(groups)[::KEPT_BACK])


def load(dir):
    return _language.fitted(*_stored(dir))


def _stored(dir):
    """The mixture in a folder, and how many numbers it has learned."""
    share = json.loads((dir / "mixture.json").read_text())
    members = {name: _member(dir, name) for name in share}
    guessing = [name for name in GUESSING if name in members]
    return mixture.Mixture(members, share, guessing), sum(map(_size, members.values()))


def _member(dir, name):
    if name == NETWORK:
        return learning.load(dir / NETWORK)
    return Together.load(dir) if name == PIECES else ngrams.NGrams.load(dir / name)


def _size(inside):
    if isinstance(inside, Together):
        return _size(inside.counted) + _size(inside.network)
    return inside.counts.runs if isinstance(inside, ngrams.NGrams) else learning.size(inside)
