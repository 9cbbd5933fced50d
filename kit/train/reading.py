"""What the learning curves of a training say, in words: its best epoch, memorising, underfitting, an unsteady loss.

What a person sees in a picture of training and validation loss, computed from the fold's history. The limits are those
from which the eye sees it in such a picture, and stand here once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RISES = 0.05
"""Share of the lowest validation loss by which it must have risen at the end to count as memorising."""

JUMPS = 0.05
"""Share by which the validation loss must rise from one epoch to the next to count as a jump."""

FALLS = 0.01
"""Share by which the validation loss must fall in the last epoch for another one to promise anything."""

CLOSE = 0.1
"""Share of the validation loss below which its distance to the training loss is small."""


@dataclass(frozen=True)
class Reading:
    """The reading of one training.

    `best` is the epoch of the lowest validation loss, counted from 1, of `epochs`. `gap` is the validation loss less
    the training loss in that epoch, and `accuracy_gap` training less validation accuracy, None where there is none.
    `verdicts` are `memorising`, `underfitting` and `unstable`, those that hold. `words` says all of it in sentences.
    """

    best: int
    epochs: int
    gap: float
    accuracy_gap: float | None
    verdicts: tuple[str, ...]
    words: str


def read(history: Mapping[str, Sequence[float]]) -> Reading | None:
    """The reading of a fold's history; None where it has no training and validation loss of at least two epochs."""
    pairs = list(zip(history.get("loss", ()), history.get("val_loss", ()), strict=False))
    if len(pairs) < 2 or not all(math.isfinite(value) for pair in pairs for value in pair):
        return None
    loss, held = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    at = min(range(len(held)), key=held.__getitem__)
    gap = held[at] - loss[at]
    said = [f"The lowest validation loss, {held[at]:.3g}, is that of epoch {at + 1} of {len(held)}."]
    verdicts = []
    if held[-1] > held[at] * (1 + RISES) and loss[-1] < loss[at]:
        verdicts.append("memorising")
        said.append(
            f"After it the network memorises: training loss falls on from {loss[at]:.3g} to {loss[-1]:.3g}, while "
            f"validation loss rises to {held[-1]:.3g}."
        )
    elif at == len(held) - 1 and held[-1] < held[-2] * (1 - FALLS):
        close = gap < CLOSE * held[at]
        verdicts += ["underfitting"] if close else []
        said.append(
            "Validation loss was still falling at the end, so that more epochs may help"
            + (", and both losses are close: the network has not learned all it could." if close else ".")
        )
    jumps = [(later - earlier) / earlier for earlier, later in itertools.pairwise(held[: at + 1])]
    if jumps and max(jumps) > JUMPS:
        verdicts.append("unstable")
        said.append(
            f"On the way there validation loss was unstable: it rose by {max(jumps):.0%} from an epoch to the next. A "
            "lower learning rate or larger batches steady it."
        )
    if not verdicts and len(said) == 1:
        said.append("Nothing speaks for memorising, underfitting or an unstable loss.")
    right, held_right = history.get("accuracy", ()), history.get("val_accuracy", ())
    both = len(right) > at and len(held_right) > at
    accuracy_gap = right[at] - held_right[at] if both else None
    if both:
        said.append(f"Training accuracy is {right[at]:.3f} there, validation accuracy {held_right[at]:.3f}.")
    return Reading(at + 1, len(held), gap, accuracy_gap, tuple(verdicts), " ".join(said))
