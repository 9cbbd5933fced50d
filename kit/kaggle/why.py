"""The chain behind a score: leaderboard, submission, kernel, run, commit, data, settings, out-of-fold predictions.

Each link is compared with what is here: a file that has another sha256 than was recorded, or a score that the stored
predictions do not give, is where the chain breaks.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kit import records
from kit.errors import KitError
from kit.kaggle import ledger
from kit.kaggle.ledger import Attempt
from kit.task import catalog, decisions, submission
from kit.task.catalog import Entry
from kit.train import predictions, provenance, runs
from kit.train.runs import Run
from kit.words import count, figure

State = Literal["ok", "not here", "broken"]
"""A link that holds, one that cannot be looked at here, and one that contradicts what was recorded."""

CLOSE = 1e-9
"""How far a score of the stored predictions may lie from the recorded one, of its size."""


class Link(NamedTuple):
    """One link: what it is, what is known of it, whether it holds, and why not."""

    what: str
    said: str
    state: State = "ok"
    why: str = ""


@dataclass(frozen=True)
class Chain:
    """The links from a score to what it was made of, in this order; `run` is None where the file is none of a run."""

    entry: Entry
    attempt: Attempt | None
    run: Run | None
    links: tuple[Link, ...]

    @property
    def breaks(self) -> list[Link]:
        """The links that contradict what was recorded."""
        return [one for one in self.links if one.state == "broken"]


def chain(word: str, competition: str | None = None) -> Chain:
    """The chain behind `word`: the number of a submission, a public or private score as far as it was typed, the file
    of a submission, or a run by its name or enough of it.

    Without a `competition` all are searched. Raises KitError when nothing fits, or more than one submission does.
    """
    names = [catalog.find(competition).name] if competition else catalog.names()
    found = [one for name in names for one in _fitting(catalog.find(name), word)]
    if not found:
        raise KitError(
            f"Nothing that was sent or trained here is {word!r}.",
            "It must be the number of a submission, a score on the leaderboard, a submission file, or a run.",
            f"kit runs {competition or ''}".strip(),
        )
    if len(found) > 1:
        _, last, _ = found[-1]
        listed = [f"submission {one.ref} ({one.run or one.name})" if one else _name(run) for _, one, run in found]
        raise KitError(
            f"{word!r} fits {len(found)}: {', '.join(listed[:5])}.",
            "One of them must be named.",
            f"kit why {last.ref if last else listed[-1]}",
        )
    entry, attempt, run = found[0]
    return Chain(entry, attempt, run, tuple(_links(entry, attempt, run)))


def _fitting(entry: Entry, word: str) -> list[tuple[Entry, Attempt | None, Run | None]]:
    """Submissions that a word names, the newest of the same bytes; else runs."""
    known = {run.name: run for run in runs.every(entry.name)}
    attempts = [one for one in ledger.readable(entry.name) if one.ref]
    digest = records.sha256(Path(word)) if os.path.isfile(word) else None
    sent: dict[str, Attempt] = {}
    for one in attempts:
        if str(one.ref) == word or one.sha256 == digest or any(_is(score, word) for score in _scores(one)):
            sent[one.sha256] = one
    if sent:
        return [(replace(entry, sample=one.sample), one, known.get(one.run or "")) for one in sent.values()]
    fitting = [run for run in known.values() if _names(run, word, digest)]
    newest = [max(fitting, key=lambda run: run.name)] if word == "last" and fitting else fitting
    exact = [run for run in newest if run.name == word] or newest
    return [(replace(entry, sample=run.plan.sample), None, run) for run in exact]


def _name(run: Run | None) -> str:
    return run.name if run else ""


def _names(run: Run, word: str, digest: str | None) -> bool:
    if digest is not None:
        return run.submission.is_file() and records.sha256(run.submission) == digest
    said = run.kaggle()
    scores = (said.get("public_score"), said.get("private_score"))
    if str(said.get("ref")) == word or any(_is(score, word) for score in scores):
        return True
    return word == "last" or run.name.startswith(word) or run.name.endswith(word)


def _scores(one: Attempt) -> tuple[float | None, ...]:
    return one.public_score, one.private_score


def _is(score: Any, word: str) -> bool:
    """Whether a score is what was typed, in as many digits."""
    whole, dot, decimals = word.partition(".")
    if not isinstance(score, float) or not dot or not whole.lstrip("-").isdecimal() or not decimals.isdecimal():
        return False
    return abs(score - float(word)) <= 0.5 * 10 ** -len(decimals) + 1e-12


def _links(entry: Entry, attempt: Attempt | None, run: Run | None) -> Iterator[Link]:
    if attempt is not None:
        yield from _sent(attempt)
    elif run is not None and run.kaggle().get("ref"):
        said = run.kaggle()
        yield Link(
            "score", _told(said.get("public_score"), said.get("private_score"), said.get("rank"), said.get("teams"))
        )
        yield Link("submission", f"{said['ref']}, sent {said.get('when') or 'at an unknown time'}")
    if run is None:
        name = attempt.run if attempt else None
        if name:
            yield Link("run", name, "broken", "its folder is gone, and with it all that the score was made of")
        else:
            yield Link("run", "none", "not here", "the file was made without kit")
        return
    if not run.finished:
        yield Link("run", run.name, "broken", f"it is unfinished: kit train {entry.name} --resume {run.name}")
        return
    yield from _file(attempt, run)
    yield from _kernel(run)
    yield from _code(entry, run)
    yield from _data(entry, run)
    yield from _settings(run)
    yield from _members(run)
    yield from _predictions(entry, run)


def _told(public: float | None, private: float | None, rank: int | None, teams: int | None) -> str:
    parts = [f"public {figure(public)}" if public is not None else "no public score"]
    parts += [f"private {figure(private)}"] if private is not None else []
    parts += [f"rank {rank:,} of {teams:,}"] if rank and teams else []
    return ", ".join(parts)


def _sent(attempt: Attempt) -> Iterator[Link]:
    scored = _told(attempt.public_score, attempt.private_score, attempt.rank, attempt.teams)
    yield Link("score", f"{scored}, on {attempt.server} as {attempt.user}")
    said = f"{attempt.ref}, sent {attempt.at}, {attempt.name} of {attempt.bytes:,} bytes, sha256 {attempt.sha256[:16]}"
    said += f"; left on the visible rows by {attempt.kernel}, which was sent" if attempt.kernel else ""
    if not attempt.path.is_file():
        yield Link("submission", said, "not here", f"{attempt.file} is gone")
    elif records.sha256(attempt.path) != attempt.sha256:
        yield Link("submission", said, "broken", f"{attempt.file} holds other bytes now than were sent")
    else:
        yield Link("submission", said)


def _file(attempt: Attempt | None, run: Run) -> Iterator[Link]:
    """Whether the run's own submission is what was sent."""
    finished = f"{run.name}, {run.plan.label}, finished {run.record.finished}"
    sent = run.kaggle().get("sha256") if attempt is None else "" if attempt.kernel else attempt.sha256
    if not sent:
        yield Link("run", f"{finished}; it was not sent" if not run.kaggle().get("ref") else finished)
    elif not run.submission.is_file():
        yield Link("run", finished, "not here", "its submission.csv is gone")
    elif records.sha256(run.submission) != sent:
        yield Link("run", finished, "broken", "its submission.csv is another file than the one that was sent")
    else:
        yield Link("run", finished)


