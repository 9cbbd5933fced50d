"""What a run folder records: `plan.json`, each fold's `done.json`, and `run.json`, with the version of their schema.

A file of another version, with an unknown or missing key, or with a value of another type is refused, so that nothing
is read for what it is not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kit import records
from kit.errors import KitError

SCHEMA = 1
"""The version of all three files: raised by one when a key changes its name or its meaning."""

SCHEMES = ("cv", "holdout", "full")
"""What judges a run, unless it is a split that the competition declares by name."""

PLAN, DONE, RUN = "plan.json", "done.json", "run.json"

TRIAL = "trial.json"
"""Stands beside the plan of a trial of a search, whose folds are scored and leave nothing else."""

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """All that decides a run's predictions: the same plan, data, packages and machine give the same bytes.

    `scheme` is `cv`, `holdout`, `full` or the name of another split that the competition declares; `folds` the number
    of folds asked for (None: as declared); `only` a single fold to fit. `data` is the sha256 of each public file,
    `code` the digest of all Python files that decide what is fitted, `encoders` the sha256 of each pretrained encoder
    by the setting that names it. `seeds` models of each fold, which differ in their seeds, are averaged; with `refit`
    one more model is fitted on all rows, and joins those of the folds for the test rows. `pseudo` names a run whose
    labels of `pseudo_share` of the test rows, the surest, are trained on too.
    """

    competition: str
    recipe: str
    variant: str
    settings: dict[str, Any]
    seed: int = 0
    scheme: str = "cv"
    folds: int | None = None
    only: int | None = None
    sample: bool = False
    deterministic: bool = True
    data: dict[str, str] = field(default_factory=dict)
    code: str = ""
    encoders: dict[str, str] = field(default_factory=dict)
    seeds: int = 1
    refit: bool = False
    pseudo: str = ""
    pseudo_share: float = 0.5

    def __post_init__(self) -> None:
        # JSON has lists where settings have tuples.
        object.__setattr__(self, "settings", {name: _tuples(value) for name, value in self.settings.items()})

    @property
    def label(self) -> str:
        """`cnn` or `cnn:augmented`, as typed."""
        return f"{self.recipe}:{self.variant}" if self.variant else self.recipe


@dataclass(frozen=True)
class Done:
    """What one fold recorded when it was finished.

    `seconds` are those of fitting; `rows` were trained on; `score` is the metric on the held-out rows, None where none
    were held out; `parameters` are the numbers fitted, where the recipe says how many.
    """

    seconds: float
    rows: int
    where: str
    device: str
    versions: dict[str, str]
    peak_memory_bytes: int
    score: float | None = None
    parameters: int | None = None


@dataclass(frozen=True)
class Trial:
    """What a trial of a search has beside its plan: `shift` is added to the seed of the split, so that the same plan
    can be scored on other folds too."""

    shift: int = 0


@dataclass(frozen=True)
class Rows:
    """How many rows there were to train on, how many of them were held out once and predicted, and how many to test."""

    train: int
    out_of_fold: int
    test: int


@dataclass(frozen=True)
class Decision:
    """A decision chosen on out-of-fold predictions: what was chosen by name, what it scores on the rows that chose it,
    and what the decision as declared scores there."""

    chosen: dict[str, Any]
    score: float
    unchosen: float


@dataclass(frozen=True)
class Git:
    """The commit that was checked out around the competition, and whether files differed from it."""

    commit: str
    dirty: bool


@dataclass(frozen=True)
class Record:
    """A finished run.

    `metric`, `split` (its class and parameters) and `groups` (a digest of each training row's group, None without
    groups) are what judged it: scores of runs that differ in one of them cannot be compared. `oof_score` is the metric
    over the pooled out-of-fold predictions, None where no row was held out. Of a blend whose weights are chosen, each
    fold's are chosen on the other folds, so that with one fold there is no such score; `chosen_score` is the one on the
    very rows that chose the weights. `mean` and `sd` are of `fold_scores`, `also` are further metrics by name.
    `parameters` are those of one fold's model; `fit_seconds` the sum over folds, `seconds` the time of the last command
    that worked on the run.
    """

    name: str
    plan: Plan
    metric: str
    higher_is_better: bool
    split: str
    groups: str | None
    oof_score: float | None
    rows: Rows
    fit_seconds: float
    seconds: float
    where: str
    device: str
    versions: dict[str, str]
    finished: str
    fold_scores: dict[str, float] = field(default_factory=dict)
    mean: float | None = None
    sd: float | None = None
    also: dict[str, float] = field(default_factory=dict)
    decision: Decision | None = None
    chosen_score: float | None = None
    parameters: int | None = None
    peak_memory_bytes: int = 0
    git: Git | None = None


@dataclass(frozen=True)
class Pulled:
    """The version of a kernel that left a run."""

    ref: str
    version: int
    url: str
    accelerator: str = ""
    timeout: int = 0
    sha256: str = ""
    at: str = ""
    words: str = ""
    pulled: str = ""


@dataclass(frozen=True)
class Outside:
    """What `kaggle.json` may hold: what became of a run's submission, and which kernel left the run, or its folds."""

    ref: int | None = None
    status: str = ""
    public_score: float | None = None
    private_score: float | None = None
    rank: int | None = None
    teams: int | None = None
    when: str = ""
    server: str = ""
    user: str = ""
    message: str = ""
    sha256: str = ""
    error: str = ""
    kernel: Pulled | None = None
    kernels: tuple[Pulled, ...] = ()


def write(path: Path, value: Plan | Done | Record | Trial) -> None:
    """Write `value` as JSON with the version of its schema, whole or not at all."""
    records.write_json(path, {"schema": SCHEMA} | facts(value))


def facts(value: Plan | Done | Record | Trial) -> dict[str, Any]:
    """The fields of `value` by name, as JSON holds them."""
    return asdict(value)


def read(kind: type[T], path: Path, run: Path) -> T | None:
    """The Plan, Done or Record in the file `path` of the folder `run`; None when the file does not exist.

    Raises KitError, naming the folder, when the file is damaged or of another version.
    """
    try:
        stored = records.read_json(path)
    except KitError as error:
        raise _unreadable(run, error.wrong) from None
    except OSError as error:
        raise _unreadable(run, f"{path}: {error.strerror}.") from None
    return of(kind, stored, path, run) if stored or path.exists() else None


def of(kind: type[T], stored: dict[str, Any], path: Path, run: Path) -> T:
    """What the JSON object `stored` of the file `path` holds.

    Raises KitError, naming the folder `run`, when it is damaged or of another version.
    """
    version, name = stored.get("schema"), path.relative_to(run)
    if version != SCHEMA:
        held = "has no schema version" if version is None else f"has the schema version {version!r:.20}"
        raise _unreadable(run, f"{name} {held}; this kit reads version {SCHEMA}.")
    try:
        return records.typed(kind, {key: value for key, value in stored.items() if key != "schema"})
    except ValueError as error:
        raise _unreadable(run, f"{name} is damaged: {error}.") from None


def _unreadable(run: Path, why: str) -> KitError:
    return KitError(
        f"{run} holds a run that cannot be read: {why}", "Delete the folder if you do not need it.", f"rm -r {run}"
    )


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, (list, tuple)) else value
