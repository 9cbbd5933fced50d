"""This machine: doctor, demo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kit.api.results import Listing, Result
from kit.doctor import Line
from kit.kaggle.health import Check
from kit.words import Table

if TYPE_CHECKING:
    from kit.demo import Shown


class Diagnosis(Listing[Line]):
    """What was examined on this machine, each line with a cure where something is wrong."""

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return all(line.well for line in self)

    def summary(self) -> str:
        wrong = sum(not line.well for line in self)
        return f"{len(self)} things examined, {wrong or 'none'} wrong"

    def table(self) -> Table:
        return Table(("", "what", "seen"), [("ok" if line.well else "!!", line.what, line.seen) for line in self])

    def facts(self) -> list[dict[str, Any]]:
        return [line._asdict() for line in self]


class Assumptions(Listing[Check]):
    """What kit assumes of Kaggle, compared with what Kaggle does."""

    @property
    def well(self) -> bool:
        """Whether none was seen to be wrong."""
        return not any(check.holds is False for check in self)

    def summary(self) -> str:
        wrong = sum(check.holds is False for check in self)
        return f"{len(self)} assumptions, {wrong or 'none'} seen to be wrong"

    def table(self) -> Table:
        return Table(("assumption", "holds", "seen"), [(c.assumption, c.holds, c.seen) for c in self])

    def facts(self) -> list[dict[str, Any]]:
        return [check._asdict() for check in self]


def doctor() -> Diagnosis:
    """Examine Python, packages, places, disk and devices, and the way to Kaggle."""
    from kit.doctor import examine

    return Diagnosis(tuple(examine()))


def assumptions() -> Assumptions:
    """Compare Kaggle with what kit assumes of it, by reading only. Raises KitError without credentials."""
    from kit.kaggle import health

    return Assumptions(tuple(health.live()))


class Demo(Result):
    """What the demo came to."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown

    def summary(self) -> str:
        return f"demo of {len(self.shown.rows)} recipes"

    def table(self) -> Table:
        from kit.demo import table

        return table(self.shown)

    def facts(self) -> list[dict[str, Any]]:
        return self.shown.rows


def demo() -> Demo:
    """Run the main job on the embedded sample: train, submit to an emulator of Kaggle, look at the leaderboard."""
    from kit.demo import demo as show

    return Demo(show())
