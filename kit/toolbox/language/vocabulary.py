"""Texts as tokens and back: characters, words with the space before them, or pieces of words. Tokens that are not known
are spelled."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from kit import places
from kit.errors import KitError
from kit.toolbox.language import counts
from kit.toolbox.language.counts import Counts

Kind = Literal["characters", "words", "pieces"]

UNKNOWN = 1
"""The token of what is not in the vocabulary; END is 0."""

TOKEN = re.compile(r" ?(?:\w+(?:['-]\w+)*|[^\w\s])")
"""A word, letters and digits with apostrophes and hyphens between them, or a mark, with the space before it. A text
with single spaces is the same when its tokens are joined again."""

PIECES = "pieces.json"
"""How words are cut into pieces, in the format of the package tokenizers."""

WORD = re.compile(r" \w+(?:['-]\w+)*")
"""A token that is a word behind a space."""

ANY = math.log2(0x110000)
"""Bits of a character that was never seen: each that Unicode has room for is as likely."""

SPELLED = 6
"""Characters of the runs by which unknown words are spelled out."""

TYPICAL = 20_000
"""Words of least count whose spellings are counted: those that were not seen look like those that were seen once."""


def plain(text: str) -> str:
    """The text with single spaces, as models read it."""
    return " ".join(text.split())


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that a model knows, the end of a text and the unknown token before all others.

    `speller` says how likely the characters of an unknown word are, among `letters`; without one, an unknown token is a
    character, and takes ANY bits. `pieces` is the `tokenizers.Tokenizer` that cuts words into pieces.
    """

    kind: Kind
    tokens: tuple[str, ...]
    letters: Vocabulary | None = None
    speller: Counts | None = None
    pieces: Any = None

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def number(self) -> dict[str, int]:
        """The number of each known token."""
        return {token: at for at, token in enumerate(self.tokens) if at > UNKNOWN}

    @cached_property
    def words(self) -> np.ndarray:
        """Which tokens are words behind a space, and so answers to what comes next: bool of (tokens,)."""
        return np.array([bool(WORD.fullmatch(token)) for token in self.tokens])

    @cached_property
    def parting(self) -> np.ndarray:
        """How likely each token is to begin with a space or to end the text, 0 or 1 of all known ones: float64 of
        (tokens,)."""
        made = np.array([token.startswith(" ") for token in self.tokens], float)
        made[counts.END] = 1
        if self.letters is not None and self.speller is not None and " " in self.letters.number:
            made[UNKNOWN] = self.speller.after([counts.END])[self.letters.number[" "]]
        return made

    def split(self, text: str) -> list[str]:
        """The tokens of a text, known or not, without its end."""
        if self.pieces is not None:
            return [text[begin:end] for begin, end in self.pieces.encode(text).offsets]
        return list(text) if self.kind == "characters" else TOKEN.findall(text)

    def encode(self, text: str) -> np.ndarray:
        """The numbers of the tokens of a text, int64, without its end."""
        return np.array([self.number.get(token, UNKNOWN) for token in self.split(text)], np.int64)

    def decode(self, numbers: Sequence[int]) -> str:
        """The text of tokens; the end and unknown tokens have none."""
        return "".join(self.tokens[at] for at in numbers if at > UNKNOWN)

    def spelling(self, text: str) -> float:
        """The bits that the unknown tokens of a text take beside their being unknown."""
        return sum(map(self.spelled, self.split(text)))

    def spelled(self, token: str) -> float:
        """The bits that the characters of a token take beside its being unknown; 0 of a known one."""
        if token in self.number:
            return 0.0
        if self.letters is None or self.speller is None:
            return ANY * len(token)
        p = self.speller.probabilities([self.letters.encode(token)])
        return float(-np.log2(p).sum()) + self.letters.spelling(token)

    def save(self, folder: Path) -> None:
        """Write the vocabulary into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        facts = {"kind": self.kind, "tokens": self.tokens, "letters": self.letters and self.letters.tokens}
        (folder / "vocabulary.json").write_text(json.dumps(facts, ensure_ascii=False) + "\n", encoding="utf-8")
        if self.speller is not None:
            self.speller.save(folder / "speller")
        if self.pieces is not None:
            self.pieces.save(str(folder / PIECES))

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """What `save` wrote. Raises KitError when the file is not of that form."""
        facts = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        lists = [facts["tokens"], facts["letters"] or []]
        if facts["kind"] not in get_args(Kind) or not all(isinstance(t, str) for each in lists for t in each):
            raise KitError(f"{folder / 'vocabulary.json'} is no vocabulary.", "It may have been changed or cut off.")
        letters = cls("characters", tuple(facts["letters"])) if facts["letters"] else None
        speller = None if letters is None else Counts.load(folder / "speller", len(letters))
        pieces = _tokenizers().Tokenizer.from_file(str(folder / PIECES)) if facts["kind"] == "pieces" else None
        return cls(facts["kind"], tuple(facts["tokens"]), letters, speller, pieces)


def of_characters(texts: Sequence[str], rarest: int = 1) -> Vocabulary:
    """The characters that stand at least `rarest` times in `texts`, in their order."""
    seen = Counter(character for text in texts for character in text)
    kept = sorted(character for character, times in seen.items() if times >= rarest)
    return Vocabulary("characters", ("\n", "", *kept))


def of_words(texts: Sequence[str], rarest: int = 2, most: int = 50_000) -> Vocabulary:
    """The `most` frequent words and marks that stand at least `rarest` times in `texts`, the most frequent first.

    How others are spelled is counted on those that were left out, where there are some, and else on the rarest.
    """
    seen = Counter(token for text in texts for token in TOKEN.findall(text))
    ordered = sorted(seen, key=lambda token: (-seen[token], token))
    kept = [token for token in ordered[:most] if seen[token] >= rarest]
    left = ordered[len(kept) :] or ordered
    letters = of_characters(ordered)
    speller = counts.count([letters.encode(token) for token in left[-TYPICAL:]], len(letters), SPELLED)
    return Vocabulary("words", ("\n", "", *kept), letters, speller)


def of_pieces(texts: Sequence[str], most: int = 4000) -> Vocabulary:
    """All characters of `texts`, and pieces of words that stand there often: `most` tokens, by byte-pair encoding.

    Source: Sennrich, Haddow and Birch, Neural Machine Translation of Rare Words with Subword Units, ACL 2016. Raises
    KitError when the package tokenizers is not installed.
    """
    library = _tokenizers()
    cutter = library.Tokenizer(library.models.BPE(unk_token=""))
    cutter.pre_tokenizer = library.pre_tokenizers.Split(library.Regex(TOKEN.pattern), "isolated")
    trainer = library.trainers.BpeTrainer(vocab_size=most, special_tokens=["\n", ""], show_progress=False)
    cutter.train_from_iterator(texts, trainer)
    number = cutter.get_vocab()
    return Vocabulary("pieces", tuple(sorted(number, key=number.__getitem__)), pieces=cutter)


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ModuleNotFoundError as error:
        raise KitError(
            "Models of pieces of words need the package 'tokenizers', which is not installed.",
            "It comes with the extra 'language'. Models of characters and of words need nothing more.",
            places.install("language"),
        ) from error
    return tokenizers
