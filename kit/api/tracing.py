"""From a score back to what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.api.results import Listing
from kit.kaggle.why import Link
from kit.train.runs import Run
from kit.words import Table, count


@dataclass(frozen=True, repr=False)
class Why(Listing[Link]):
    """The links from a score to what it was made of. `run` is None where the file is none of a run."""

    competition: str
    run: Run | None

    @property
    def breaks(self) -> tuple[Link, ...]:
        """The links that contradict what was recorded."""
        return tuple(one for one in self if one.state == "broken")

    def summary(self) -> str:
        broken = f", broken at {', '.join(one.what for one in self.breaks)}" if self.breaks else ""
        return f"{count(len(self), 'link')} of {self.run.name if self.run else self.competition}{broken}"

    def table(self) -> Table:
        rows = [
            (one.what, "" if one.state == "ok" else one.state, one.said + (f": {one.why}" * bool(one.why)))
            for one in self
        ]
        return Table(("link", "state", "what is known"), rows)

    def facts(self) -> dict[str, Any]:
        return {
            "competition": self.competition,
            "run": self.run.name if self.run else None,
            "links": [one._asdict() for one in self],
            "breaks": [one.what for one in self.breaks],
        }


def why(of: str | int | float | Path, *, competition: str | None = None) -> Why:
    """The chain from a leaderboard score to submission, kernel version, commit, data, settings, seed, out-of-fold
    predictions and device, each link compared with what is here.

    `of` is the number of a submission, a public or private score as far as you know its digits, the file of a
    submission, or a run. Raises KitError when nothing fits, or several submissions do.
    """
    from kit.kaggle import why as tracing

    chain = tracing.chain(str(of), competition)
    return Why(chain.links, chain.entry.name, chain.run)
