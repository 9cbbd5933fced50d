"""How a token is drawn from a model's probabilities: temperature, the likeliest k, and those that share p."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kit.errors import KitError


@dataclass(frozen=True)
class Sampling:
    """Temperature 0 always takes the likeliest token, 1 draws as the model says, and more evens out. `top_k` keeps so
    many of the likeliest tokens, 0 all; `top_p` keeps the likeliest that together have that probability, 1 all.

    Source of `top_p`: Holtzman and others, The Curious Case of Neural Text Degeneration, ICLR 2020. Raises KitError for
    numbers that are none of these.
    """

    temperature: float = 0.7
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise KitError(
                f"The temperature is {self.temperature:g}.",
                "It must be a number from 0 on: 0 takes the likeliest token each time, 1 draws as the model says.",
                "--temperature 0.7",
            )
        if self.top_k < 0:
            raise KitError(f"--top-k is {self.top_k}.", "It must be 1 or more; 0 keeps all tokens.", "--top-k 40")
        if not (math.isfinite(self.top_p) and 0 < self.top_p <= 1):
            raise KitError(f"--top-p is {self.top_p:g}.", "It must be above 0 and at most 1.", "--top-p 0.9")

    def draw(self, p: np.ndarray, random: np.random.Generator) -> int:
        """The number of a token, drawn from the probabilities `p` of (tokens,), which need not add up to 1."""
        if self.temperature == 0 or self.top_k == 1:
            return int(np.argmax(p))
        with np.errstate(divide="ignore"):
            logs = np.log(p) / self.temperature
        weights = np.exp(logs - logs.max())
        if self.top_k or self.top_p < 1:
            order = np.argsort(-weights, kind="stable")
            kept = np.ones(len(order), bool)
            if self.top_k:
                kept[self.top_k :] = False
            if self.top_p < 1:
                shares = np.cumsum(weights[order] * kept)
                # The one that reaches the sum is kept too, so that at least one is.
                kept &= shares - weights[order] < self.top_p * shares[-1]
            weights[order[~kept]] = 0
        total = np.cumsum(weights)
        return int(np.searchsorted(total, random.random() * total[-1], side="right"))
