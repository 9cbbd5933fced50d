"""What the steps of a kernel give: the kernel, its rehearsals, its version on Kaggle, where that stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kit.api.results import Listing, Result
from kit.kaggle import client
from kit.kaggle.kernel import inference, metadata, notebook, sessions, versions
from kit.kaggle.kernel import probe as probing
from kit.kaggle.kernel.hidden import Look
from kit.kaggle.kernel.rehearsal import Rehearsal
from kit.kaggle.kernel.sessions import State
from kit.train.runs import Plan, Run
from kit.words import Table


@dataclass(frozen=True, repr=False)
class Kernel(Result):
    """A built kernel: the folder of its notebook and its `kernel-metadata.json`, and the plan that it carries out; or
    the run by whose models it predicts, with the plan of that."""

    folder: Path
    plan: Plan
    run: Run | None = None

    @property
    def notebook(self) -> Path:
        """The file that Kaggle runs."""
        return self.folder / notebook.FILE

    @property
    def words(self) -> str:
        """How a command names it: `digit-recognizer cnn:augmented`."""
        return notebook.words(self.plan) if self.run is None else inference.words(self.run)

    def summary(self) -> str:
        return f"kernel {self.folder.name}, {self.notebook.stat().st_size:,} bytes"

    def table(self) -> Table:
        return Table(("what", "value"), list(metadata.read(self.folder).items()))

    def facts(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "bytes": self.notebook.stat().st_size}


class Looks(Listing[Look]):
    """How a kernel that only predicts went here on one test file after the other."""

    def summary(self) -> str:
        return f"{len(self)} test files, {sum(one.passed for one in self)} predicted"

    def table(self) -> Table:
        header = ("test file", "mounts", "rows", "rows/s", "GB", "outcome")
        return Table(
            header,
            [
                (one.what, one.layout, f"{one.rows:,}", f"{one.rate:,.0f}", f"{one.memory / 1e9:.2f}", one.said)
                for one in self
            ],
        )

    def facts(self) -> list[dict[str, Any]]:
        return [one._asdict() for one in self]


class Rehearsals(Listing[Rehearsal]):
    """How a kernel went here under each of Kaggle's mount layouts."""

    def summary(self) -> str:
        return f"{len(self)} rehearsals, all accepted"

    def table(self) -> Table:
        return Table(Rehearsal._fields, [tuple(one) for one in self], spare=("sha256", "environment"))

    def facts(self) -> list[dict[str, Any]]:
        return [one._asdict() for one in self]


@dataclass(frozen=True, repr=False)
class Probe(Result):
    """What is on a machine of Kaggle's, the file that keeps it, and what differs from the list that comes with kit:
    package, version there, version seen."""

    seen: probing.Seen
    file: Path
    differences: tuple[tuple[str, str, str], ...]

    def summary(self) -> str:
        image, devices = self.seen.image, ", ".join(self.seen.devices) or "no accelerator"
        disk = " and ".join(f"{size['free'] / 1e9:.0f} GB free in {place}" for place, size in self.seen.disk.items())
        return (
            f"Python {image.python}, {len(image.packages)} packages, {devices}, {self.seen.cores} cores, "
            f"{self.seen.memory / 1e9:.0f} GB of memory, {disk}; {len(self.differences)} differ from the shipped list"
        )

    def table(self) -> Table:
        return Table(("package", "in kit's list", "seen"), self.differences)

    def facts(self) -> dict[str, Any]:
        return {"file": str(self.file), **asdict(self.seen), "differences": self.differences}


@dataclass(frozen=True, repr=False)
class Pushed(Result):
    """A version of a kernel on Kaggle."""

    version: versions.Pushed

    def summary(self) -> str:
        return f"{self.version.ref} {self.version.label}"

    def table(self) -> Table:
        return Table(("what", "value"), list(self.facts().items()))

    def facts(self) -> dict[str, Any]:
        return asdict(self.version)


@dataclass(frozen=True, repr=False)
class Status(Result):
    """Where a version stands."""

    version: versions.Pushed
    state: State

    def summary(self) -> str:
        return f"{self.version.ref} {self.version.label}: {self.state.status.lower()}"

    def table(self) -> Table:
        return Table(("what", "value"), list(self.facts().items()))

    def facts(self) -> dict[str, Any]:
        return {"ref": self.version.ref, "version": self.version.version, **self.state._asdict()}

    def refuse_failure(self) -> None:
        """Raises KitError, with the end of its log, when the version has finished and did not complete."""
        if self.state.finished:
            sessions.succeeded(client.connect(), self.version, self.state)
