"""A text embedding of the form of Google's NNLM modules: a SavedModel from texts to vectors, made of texts at hand.

A text is parted at spaces; a word has its vector, or that of one of the buckets that all other words are hashed to, and
the text is their sum over the square root of their number. It is called and fine-tuned like the modules
`nnlm-es-dim128` and `nnlm-es-dim128-with-normalization`, by hub.KerasLayer. Theirs are learned by a neural language
model from Google News (Bengio et al., A Neural Probabilistic Language Model, JMLR 2003), these from which words stand
together in the texts (`cooccurrence.py`): they are made where those cannot be fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.toolbox import cooccurrence
from kit.toolbox.encoders import handles

PART = "module"
"""The folder of the SavedModel, below that of the encoder."""

BUCKETS = 1000
"""Numbers that words without a vector of their own share."""

MARKS = r"[\p{P}\p{S}]+"
"""What normalisation takes out of a text, as TensorFlow's RE2 writes it: punctuation and symbols."""

BUCKET = "\x00{}"
"""The name of a bucket beside words, none of which begins so."""


def write(
    texts: Sequence[str], out: Path, *, width: int, normalised: bool, least: int = 2, seed: int = 0
) -> dict[str, Any]:
    """Learn the vectors of the words of texts, write the SavedModel into `out`, and give the card beside it.

    With `normalised` the module takes punctuation out of texts and makes their letters small, else words are what
    stands between spaces. Words that stand in the texts fewer than `least` times lend their places to the buckets they
    are hashed to, which so get vectors too; a bucket that none was hashed to has zeros. Raises KitError where `out`
    holds something else than an encoder.
    """
    import tensorflow as tf

    split = splitter(normalised)
    told = [split(text) for text in texts]
    counts: dict[str, int] = {}
    for each in told:
        for word in each:
            counts[word] = counts.get(word, 0) + 1
    rare = sorted(word for word, often in counts.items() if often < least)
    hashed = tf.strings.to_hash_bucket_fast(tf.constant(rare, tf.string), BUCKETS).numpy().tolist() if rare else []
    named = dict(zip(rare, map(BUCKET.format, hashed), strict=True))
    learned = cooccurrence.learn(
        ["\t".join(named.get(word, word) for word in each) for each in told],
        width=width,
        least=1,
        seed=seed,
        split=lambda text: text.split("\t") if text else [],
    )
    place = {word: number for number, word in enumerate(learned.words)}
    words = [word for word in learned.words if not word.startswith("\x00")]
    table = np.zeros((len(words) + BUCKETS, width), np.float32)
    table[: len(words)] = learned.matrix[[place[word] for word in words]]
    for bucket in range(BUCKETS):
        if (at := place.get(BUCKET.format(bucket))) is not None:
            table[len(words) + bucket] = learned.matrix[at]
    card = {
        "made of": f"{len(texts):,} texts by kit, in the form of Google's NNLM modules",
        "width": width,
        "normalised": normalised,
        "words": len(words),
        "buckets": BUCKETS,
    }
    with handles.writing(out, card) as folder:
        save(words, table, folder / PART, normalised=normalised)
    return card


def splitter(normalised: bool) -> Callable[[str], list[str]]:
    """What the module does to a text before it looks words up, in Python."""
    if not normalised:
        return lambda text: [word for word in text.split(" ") if word]
    marks = re.compile(r"[^\w\s]|_")  # letters, digits and spaces are left, as MARKS leaves them
    # TensorFlow makes ASCII letters small only, and so does this.
    small = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})
    return lambda text: [word for word in marks.sub(" ", text).translate(small).split(" ") if word]


def save(words: Sequence[str], table: np.ndarray, folder: Path, *, normalised: bool) -> None:
    """Write a SavedModel of the vectors of `words` and of the buckets behind them, float32 of (both, width)."""
    import tensorflow as tf

    class Module(tf.Module):
        # Properties of tf.Module are not saved; hub.KerasLayer fine-tunes what a module has saved under this name.
        trainable_variables: Sequence[Any] = ()

        def __init__(self) -> None:
            super().__init__()
            self.embeddings = tf.Variable(table, name="embeddings")
            self.trainable_variables = [self.embeddings]
            listed = folder.parent / "words.txt"
            listed.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
            init = tf.lookup.TextFileInitializer(
                str(listed),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            )
            self.numbers = tf.lookup.StaticVocabularyTable(init, len(table) - len(words))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def __call__(self, texts: Any) -> Any:
            if normalised:
                texts = tf.strings.lower(tf.strings.regex_replace(texts, MARKS, " "))
            told = tf.strings.split(texts, " ")
            told = tf.ragged.boolean_mask(told, tf.not_equal(told, ""))
            vectors = tf.gather(self.embeddings, self.numbers.lookup(told.flat_values))
            total = tf.math.unsorted_segment_sum(vectors, told.value_rowids(), told.nrows())
            count = tf.cast(told.row_lengths(), tf.float32)
            return total / tf.sqrt(tf.maximum(count, 1.0))[:, None]

    tf.saved_model.save(Module(), str(folder))
    (folder.parent / "words.txt").unlink()
