"""Tweets as a language model reads them: without what the typing and the collecting of them left behind."""

from __future__ import annotations

import html
import re
from typing import Any

from kit.rows.texts import LINK, MENTION

# Quotation marks, dashes and the like, each of which became three or more characters when the tweets were collected.
BROKEN = {"\x89Ûª": "'", "\x89Û÷": "'", "\x89ÛÏ": '"', "\x89Û\x9d": '"', "\x89ÛÒ": "-", "\x89ÛÓ": "-", "\x89Û_": "..."}
REST = re.compile(r"\x89Û.?|[\x00-\x1f\x7f-\x9f]")


def texts(x: Any, *, clean: bool, keyword: bool) -> list[str]:
    """The text of each row of the competition's frame, with `keyword` in front where the row has one.

    `clean` repairs characters, and puts one word in place of each link and each mention: what a link says is chance,
    and its letters are a third of all word pieces.
    """
    made = [_filled(text) for text in x["text"]]
    if clean:
        made = [cleaned(text) for text in made]
    if keyword:
        words = [_filled(word).replace("%20", " ") for word in x["keyword"]]
        made = [f"{word}: {text}" if word else text for word, text in zip(words, made, strict=True)]
    return made


def _filled(value: Any) -> str:
    """The text of a cell, an empty one where it is missing."""
    return value if isinstance(value, str) else ""


def cleaned(text: str) -> str:
    """`text` with its characters repaired, `http` for each link, `@user` for each mention and single spaces."""
    text = html.unescape(text)
    for broken, whole in BROKEN.items():
        text = text.replace(broken, whole)
    return " ".join(MENTION.sub("@user", LINK.sub("http", REST.sub(" ", text))).split())
