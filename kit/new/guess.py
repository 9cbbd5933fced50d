"""From files to the draft of a competition: every answer with its reason, guesses marked."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field, replace

from kit.errors import KitError
from kit.new import keys as keying
from kit.new import kinds, scoring, splitting
from kit.new import roles as casting
from kit.new import wanted as wanting
from kit.new.findings import Finding
from kit.new.keys import Keys
from kit.new.kinds import Rows
from kit.new.look import Look
from kit.new.roles import Roles
from kit.new.scoring import Scored
from kit.new.splitting import Splitting
from kit.new.wanted import Wanted
from kit.toolbox.goals import ORDERED

SMALL = 10_000
"""Training rows up to which the default recipe is a blend, which takes several times as long as one model."""

WEIGHTS = ("weight", "weights", "sample_weight", "sampleweight", "w")
"""Names of a column that says how much a training row counts."""


@dataclass(frozen=True)
class Answers:
    """What a person says, where files leave it open; empty for what is to be told from the files."""

    metric: str = ""
    official: str = ""
    id: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    kind: str = ""
    rows: str = ""
    split: str = ""
    group: str = ""
    time: str = ""
    weight: str = ""
    train: str = ""
    test: str = ""
    sample: str = ""


@dataclass(frozen=True)
class Draft:
    """All that competition.py will say."""

    look: Look
    roles: Roles
    keys: Keys
    wanted: Wanted
    scored: Scored
    splitting: Splitting
    rows: Rows
    weight: str
    recipes: tuple[str, ...]
    default: str
    why_default: str
    findings: list[Finding] = field(default_factory=list)


def draft(look: Look, answers: Answers) -> Draft:
    """The draft of a competition with these files.

    Raises KitError, in one sentence, for files that are no competition.
    """
    roles = casting.roles(look, train=answers.train, test=answers.test, sample=answers.sample)
    keys = keying.keys(roles, answers.id)
    if roles.train is None:
        roles, keys = _from_folders(look, roles, keys)
    wanted = wanting.wanted(roles, keys, answers.target, answers.kind)
    scored, wanted = scoring.scored(roles, wanted, answers.metric, answers.official)
    rows = kinds.rows(look, roles, keys, wanted, answers.rows)
    split = splitting.splitting(roles, keys, wanted, split=answers.split, group=answers.group, time=answers.time)
    weight = _weight(roles, wanted, scored, answers.weight)
    names, default, why = recipes(rows, wanted, scored, roles)
    made = Draft(look, roles, keys, wanted, scored, split, rows, weight, names, default, why)
    return replace(made, findings=_findings(made, answers))


def are_numbers(wanted: Wanted, scored: Scored) -> bool:
    """Whether recipes fit numbers: the target is one, or grades whose order the metric counts."""
    ordered = scored.metric.name in ORDERED and not any(isinstance(label, str) for label in wanted.labels)
    return wanted.kind == "numbers" or (wanted.kind == "labels" and ordered)


def recipes(rows: Rows, wanted: Wanted, scored: Scored, roles: Roles) -> tuple[tuple[str, ...], str, str]:
    """The recipes that are written, the default one, and why it is that."""
    if rows.kind == "image":
        return ("cnn",), "cnn", "rows are images in files"
    count = roles.train.rows if roles.train else 0
    if wanted.kind == "text":
        return ("nearest",), "nearest", "the target is free text: the answer of the most similar training row is given"
    if rows.kind == "text":
        linear = ("linear",) if are_numbers(wanted, scored) else ("nbsvm", "linear")
        return (
            ("mixed", *linear, "boosted"),
            "mixed",
            "rows are texts, on which linear models of different kinds blend well",
        )
    names = ("mixed", "boosted", "hist", "linear", "network", "lightgbm", "catboost")
    if importlib.util.find_spec("xgboost") is None:
        return names, "hist", "rows are a table, and xgboost, which boosted and mixed need, is not installed"
    if count <= SMALL:
        return names, "mixed", f"of {count:,} training rows no single kind of model is surely the best"
    return names, "boosted", f"rows are a table, and {count:,} training rows are enough for boosted trees alone"


def _from_folders(look: Look, roles: Roles, keys: Keys) -> tuple[Roles, Keys]:
    """Training rows told by folders alone: each file's class is the folder that it lies in."""
    import pandas as pd

    from kit.new.look import Table

    pictures = kinds.class_folder(look)
    if pictures is None or roles.sample is None:
        raise KitError(
            "There is no table of training rows.",
            "It is mostly called train.csv. Images may also lie in a folder for each class.",
            f"--train {next(iter(look.tables), 'train.csv')}",
        )
    targets = [name for name in roles.sample.columns if name not in keys.sample]
    head = pd.DataFrame({"file": pictures.files, (targets[0] if len(targets) == 1 else "label"): pictures.labels})
    train = Table(pictures.name, roles.sample.path, len(head), head)
    return replace(roles, train=train), replace(keys, train=("file",))


