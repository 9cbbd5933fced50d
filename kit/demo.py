"""`kit demo`: the main job on the embedded sample, from data to a graded submission and a place on a leaderboard.

The grade comes from a Kaggle on loopback through the official client, the same way as it would from kaggle.com.
"""

from __future__ import annotations

import importlib.util
from typing import Any, NamedTuple

from kit import places, words
from kit.data import fetch
from kit.emulator import local
from kit.kaggle import client, leaderboard, score, send, submit
from kit.kaggle.leaderboard import Board
from kit.notes import tell
from kit.task import catalog
from kit.task.catalog import Entry
from kit.train import loop, runs
from kit.train.runs import Run
from kit.words import Table, duration

COMPETITION = "digit-recognizer"
RECIPES = ("forest", "dense", "cnn")
"""A classic, the practical's first network and a convolutional one: what a beginner tries, in that order."""
WITHOUT_KERAS = ("neighbours", "svm", "forest")
"""What the base install can train."""
USER = "you"


class Shown(NamedTuple):
    """What the demo came to: a row for each recipe, the best public score first, and the leaderboard."""

    rows: list[dict[str, Any]]
    board: Board


def demo() -> Shown:
    """Train some recipes on the sample, send it to the emulator, and look at the leaderboard.

    All of it lands in a workspace of its own, `data/demo`, so that no sample run stands among real ones.
    """
    home = places.workspace() / "data" / "demo"
    home.mkdir(parents=True, exist_ok=True)
    tell(f"export KIT_HOME={home}")
    with places.environment({"KIT_HOME": str(home)}):
        entry = catalog.find(COMPETITION, sample=True)
        tell(f"kit download {COMPETITION} --sample")
        fetch.fetch(entry)
        trained = [_trained(entry, word) for word in recipes()]
        with local.running(sample=True, user=USER, private_scores=True) as emulator, places.environment(emulator.env):
            tell(f"\nkit emulator serve --sample  # {emulator.url}")
            rows = [_sent(entry, run) for run in trained]
            board = leaderboard.download(client.connect(), send.slug(entry))
    return Shown(sorted(rows, key=lambda row: -row["public"]), board)


def recipes() -> tuple[str, ...]:
    """RECIPES where Keras is installed, else WITHOUT_KERAS."""
    if importlib.util.find_spec("keras"):
        return RECIPES
    tell(f"Keras is not installed, so the demo trains no network. To have it: {places.install('keras')}")
    return WITHOUT_KERAS


def table(shown: Shown) -> Table:
    """The recipes with their scores."""
    rows = [
        (row["recipe"], f"{row['cv']:.5f}", f"{row['public']:.5f}", f"{row['private']:.5f}", duration(row["seconds"]))
        for row in shown.rows
    ]
    return Table(("recipe", "cross-validation", "public", "private", "fitting"), rows)


def told(shown: Shown) -> str:
    """Both leaderboards as tables, one's own recipes and all teams, and what to type next."""
    place = shown.board.own(USER)
    near = [row for row in shown.board.rows if place and abs(row.rank - place.rank) <= 2]
    teams = [(row.rank, row.team + (" <-" if row is place else ""), f"{row.score:.5f}") for row in near]
    return "\n".join(
        [
            "",
            words.table(*table(shown)[:2]),
            "",
            f"Your place among {shown.board.teams} teams of the emulator, whose scores are made up:",
            words.table(("rank", "team", "public"), teams),
            "",
            "The real thing:",
            f"  kit download {COMPETITION}            # or --from FILE-OR-FOLDER, without credentials",
            f"  kit train {COMPETITION} {shown.rows[0]['recipe']}",
            f"  kit submit {COMPETITION} --dry-run    # and without --dry-run when you like what you see",
        ]
    )


def _trained(entry: Entry, word: str) -> Run:
    tell(f"\nkit train {COMPETITION} {word} --sample --folds 3")
    recipe, variant = entry.recipe(word)
    settings = recipe.resolve(variant, smoke=True)
    plan = loop.planned(entry, recipe, variant, settings, folds=3)
    return loop.train(entry, runs.create(plan))


def _sent(entry: Entry, run: Run) -> dict[str, Any]:
    tell(f"kit submit {COMPETITION} {run.name} --sample --yes")
    kaggle = client.connect()
    parcel = submit.pack(entry, run.submission, run)
    attempt, _ = send.file(entry, parcel, kaggle, force=False)
    attempt = score.settle(entry, attempt, kaggle, send.slug(entry))
    return {
        "recipe": run.plan.label,
        "cv": run.score,
        "public": attempt.public_score,
        "private": attempt.private_score,
        "seconds": run.record["fit_seconds"],
        "run": run.name,
    }
