"""What the learning curves of runs say: curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.api.results import Listing
from kit.api.training import named
from kit.drawing.curves_plot import Curve
from kit.errors import KitError
from kit.task import catalog
from kit.train import progress, reading
from kit.train import runs as store
from kit.train.runs import Run
from kit.words import Table, count


@dataclass(frozen=True, repr=False)
class Curves(Listing[Curve]):
    """The learning curves of runs, a `Curve` each fold that has any, and the picture of all of them."""

    picture: Path

    def summary(self) -> str:
        return f"learning curves of {count(len(self), 'training')}"

    def table(self) -> Table:
        return Table(
            ("training", "best epoch", "gap of loss", "gap of accuracy", "reading"),
            [
                (
                    curve.name,
                    f"{curve.reading.best} of {curve.reading.epochs}",
                    f"{curve.reading.gap:+.3f}",
                    None if curve.reading.accuracy_gap is None else f"{curve.reading.accuracy_gap:+.3f}",
                    ", ".join(curve.reading.verdicts) or "steady",
                )
                for curve in self
            ],
        )

    def words(self) -> list[str]:
        """The reading of each training in sentences."""
        return [f"{curve.name}: {curve.reading.words}" for curve in self]

    def drawn(self) -> Sequence[Path]:
        return (self.picture,)

    def facts(self) -> list[dict[str, Any]]:
        return [
            {
                "training": curve.name,
                "best_epoch": curve.reading.best,
                "epochs": curve.reading.epochs,
                "gap": curve.reading.gap,
                "accuracy_gap": curve.reading.accuracy_gap,
                "verdicts": list(curve.reading.verdicts),
                "words": curve.reading.words,
            }
            for curve in self
        ]


def curves(competition: str, *runs: str | Run, out: str | Path | None = None) -> Curves:
    """Read the learning curves of runs, of all finished ones without any named: the best epoch, the gap between
    training and validation, and whether a training memorised, underfitted or was unstable.

    A picture of all of them goes to `out`, by default `curves.png` in the folder of the competition's runs. Raises
    KitError where no run has training and validation losses of two epochs or more.
    """
    from kit.drawing import curves_plot

    entry = catalog.find(competition)
    chosen = [named(entry, run) for run in runs] or [run for run in store.every(entry.name) if run.finished]
    read = [curve for run in chosen for curve in _of(run)]
    if not read:
        names = ", ".join(run.name for run in chosen[:4])
        raise KitError(
            f"None of these runs has curves: {names or 'there are none'}.",
            "A recipe that reports `loss` and `val_loss` of each epoch has them, as networks do.",
            f"kit runs {entry.name}",
        )
    place = Path(out) if out is not None else chosen[0].folder.parent / "curves.png"
    return Curves(tuple(read), curves_plot.several(entry.name, read, place))


def _of(run: Run) -> list[Curve]:
    """The curves of each fold of a run that can be read."""
    folders = [folder for folder in (*sorted(run.folder.glob("fold-*")), run.folder / "full") if folder.is_dir()]
    made = []
    for folder in folders:
        history = progress.read(folder)
        if told := reading.read(history):
            made.append(Curve(run.plan.label + (f", {folder.name}" if len(folders) > 1 else ""), history, told))
    return made
