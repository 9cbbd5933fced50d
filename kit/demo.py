"""`kit demo`: the main job on the embedded sample, from data to a graded submission and a place on a leaderboard.

The grade comes from a Kaggle on loopback through the official client, the same way as it would from kaggle.com.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

from kit import places
from kit.api import submitting, tasks, training
from kit.api.emulator import emulator
from kit.api.results import Listing
from kit.kaggle.leaderboard import Board
from kit.notes import tell
from kit.train.runs import Run
from kit.words import Table, duration

COMPETITION = "digit-recognizer"
RECIPES = ("forest", "dense", "cnn")
"""A classic, the practical's first network and a convolutional one: what a beginner tries, in that order."""
WITHOUT_KERAS = ("neighbours", "svm", "forest")
"""What the base install can train."""
USER = "you"


@dataclass(frozen=True, repr=False)
class Demo(Listing[dict[str, Any]]):
    """What the demo came to: the scores of each recipe, the best public score first, and the leaderboard."""

    board: Board

    def summary(self) -> str:
        return f"{len(self)} recipes trained, submitted and scored"

    def table(self) -> Table:
        rows = [
            (one["recipe"], *(f"{one[name]:.5f}" for name in ("cv", "public", "private")), duration(one["seconds"]))
            for one in self
        ]
        return Table(("recipe", "cross-validation", "public", "private", "fitting"), rows)

    def places(self) -> Table:
        """The teams of the leaderboard that are next to the demo's own."""
        own = self.board.own(USER)
        near = [row for row in self.board.rows if own and abs(row.rank - own.rank) <= 2]
        rows = [(row.rank, row.team + (" <-" if row is own else ""), f"{row.score:.5f}") for row in near]
        return Table(("rank", "team", "public"), rows)

    def facts(self) -> list[dict[str, Any]]:
        return list(self.items)


def demo() -> Demo:
    """Train some recipes on the embedded sample, submit them to an emulator of Kaggle, and read its leaderboard.

    All of it lands in a workspace of its own, `data/demo`, so that no sample run stands among real ones.
    """
    home = places.workspace() / "data" / "demo"
    home.mkdir(parents=True, exist_ok=True)
    tell(f"export KIT_HOME={home}")
    with places.environment({"KIT_HOME": str(home)}):
        tell(f"kit download {COMPETITION} --sample")
        tasks.download(COMPETITION, sample=True)
        trained = [_trained(word) for word in recipes()]
        with emulator(sample=True, user=USER, private_scores=True) as kaggle:
            tell(f"\nkit emulator serve --sample  # {kaggle.url}")
            scored = [_sent(run) for run in trained]
            board = submitting.leaderboard(COMPETITION, sample=True).board
    return Demo(tuple(sorted(scored, key=lambda one: -one["public"])), board)


def recipes() -> tuple[str, ...]:
    """RECIPES where Keras is installed, else WITHOUT_KERAS."""
    if importlib.util.find_spec("keras"):
        return RECIPES
    tell(f"Keras is not installed, so the demo trains no network. To have it: {places.install('keras')}")
    return WITHOUT_KERAS


def _trained(word: str) -> Run:
    tell(f"\nkit train {COMPETITION} {word} --sample --folds 3 --no-plots")
    return training.train(COMPETITION, word, sample=True, folds=3, plots=False)


def _sent(run: Run) -> dict[str, Any]:
    tell(f"kit submit {COMPETITION} {run.name} --sample --yes")
    attempt = submitting.submit(COMPETITION, run, sample=True).attempt
    assert attempt is not None  # nobody was asked, so it was sent
    return {
        "recipe": run.plan.label,
        "cv": run.score,
        "public": attempt.public_score,
        "private": attempt.private_score,
        "seconds": run.record.fit_seconds,
        "run": run.name,
    }