def _weight(roles: Roles, wanted: Wanted, scored: Scored, asked: str) -> str:
    """The column of weights: as said, else one called so that the test rows lack or the metric needs."""
    train = roles.train
    assert train is not None
    if asked:
        if asked not in train.columns:
            raise KitError(f"{train.name} has no column {asked!r}.", f"It has {', '.join(train.columns[:8])}.")
        return asked
    named = [name for name in train.columns if name.lower() in WEIGHTS and name not in wanted.source]
    named = [name for name in named if train.head[name].dtype.kind in "iuf" and (train.head[name].dropna() >= 0).all()]
    late = [name for name in named if roles.test is not None and name not in roles.test.columns]
    chosen = late or (named if "weight" in scored.metric.needs else [])
    return chosen[0] if chosen else ""


def _findings(made: Draft, answers: Answers) -> list[Finding]:
    """All answers with their reasons."""
    roles, keys, wanted, scored, split = made.roles, made.keys, made.wanted, made.scored, made.splitting
    train = roles.train
    assert train is not None
    findings = [Finding("train", train.name, f"{train.rows:,} rows, {len(train.columns):,} columns")]
    if roles.labels:
        findings.append(Finding("targets apart", roles.labels.name, "holds the targets of the training rows"))
    if roles.test:
        findings.append(Finding("test", roles.test.name, f"{roles.test.rows:,} rows"))
    if roles.sample:
        findings.append(Finding("sample", roles.sample.name, f"header {','.join(roles.sample.columns[:6])}"))
    findings.append(Finding("id", " and ".join(keys.sample), keys.why, not keys.unsure, "--id"))
    source = ", ".join(wanted.source[:4]) + (f" and {len(wanted.source) - 4} more" if len(wanted.source) > 4 else "")
    others = wanted.left_out if not wanted.sure else ()
    findings.append(Finding("target", source, wanted.why, wanted.sure, "--target", others))
    likely = () if wanted.sure_kind else (("labels",) if wanted.kind == "numbers" else ("numbers",))
    kind = {"flags": "several of 0 and 1", "guesses": f"{wanted.most} guesses in a row"}.get(wanted.kind, wanted.kind)
    findings.append(Finding("holds", kind, wanted.why_kind, wanted.sure_kind, "--kind", likely))
    findings.append(Finding("metric", scored.short, scored.why, scored.sure, "--metric", scored.others))
    findings.append(Finding("rows", made.rows.kind, made.rows.why, option="--rows"))
    findings.append(
        Finding("split", split.split.removeprefix("splits."), split.why, split.sure, "--split", split.others)
    )
    if split.group:
        findings.append(Finding("group", split.group, "its rows stay in one fold", option="--group"))
    if made.weight:
        findings.append(Finding("weight", made.weight, "how much a row counts", option="--weight"))
    for join in made.rows.joins:
        said = "has one row for each" if not join.gathered else "has several rows for each, which are summed up"
        findings.append(Finding("joined", " and ".join(join.files), f"by {', '.join(join.on)}: it {said}"))
    findings.append(Finding("default", made.default, made.why_default))
    return findings
