"""Counts of words and counts of characters as one model, perhaps with a network: each sees what the others do not."""

import json

import numpy as np

from kit.toolbox.language import learning, mixture, ngrams, vocabulary

from . import _language

WORDS, LETTERS, NETWORK = "words", "characters", "network"

KEPT_BACK = 33
"""Of so many stories one is kept back to choose the weights by, and counted afterwards."""


def fit(fold, order: int, letters: int, rarest: int, network=None):
    """Fit the models on the texts of the fold. `network(fold, texts)` trains and stores a network on the texts that are
    not kept back; it is not trained again, since it takes too long."""
    every, back = parted(fold)

    def counted(texts):
        return {
            WORDS: ngrams.fit(texts, vocabulary.of_words(texts, rarest), order),
            LETTERS: ngrams.fit(texts, vocabulary.of_characters(texts), letters),
        }

    texts = list(every[~back])
    members = counted(texts)
    if network is not None:
        members[NETWORK] = network(fold, texts)
    chosen = mixture.weights([mixture.of_characters(inside, list(every[back])) for inside in members.values()])
    share = {name: round(float(weight), 6) for name, weight in zip(members, chosen, strict=True)}
    for name, made in counted(list(every)).items():
        made.save(fold.dir / name)
    (fold.dir / "mixture.json").write_text(json.dumps(share) + "\n")
    language, parameters = _stored(fold.dir)
    return _language.finished(fold, language, parameters)


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
    members = {name: ngrams.NGrams.load(dir / name) for name in share if name != NETWORK}
    parameters = sum(made.counts.runs for made in members.values())
    guessing = [WORDS]
    if NETWORK in share:
        members[NETWORK] = learning.load(dir / NETWORK)
        parameters += learning.size(members[NETWORK])
        guessing.append(NETWORK)
    return mixture.Mixture(members, share, guessing), parameters