def _kernel(run: Run) -> Iterator[Link]:
    """The kernels that left the run, and the device that each asked for and saw."""
    said = run.kaggle()
    kernels = [said["kernel"]] if said.get("kernel") else [*(said.get("kernels") or [])]
    seen = f"{run.record.device} ({run.record.where})"
    if not kernels:
        if run.record.where == "kaggle":
            yield Link("kernel", seen, "broken", "the run was made on Kaggle, and no kernel version is recorded")
        else:
            yield Link("device", seen)
        return
    for one in kernels:
        asked = one.get("accelerator") or "no accelerator"
        version = f"{one.get('ref')} version {one.get('version')}, {asked} asked for"
        # A device is recorded as the driver lists cards, else as a processor with its number of cores.
        lacks = any(card in asked.lower() for card in ("gpu", "nvidia")) and run.record.device.endswith("cores")
        why = "it did not see the GPU that it asked for" if lacks else ""
        yield Link("kernel", f"{version}, {seen} seen", "broken" if lacks else "ok", why)


def _code(entry: Entry, run: Run) -> Iterator[Link]:
    git, plan = run.record.git, run.plan
    if git is None:
        yield Link("commit", "none", "not here", "it was trained outside a checkout")
    else:
        said = f"{git.commit[:12]}{' with uncommitted changes' if git.dirty else ''}"
        if git.dirty:
            yield Link("commit", said, "broken", "the commit does not hold the files that were run")
        elif not _is_here(entry.folder, git.commit):
            yield Link("commit", said, "not here", "this checkout does not have it")
        else:
            yield Link("commit", said)
    if not plan.code:
        return
    try:
        recipe, _ = entry.recipe(plan.recipe)
        today = provenance.code(recipe.files)
    except KitError as error:
        yield Link("code", plan.code, "not here", error.wrong)
        return
    same = today == plan.code
    why = "" if same else f"today's code of the recipe is {today}: training it again would give another run"
    yield Link("code", plan.code, "ok" if same else "not here", why)


