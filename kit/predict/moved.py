"""Which words of a text moved a prediction, by occlusion: the text is predicted again without each of them.

Source: Li, Monroe, Jurafsky, Understanding Neural Networks through Representation Erasure, 2016.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kit import places
from kit.task import outputs

MOST = 200
"""Parts that a text is cut into at most, each left out once: of a longer text several words in a row are one part."""

SURE = 1e-6
"""Probabilities are kept so far from 0 and 1, where log-odds have no end."""

SHOWN = 0.15
"""Share of the strongest effect from which a part is coloured in a terminal, which has no shades."""


class Part(NamedTuple):
    """A word, or several in a row, as it stands in the text, with what follows it up to the next one; and its effect:
    by how much the log-odds of the label fall without it. Below 0 the part spoke against the label."""

    text: str
    effect: float


def parts(text: str, probability: Callable[[Sequence[str]], np.ndarray]) -> list[Part]:
    """The parts of a text in their order. `probability` gives, for texts, how likely the label is, float of (n,)."""
    words = re.findall(r"\s*\S+\s*", text) if text.strip() else []
    each = -(-len(words) // MOST) if words else 1
    pieces = ["".join(words[start : start + each]) for start in range(0, len(words), each)]
    if len(pieces) < 2:  # without its only word a text is none, of which a model need know nothing
        return [Part(piece, 0.0) for piece in pieces]
    without = ["".join(pieces[:i] + pieces[i + 1 :]) for i in range(len(pieces))]
    p = np.clip(np.asarray(probability([text, *without]), np.float64), SURE, 1 - SURE)
    odds = np.log(p / (1 - p))
    return [Part(piece, float(odds[0] - other)) for piece, other in zip(pieces, odds[1:], strict=True)]


def of_label(pred: np.ndarray, label: int) -> np.ndarray:
    """How likely the class of a number is in predictions of n rows, float of (n,); 0 where only the likeliest classes
    were kept and it is none of them."""
    if pred.dtype.names:
        return np.where(pred["label"] == label, pred["p"], 0).sum(1).astype(np.float64)
    if pred.ndim == 2 and pred.shape[1] > 1:
        return pred[:, label]
    positive = outputs.positive(pred).astype(np.float64)
    return positive if label else 1 - positive


def strongest(told: Sequence[Part], most: int = 8) -> list[Part]:
    """The parts of the largest effects, either way, the largest first."""
    order = sorted(told, key=lambda part: -abs(part.effect))
    return [part for part in order if part.effect][:most]


def coloured(told: Sequence[Part]) -> str:
    """The text for a terminal that shows colours: what spoke for the label in green, against it in red and underlined,
    so that both are told apart without colours too."""
    most = max((abs(part.effect) for part in told), default=0.0)
    made = []
    for part in told:
        word = part.text.rstrip()
        if most and abs(part.effect) >= SHOWN * most:
            code = "32;1" if part.effect > 0 else "31;4"
            made.append(f"\x1b[{code}m{word}\x1b[0m{part.text[len(word) :]}")
        else:
            made.append(part.text)
    return "".join(made)


STYLE = """body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;
background:#fff}h1{font-size:1.2rem}h2{font-size:1rem;margin-top:2rem}p.text{white-space:pre-wrap}
span{border-radius:3px}.against{text-decoration:underline}.key span{padding:0 .4em}"""


def page(title: str, texts: Sequence[tuple[str, Sequence[Part]]], to: Path) -> Path:
    """Write a web page of texts, each below what was predicted: the stronger a part, the deeper its colour. It needs no
    other file. What spoke against the label is underlined too."""
    lines = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{html.escape(title)}</title><style>{STYLE}</style><h1>{html.escape(title)}</h1>",
        "<p class=key>By occlusion: each word's effect is by how much the log-odds of the label fall without it. "
        f"<span style='background:{_colour(0.8)}'>for the label</span> "
        f"<span class=against style='background:{_colour(-0.8)}'>against it</span></p>",
    ]
    for said, told in texts:
        most = max((abs(part.effect) for part in told), default=0.0) or 1.0
        lines += [f"<h2>{html.escape(said)}</h2><p class=text>", *(_span(part, most) for part in told), "</p>"]
    to.parent.mkdir(parents=True, exist_ok=True)
    with places.whole(to) as partial:
        partial.write_text("".join(lines) + "</html>\n", encoding="utf-8")
    return to


def _span(part: Part, most: float) -> str:
    word = part.text.rstrip()
    share = part.effect / most
    against = " class=against" if share < -SHOWN else ""
    shown = f"<span{against} title='{part.effect:+.2f}' style='background:{_colour(share)}'>{html.escape(word)}</span>"
    return shown + html.escape(part.text[len(word) :])


def _colour(share: float) -> str:
    """Blue for the label, orange against it, which the colour-blind tell apart; the deeper, the stronger."""
    red, green, blue = (0, 114, 178) if share > 0 else (230, 121, 0)
    return f"rgba({red},{green},{blue},{min(abs(share), 1) * 0.55:.2f})"
