"""Verbs about training: train, sweep, runs, predict."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kit import records
from kit.cli.words import as_json, dump, sample, verb
from kit.errors import KitError
from kit.notes import tell
from kit.words import duration, table

if TYPE_CHECKING:
    from kit.task.catalog import Entry
    from kit.train.runs import Plan, Run


def add(verbs: Any) -> None:
    """Declare the verbs."""
    found = verb(verbs, train)
    found.add_argument("competition")
    found.add_argument("recipe", nargs="?", default="", help="RECIPE or RECIPE:VARIANT (default: the competition's)")
    scheme = found.add_mutually_exclusive_group()
    scheme.add_argument("--folds", type=int, help="number of folds (default: as declared)")
    scheme.add_argument("--holdout", action="store_true", help="one model, judged by a tenth of the rows")
    scheme.add_argument("--full", action="store_true", help="one model on all rows, without a score")
    scheme.add_argument("--split", metavar="NAME", help="judge by another split that the competition declares")
    found.add_argument("--fold", type=int, dest="only", metavar="K", help="fit this fold only, counted from 0")
    found.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting; repeatable")
    found.add_argument("--seed", type=seed, default=0)
    found.add_argument("--resume", metavar="RUN", help="go on with a run that was killed; `last` is the newest")
    found.add_argument(
        "--no-deterministic", dest="deterministic", action="store_false", help="let kernels sum in any order"
    )
    found.add_argument("--no-plots", dest="plots", action="store_false", help="draw no pictures of the run")
    sample(found)
    as_json(found)

    found = verb(verbs, sweep)
    found.add_argument("competition")
    found.add_argument("recipe", nargs="+", help="RECIPE or RECIPE:VARIANT")
    found.add_argument("--set", action="append", default=[], metavar="NAME=A,B,C", help="values to try; repeatable")
    found.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 0 to N-1 of each")
    scheme = found.add_mutually_exclusive_group()
    scheme.add_argument("--folds", type=int, help="number of folds (default: as declared)")
    scheme.add_argument("--holdout", action="store_true", help="judge by a tenth of the rows")
    scheme.add_argument("--split", metavar="NAME", help="judge by another split that the competition declares")
    sample(found)
    as_json(found)

    found = verb(verbs, runs)
    found.add_argument("competition", nargs="?")
    as_json(found)

    found = verb(verbs, predict)
    found.add_argument("competition")
    found.add_argument("run", help="a run's name, enough of its beginning or end, or `last`")
    what = found.add_mutually_exclusive_group(required=True)
    what.add_argument("files", nargs="*", metavar="FILE", default=[], help="a recording, an image, or a text")
    what.add_argument("--test-item", metavar="ID", help="the id of a test row")
    what.add_argument("--record", metavar="SECONDS", type=float, help="what the microphone hears")
    as_json(found)


def train(args: argparse.Namespace) -> None:
    """Train a recipe with cross-validation; keep out-of-fold predictions, a submission and pictures.

    Everything lands in one folder under submissions/. A killed run goes on with --resume and ends with the same bytes.
    --split judges as other work was judged; such a run is never submitted by itself.

    Example:
      kit train digit-recognizer cnn:augmented --folds 5 --set epochs=20 --seed 1
      kit train digit-recognizer --resume last
    """
    from kit.task import catalog
    from kit.train import runs as store

    entry = catalog.find(args.competition, sample=args.sample)
    if args.resume:
        run = store.find(entry.name, args.resume)
        entry = replace(entry, sample=run.plan.sample)
        _refuse_changes(args, run)
        plan = planned(entry, run.plan.label, run.plan.settings)
        run = store.resumable(run, plan)
    else:
        recipe, variant = entry.recipe(args.recipe)
        overrides = dict(catalog.parse_setting(text) for text in args.set)
        settings = recipe.resolve(variant, overrides, smoke=args.sample)
        run = store.create(
            planned(
                entry,
                f"{recipe.name}:{variant}" if variant else recipe.name,
                settings,
                seed=args.seed,
                scheme="full" if args.full else "holdout" if args.holdout else split(entry, args.split),
                folds=args.folds,
                only=args.only,
                deterministic=args.deterministic,
            )
        )
    run = fitted(entry, run, plots=args.plots)
    if args.json:
        return dump(run.facts())
    return report(entry, run)


def seed(text: str) -> int:
    """A seed: a whole number that no generator refuses."""
    if not 0 <= (found := int(text)) < 2**20:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {2**20 - 1:,}")
    return found


def split(entry: Entry, name: str | None) -> str:
    """The scheme of a plan for `--split NAME`: the name itself, or `cv` where none is given.

    Raises KitError for a split that the competition does not declare.
    """
    known = entry.competition.splits
    if name is not None and name not in known:
        raise KitError(
            f"{entry.name} declares no split {name!r}.",
            f"Known: {', '.join(known)}." if known else "It declares only the one that cross-validation uses.",
            f"kit train {entry.name}  # without --split",
        )
    return name or "cv"


def _refuse_changes(args: argparse.Namespace, run: Run) -> None:
    """A run that goes on does so as it was planned; what would change it is refused, not passed over."""
    given = [
        f"--{name}"
        for name, value, default in (
            ("folds", args.folds, None),
            ("fold", args.only, None),
            ("holdout", args.holdout, False),
            ("full", args.full, False),
            ("split", args.split, None),
            ("set", args.set, []),
            ("seed", args.seed, 0),
            ("no-deterministic", args.deterministic, True),
        )
        if value != default
    ]
    if args.recipe and args.recipe != run.plan.label:
        given.append(args.recipe)
    if given:
        raise KitError(
            f"--resume goes on with run {run.name} as it was planned; {', '.join(given)} would change it.",
            f"It is {run.plan.label} with seed {run.plan.seed}.",
            f"kit train {run.plan.competition} --resume {run.name}",
        )


def sweep(args: argparse.Namespace) -> None:
    """Train a grid of recipes, settings and seeds, and end in one table and a plot.

    What is finished is skipped and what was killed goes on, so the same command continues a sweep. A setting that a
    recipe does not have is left out for that recipe.

    Example:
      kit sweep digit-recognizer forest svm dense --seeds 3
      kit sweep digit-recognizer cnn --set rate=0.001,0.002 --set batch=64,128 --holdout
    """
    from kit import places
    from kit.drawing import sweep_plot
    from kit.task import catalog
    from kit.train import sweep as grids

    entry = catalog.find(args.competition, sample=args.sample)
    plans: list[Plan] = []
    for word in args.recipe:
        recipe, variant = entry.recipe(word)
        several = len(args.recipe) > 1
        known = [text for text in args.set if not several or text.partition("=")[0] in recipe.settings]
        for overrides in grids.grid(known):
            for seed in range(args.seeds):
                plan = planned(
                    entry,
                    f"{recipe.name}:{variant}" if variant else recipe.name,
                    recipe.resolve(variant, overrides, smoke=args.sample),
                    seed=seed,
                    scheme="holdout" if args.holdout else split(entry, args.split),
                    folds=args.folds,
                )
                plans += [plan] if plan not in plans else []
    table_rows = grids.rows(grids.sweep(plans))
    if args.json:
        return dump([row._asdict() for row in table_rows])
    folder = places.runs(entry.name) / f"sweep-{records.now().replace(':', '').replace('-', '')}"
    print(table(grids.columns(table_rows), [row.cells() for row in table_rows]))
    for path in grids.write(folder, table_rows):
        tell(f"Table: {path}")
    if picture := sweep_plot.draw(entry, table_rows, folder / "sweep.png"):
        tell(f"Picture: {picture}")
    return None


def planned(entry: Entry, word: str, settings: dict[str, Any], **rest: Any) -> Plan:
    """The plan of a run; the embedded sample is written first where it is asked for."""
    from kit.data import fetch
    from kit.train import loop

    if entry.sample:
        fetch.sample(entry)
    recipe, variant = entry.recipe(word)
    return loop.planned(entry, recipe, variant, settings, **rest)


def fitted(entry: Entry, run: Run, *, plots: bool) -> Run:
    """The run, trained to its end, and drawn."""
    from kit.train import loop

    tell(f"{entry.name} {run.plan.label} in {run.folder}")
    try:
        run = loop.train(entry, run)
    except KeyboardInterrupt:
        tell(f"\nGo on with: kit train {entry.name} --resume {run.name}")
        raise
    if plots:
        from kit.drawing import run_plots

        for path in run_plots.run(entry, run):
            tell(f"Picture: {path}")
    return run


def report(entry: Entry, run: Run) -> None:
    """What a person wants to know of a finished run."""
    record = run.record
    if run.score is not None:
        spread = f", folds {record.mean:.5f} ± {record.sd:.5f}" if record.sd is not None else ""
        print(f"{record.metric} {run.score:.5f} out-of-fold on {record.rows.out_of_fold:,} rows{spread}")
        if record.also:
            print(", ".join(f"{name} {score:.5f}" for name, score in record.also.items()))
        if decision := record.decision:
            chosen = ", ".join(f"{name} {value:.4f}" for name, value in decision.chosen.items())
            print(
                f"decision chosen on out-of-fold rows: {chosen}; {record.metric} {decision.score:.5f} on them, "
                f"{run.score:.5f} nested, {decision.unchosen:.5f} as declared"
            )
    print(f"{duration(record.fit_seconds)} of fitting on {record.device}")
    print(f"Run: {run.folder}")
    tell(f"Next: kit submit {entry.name} {run.name} --dry-run" + (" --sample" if run.plan.sample else ""))


def runs(args: argparse.Namespace) -> None:
    """List runs with their scores, the best first.

    Example:
      kit runs digit-recognizer
    """
    from kit.judge import choose
    from kit.task import catalog
    from kit.train import runs as store

    names = [catalog.find(args.competition).name] if args.competition else catalog.names()
    found = [run for name in names for run in choose.ranked(store.every(name))]
    if args.json:
        return dump([run.facts() for run in found])
    also = (
        list(dict.fromkeys(name for run in found if run.recorded for name in run.record.also))
        if args.competition
        else []
    )
    rows = [
        (
            run.plan.competition + (" (sample)" if run.plan.sample else ""),
            run.name,
            "unfinished" if not run.finished else run.plan.scheme + ("" if run.plan.only is None else " (one fold)"),
            run.score and f"{run.score:.5f}",
            run.recorded and run.recorded.sd and f"{run.recorded.sd:.5f}",
            *(f"{run.record.also[name]:.5f}" if run.recorded and name in run.record.also else None for name in also),
            duration(run.recorded.fit_seconds if run.recorded else None),
            run.kaggle().get("public_score"),
        )
        for run in found
    ]
    if not rows:
        tell("No runs yet. Try: kit train " + (names[0] if names else "COMPETITION"))
        return None
    print(table(("competition", "run", "judged by", "score", "sd", *also, "fitting", "public"), rows))
    return None


def predict(args: argparse.Namespace) -> None:
    """Show what a run predicts: for a test row, for files, or for what the microphone hears; a table and pictures.

    Files are sounds of any rate and format (cut into utterances), images, or texts, as the competition has them.

    Example:
      kit predict digit-recognizer last --test-item 850
      kit predict audio-mnist last me.wav friend.mp3
      kit predict audio-mnist last --record 3
    """
    from kit.predict import files as judge
    from kit.predict import stored
    from kit.task import catalog
    from kit.train import runs as store

    entry = catalog.find(args.competition)
    run = store.find(entry.name, args.run)
    entry = replace(entry, sample=run.plan.sample)
    if args.test_item is not None:
        found = stored.test_item(entry, run, args.test_item)
        if args.json:
            return dump([{"item": args.test_item, "label": found.label, "probabilities": found.probabilities}])
        print(f"Test item {args.test_item}: {found.label}")
        print(table(("label", "probability"), [(name, f"{p:.4f}") for name, p in found.probabilities.items()]))
        tell(f"Picture: {found.picture}")
        return None
    heard = args.record is not None
    answer = judge.recorded(entry, run, args.record) if heard else judge.files(entry, run, args.files)
    if args.json:
        return dump([item.facts() for item in answer.items])
    print(table(judge.COLUMNS, [judge.cells(item) for item in answer.items]))
    for picture in answer.pictures:
        tell(f"Picture: {picture}")
    return None