def _is_here(folder: Path, commit: str) -> bool:
    try:
        words = ["git", "-C", str(folder), "cat-file", "-e", f"{commit}^{{commit}}"]
        return subprocess.run(words, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _data(entry: Entry, run: Run) -> Iterator[Link]:
    try:
        here = provenance.data(entry.public())
    except KitError as error:
        here, missing = {}, error.wrong
    else:
        missing = "it is gone"
    for name, digest in run.plan.data.items():
        if name not in here:
            yield Link("data", f"{name} {digest[:16]}", "not here", missing)
        elif here[name] != digest:
            yield Link("data", f"{name} {digest[:16]}", "broken", f"the file here is {here[name][:16]}")
        else:
            yield Link("data", f"{name} {digest[:16]}")
    for name, digest in run.plan.encoders.items():
        yield Link("encoder", f"{name} {digest[:16]}")


def _settings(run: Run) -> Iterator[Link]:
    plan, known = run.plan, run.record
    blend = plan.recipe == catalog.BLEND
    if not blend:
        yield Link("settings", ", ".join(f"{name}={value}" for name, value in plan.settings.items()) or "none")
    only = "" if plan.only is None else f", fold {plan.only} only"
    exact = "" if plan.deterministic else ", not deterministic"
    yield Link("seed", f"{plan.seed}{exact}")
    yield Link("folds", f"{known.split}{only}" + (f", groups {known.groups}" if known.groups else ""))
    versions = [f"{name} {version}" for name, version in known.versions.items()]
    yield Link("packages", ", ".join(versions) or "not recorded")


def _members(run: Run) -> Iterator[Link]:
    if run.plan.recipe != catalog.BLEND:
        return
    known = {one.name for one in runs.every(run.plan.competition)}
    for name, weight in run.plan.settings.items():
        if name in known:
            yield Link("member", f"{name}, weight {weight}")
        else:
            yield Link("member", f"{name}, weight {weight}", "broken", "the run that it was made of is gone")


def _predictions(entry: Entry, run: Run) -> Iterator[Link]:
    """Whether the stored predictions give the recorded score, and the submission that was sent."""
    known = run.record
    score = "no score" if known.oof_score is None else f"{known.metric} {figure(known.oof_score)}"
    said = f"{score} on {count(known.rows.out_of_fold, 'held-out row')}"
    if known.rows.out_of_fold and not (run.folder / "oof.npz").is_file():
        yield Link("out-of-fold", said, "not here", "oof.npz is gone; git does not keep it")
    elif known.rows.out_of_fold and known.oof_score is not None:
        try:
            given = _scored(entry, run)
        except KitError as error:
            yield Link("out-of-fold", said, "broken", error.wrong)
        else:
            same = abs(given - known.oof_score) <= CLOSE * max(1.0, abs(known.oof_score))
            yield Link(
                "out-of-fold", said, "ok" if same else "broken", "" if same else f"oof.npz gives {figure(given)}"
            )
    if (run.folder / "test.npz").is_file() and run.submission.is_file():
        yield _rewritten(entry, run)


def _scored(entry: Entry, run: Run) -> float:
    competition = entry.competition
    oof = predictions.load(run.folder / "oof.npz", *predictions.OOF)
    judged = decisions.nested(competition, oof["fold"], oof["y"], oof["pred"])
    columns = {name: column for name, column in oof.items() if name not in ("fold", "y", "pred")}
    return competition.metric.score(oof["y"], judged, columns, decisions.labels(competition, oof["y"]))


def _rewritten(entry: Entry, run: Run) -> Link:
    competition = entry.competition
    form = replace(competition.submission, decide=decisions.recorded(competition, run.chosen))
    try:
        test = predictions.load(run.folder / "test.npz", "ids", "pred")
        with tempfile.TemporaryDirectory() as folder:
            again = Path(folder, "submission.csv")
            submission.write(form, test["ids"], test["pred"], entry.public() / form.sample, again)
            same = records.sha256(again) == records.sha256(run.submission)
    except KitError as error:
        return Link("predictions", "test.npz", "not here", error.wrong)
    said = "test.npz gives submission.csv, to the byte"
    return (
        Link("predictions", said)
        if same
        else Link("predictions", "test.npz", "broken", "it gives another submission.csv")
    )
