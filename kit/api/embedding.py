"""Text embeddings of one's own: train one from a competition's texts."""

from __future__ import annotations

from kit.api.encoder import Encoder
from kit.errors import KitError
from kit.notes import tell


def train(
    competition: str,
    *,
    width: int = 128,
    normalised: bool = True,
    name: str = "",
    sample: bool = False,
    seed: int = 0,
) -> Encoder:
    """Make a text embedding of the training texts of a competition: a SavedModel of the form of Google's NNLM modules.

    It lies in `data/encoders/NAME`, by default `COMPETITION-dim128-with-normalization`, and recipes take it by that
    name. `width` is how many numbers a vector has; with `normalised` punctuation is left out and letters are small. No
    label is looked at, and of more than a million texts so many are drawn. Raises KitError for a competition whose rows
    hold no texts, and where TensorFlow is missing.
    """
    import importlib.util

    from kit import places
    from kit.data import fetch
    from kit.explore import text
    from kit.task import catalog
    from kit.toolbox import cooccurrence
    from kit.toolbox.encoders import nnlm

    if not 1 < width <= 4096:
        raise KitError(f"A vector cannot have {width} numbers.", "It has 2 to 4,096.", "--width 128")
    if importlib.util.find_spec("tensorflow") is None:
        raise KitError("A text embedding is a SavedModel of TensorFlow.", "", places.install("keras"))
    entry = catalog.find(competition, sample=sample)
    if sample:
        fetch.sample(entry)
    rows, _ = entry.competition.load(entry.public())
    table = cooccurrence.drawn(rows.x)
    column = text.text_column(table)
    texts = list(table if column is None else table[column].fillna("").astype(str))
    if entry.competition.kind != "text" or not all(isinstance(value, str) for value in texts[:100]):
        raise KitError(f"The rows of {entry.name} hold no texts.", "An embedding is made of texts.", "kit list")
    name = name or f"{entry.name}-dim{width}{'-with-normalization' if normalised else ''}"
    tell(f"Learning vectors of {len(texts):,} texts as {name}")
    folder = places.encoders() / name
    card = nnlm.write(texts, folder, width=width, normalised=normalised, seed=seed)
    return Encoder(folder, name, (nnlm.PART,), card)
