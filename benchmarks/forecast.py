"""How often `kit forecast` holds: runs of real competitions against the hidden answers of their test rows.

    python -m benchmarks.forecast --home /tmp/forecast
    python -m benchmarks.forecast --home /tmp/draws --draws 6     # other rows as test rows, six times

Makes a workspace with the competitions of ../shared/data/competitions, trains the recipes of `kit new` in three ways
(five folds, three folds, a holdout), and blends those of five folds, where that is not done. Compares each forecast
with the scores of the public and the private half of the test rows, for 20 random ways to halve them. `plain` is an
interval of the out-of-fold score and the noise of the rows on both sides, without any gain. Widths are means, in
parts of the oracle's, who knows the score over endless rows, so that only the noise of the half is left: nothing can
be narrower. All runs of a competition share its test rows, so that a competition is one draw of them; with `--draws`
the rows with answers are shared out between train and test anew, at random, where the competition was made so too.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.any import FILES, kit
from kit.errors import KitError
from kit.judge import forecast, repeats
from kit.task import catalog, metrics
from kit.train import runs
from kit.words import table

TABLES, TEXTS = ("linear", "hist", "lightgbm"), ("linear", "nbsvm")
WAYS: dict[str, list[str]] = {
    "5 folds": [],
    "3 folds": ["--folds", "3", "--seed", "1"],
    "holdout": ["--holdout", "--seed", "2"],
}
DRAWN = {
    "titanic": "titanic",
    "ghouls-goblins-and-ghosts-boo": "ghouls",
    "playground-series-s3e13": "s3e13",
    "nomad2018-predict-transparent-conductors": "nomad2018",
}
"""Tables whose test rows are a random share of all, and a short name of each. `hist` is left out, since it is slow."""

HALVES = 40
WIDTH = 1.6449
"""Standard deviations on each side of 90%."""


def drawn(files: Path, slug: str, task: dict[str, Any], draw: int) -> str:
    """Write a zip and a solution file for other test rows of a competition, as many as it has, and give their name."""
    name = f"{DRAWN[slug]}-draw-{draw}"
    files.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(FILES / f"{slug}.zip") as given:
        sample = next(part for part in given.namelist() if "submission" in part.lower())
        train, test, said = (
            pd.read_csv(given.open(part), dtype=str, keep_default_na=False)
            for part in ("train.csv", "test.csv", sample)
        )
    answers = pd.read_csv(FILES / f"{slug}.solution.csv", dtype=str, keep_default_na=False)
    everything = pd.concat([train, test.merge(answers, on=task["id"], validate="one_to_one")[train.columns]])
    order = np.random.default_rng(draw).permutation(len(everything))
    rest, held = (everything.iloc[np.sort(rows)] for rows in (order[len(test) :], order[: len(test)]))
    constant = held[[task["id"]]].assign(**said.iloc[0][task["targets"]].to_dict())
    with zipfile.ZipFile(files / f"{name}.zip", "w") as packed:
        for part, frame in (("train.csv", rest), ("test.csv", held[test.columns]), (sample, constant)):
            packed.writestr(part, frame.to_csv(index=False))
    held[[task["id"], *task["targets"]]].to_csv(files / f"{name}.solution.csv", index=False)
    return name


def made(home: Path, files: Path, slug: str, task: dict[str, Any], recipes: Sequence[str]) -> None:
    """The competition and its runs by `recipes`, where they are not there."""
    if not (home / "competitions" / slug.replace("-", "_")).is_dir():
        (home / "competitions").mkdir(parents=True, exist_ok=True)
        kit(home, "new", slug, "--from", str(files / f"{slug}.zip"), "--over", "--metric", task["metric"])
    known = {(run.plan.recipe, way(run)) for run in runs.every(slug) if run.finished}
    if recipes and (home / "competitions" / slug.replace("-", "_") / "nbsvm.py").exists():
        recipes = TEXTS
    for recipe in recipes:
        for name, words in WAYS.items():
            if (recipe, name) not in known:
                kit(home, "train", slug, recipe, "--no-plots", *words)
    members = [
        run.name for run in runs.every(slug) if run.finished and way(run) == "5 folds" and run.plan.recipe != "blend"
    ]
    for method in ("mean", "hill-climb", "stack"):
        if recipes and len(members) > 1 and ("blend", "5 folds") not in known:
            kit(home, "ensemble", slug, *members, "--method", method)


def way(run: runs.Run) -> str:
    """How a run was judged."""
    return "holdout" if run.plan.scheme == "holdout" else f"{run.plan.folds or 5} folds"


def halves(submission: Path, solution: Path, task: dict[str, Any]) -> list[float]:
    """The scores of random halves of the test rows."""
    keys = [task["id"]] if isinstance(task["id"], str) else task["id"]
    answers, said = (pd.read_csv(path, dtype=dict.fromkeys(keys, str)) for path in (solution, submission))
    both = answers.merge(said, on=keys, suffixes=("", " said"), validate="one_to_one")
    y, pred = both[task["targets"]].to_numpy(), both[[f"{name} said" for name in task["targets"]]].to_numpy()
    if len(task["targets"]) == 1:
        y, pred = y[:, 0], pred[:, 0]
    labels = np.unique(y) if y.ndim == 1 and y.dtype == object else None
    metric, scores = metrics.named(task["metric"]), []
    for seed in range(HALVES // 2):
        order = np.random.default_rng(seed).permutation(len(y))
        for rows in np.array_split(order, 2):
            scores.append(metric.score(y[rows], pred[rows], labels=labels))
    return scores


def judged(files: Path, slug: str, task: dict[str, Any]) -> list[dict[str, Any]]:
    """What the forecast of each run says, and what came."""
    entry, lines = catalog.find(slug), []
    again = None
    if entry.competition.kind in ("table", "text"):
        again = repeats.find(*entry.competition.load(entry.public()))
    known = [run for run in runs.every(slug) if run.finished]
    for run in known:
        if run.score is None:
            continue
        try:
            said = forecast.forecast(entry, run, public_share=0.5, repeats=again, others=known)
        except KitError as error:
            print(f"{run.name}: {error.wrong}")
            continue
        came = np.array(halves(run.submission, files / f"{slug}.solution.csv", task))
        parts, expected = said.parts, said.private.expected
        alone = forecast.forecast(entry, run, public_share=0.5).parts
        plain = math.hypot(alone["rows"], alone["private_rows"])
        lines.append(
            {
                "competition": slug.partition("-draw-")[0],
                "recipe": run.plan.recipe,
                "way": way(run),
                "cv": parts["cv"],
                "expected": expected,
                "came": float(came.mean()),
                "held": float(np.mean(np.abs(came - expected) <= WIDTH * said.private_sd)),
                "plain": float(np.mean(np.abs(came - parts["cv"]) <= WIDTH * plain)),
                "width": said.private_sd / parts["private_rows"],
                "plain width": plain / parts["private_rows"],
                "off": float((came.mean() - expected) / said.private_sd),
                "off of plain": float((came.mean() - parts["cv"]) / plain),
                "parts": parts,
            }
        )
    return lines


def means(lines: list[dict[str, Any]], by: str) -> list[tuple[str, ...]]:
    """A line for each value of a column, and one for all."""
    told: list[tuple[str, ...]] = []
    for value in [*dict.fromkeys(line[by] for line in lines), "all"]:
        some = [line for line in lines if value in ("all", line[by])]

        def mean(name: str, some: list[dict[str, Any]] = some) -> float:
            return float(np.mean([line[name] for line in some]))

        held = (f"{mean('held'):.0%}", f"{mean('width'):.2f}", f"{mean('plain'):.0%}", f"{mean('plain width'):.2f}")
        told.append((value, str(len(some)), *held, f"{mean('off'):+.2f}", f"{mean('off of plain'):+.2f}"))
    return told


def main() -> None:
    """Train what is not there, and print tables."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    asked.add_argument("--home", type=Path, required=True)
    asked.add_argument("--no-train", dest="train", action="store_false", help="judge the runs that are there")
    asked.add_argument("--slugs", nargs="*")
    asked.add_argument("--draws", type=int, default=0, help="how often other rows become the test rows")
    asked.add_argument("--unknown", type=float, help="in place of forecast.UNKNOWN")
    given = asked.parse_args()
    os.environ["KIT_HOME"] = str(given.home)
    forecast.UNKNOWN = forecast.UNKNOWN if given.unknown is None else given.unknown
    tasks = json.loads((FILES / "tasks.json").read_text())
    lines: list[dict[str, Any]] = []
    files, recipes = (given.home / "files", ("linear", "lightgbm")) if given.draws else (FILES, TABLES)
    for draw in range(given.draws or 1):
        for slug in given.slugs or (DRAWN if given.draws else tasks):
            name = drawn(files, slug, tasks[slug], draw) if given.draws else slug
            made(given.home, files, name, tasks[slug], recipes if given.train else ())
            lines += judged(files, name, tasks[slug])
    (given.home / "forecasts.json").write_text(json.dumps(lines, indent=1))
    header = ("by", "runs", "held", "width", "plain held", "plain width", "off, sd", "plain off, sd")
    for by in ("competition", "recipe", "way"):
        print(table(header, means(lines, by)), "\n")


if __name__ == "__main__":
    main()
