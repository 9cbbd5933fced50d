"""Word vectors in files of GloVe's text format, read as a stream: a line a word, its numbers behind it.

Source: Pennington, Socher, Manning, GloVe: Global Vectors for Word Representation, EMNLP 2014, and its published files.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from kit.errors import KitError
from kit.toolbox import beside

LONGEST = 1 << 20
"""Bytes of a line that is read: 300 numbers take 4,000. A longer line is no word with its vector."""

WIDEST = 4096
"""Numbers of a vector that is read; published files have 25 to 1,024."""

DOWNLOAD = "curl -LO https://nlp.stanford.edu/data/glove.6B.zip && unzip glove.6B.zip"
"""Gives glove.6B.50d.txt, 100d, 200d and 300d: 400,000 words each, in lower case. 862 MB."""


@dataclass(frozen=True)
class Vectors:
    """Vectors of the words of a vocabulary.

    `words` are the words asked for; `matrix`, float32 of (words, width), holds the vector of each, zeros for a word
    that the file lacks; `known`, bool of (words,), says which it has.
    """

    words: tuple[str, ...]
    matrix: np.ndarray
    known: np.ndarray

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        return int(self.matrix.shape[1])

    @property
    def coverage(self) -> float:
        """The share of the words that the file has, from 0 to 1."""
        return float(self.known.mean()) if len(self.known) else 0.0

    def covered(self, counts: Sequence[int] | np.ndarray) -> float:
        """The share of a text's words that have a vector, from 0 to 1, where word i stands `counts[i]` times in it."""
        counts = np.asarray(counts, np.float64)
        return float(counts[self.known].sum() / counts.sum()) if counts.sum() else 0.0


def read(file: str | Path, words: Sequence[str]) -> Vectors:
    """The vectors of `words` from a file of GloVe's format, which may be packed with gzip.

    Memory holds the vectors that are asked for and one line, whatever the size of the file. Of a word that stands there
    twice the first vector is taken. A first line of two whole numbers, as word2vec and fastText write it, is passed
    over. Raises KitError when the file is missing, a line is no word with as many finite numbers as the first has, or
    none of the words is there.
    """
    path = locate(file)
    place = {word.encode(): at for at, word in enumerate(words)}
    known = np.zeros(len(words), bool)
    matrix = np.zeros((0, 0), np.float32)
    width = 0
    with _opened(path) as lines:
        for number, line in enumerate(_lines(path, lines), 1):
            if not width:
                if number == 1 and _is_header(line):
                    continue
                width = _width(path, number, line)
                matrix = np.zeros((len(words), width), np.float32)
            # Words with spaces in them, such as ". . ." of glove.840B, have more parts.
            if (held := line.count(b" ")) < width:
                raise _refused(path, number, f"has {held:,} numbers, and the first one {width:,}")
            parts = line.split(b" ", 1) if held == width else line.rsplit(b" ", width)
            at = place.get(parts[0])
            if at is not None and not known[at]:
                matrix[at] = _numbers(path, number, parts[1:], width)
                known[at] = True
    if not width:
        raise KitError(f"{path} holds no vectors.", "Each of its lines must be a word and its numbers.", DOWNLOAD)
    if len(words) and not known.any():
        raise KitError(
            f"{path} has none of the {len(words):,} words, such as {', '.join(map(repr, words[:3]))}.",
            "It may be of another language, or its words in another case.",
        )
    return Vectors(tuple(words), matrix, known)


def locate(file: str | Path) -> Path:
    """Where the file of vectors called `file` is: at that path, from the current folder or from the workspace, or in
    `data/vectors/` of the workspace; on Kaggle, among what is attached.

    Raises KitError, with the command that downloads GloVe, when it is not there.
    """
    return beside.locate(
        file,
        folder="data/vectors",
        what="word vectors",
        right="Any text file of a word and its numbers a line will do, such as those of GloVe.",
        cure=f"mkdir -p {{folder}} && cd {{folder}} && {DOWNLOAD}",
    )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2]
        if packed == b"PK":
            raise KitError(f"{path} is a zip file.", "One of the text files in it is read.", f"unzip {path}")
        if packed != b"\x1f\x8b":
            yield raw
            return
        with gzip.open(raw) as unpacked:
            yield unpacked  # type: ignore[misc]


def _lines(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    """The lines, without the spaces at their end. Raises KitError for one of more than LONGEST bytes."""
    number = 0
    try:
        while line := file.readline(LONGEST + 1):
            number += 1
            if len(line) > LONGEST:
                raise _refused(path, number, f"has more than {LONGEST:,} bytes")
            if line := line.rstrip():
                yield line
    except (OSError, EOFError) as error:
        raise KitError(f"{path} cannot be read: {error}", "It may be cut off.", DOWNLOAD) from error


def _is_header(line: bytes) -> bool:
    """Whether a line is `WORDS WIDTH`, as word2vec and fastText write it first."""
    parts = line.split()
    return len(parts) == 2 and all(part.isdigit() for part in parts)


def _width(path: Path, number: int, line: bytes) -> int:
    """How many numbers stand behind the first word."""
    width = len(line.split(b" ")) - 1
    if not 1 < width <= WIDEST:
        raise _refused(path, number, f"has {width:,} numbers" if width > 1 else "is no word with numbers")
    _numbers(path, number, [line.split(b" ", 1)[1]], width)
    return width


def _numbers(path: Path, number: int, parts: list[bytes], width: int) -> np.ndarray:
    """The numbers of a line, float32 of (width,)."""
    try:
        values = np.array(b" ".join(parts).split(b" "), np.float32)
    except ValueError as error:
        raise _refused(path, number, "holds something else than numbers behind its word") from error
    if values.shape != (width,) or not np.isfinite(values).all():
        raise _refused(path, number, f"must have {width:,} finite numbers behind its word")
    return values


def _refused(path: Path, number: int, wrong: str) -> KitError:
    return KitError(
        f"Line {number:,} of {path} {wrong}.",
        "Each line must be a word and its numbers, in UTF-8, with one space between them.",
        DOWNLOAD,
    )
