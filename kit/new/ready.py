"""Files made ready where they are no Kaggle task yet: no test rows, no sample submission, or one of another format."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from kit.errors import KitError
from kit.new import keys as keying
from kit.new import roles as casting
from kit.new import wanted as wanting
from kit.new.guess import Answers
from kit.new.look import Look, look
from kit.new.roles import Roles
from kit.notes import tell
from kit.rows import preparing

LIKELY = ("target", "label", "class", "y", "outcome", "output", "response", "price", "price_doc", "quality", "species")
"""Names of a column that is mostly what is to be predicted."""


class Ready(NamedTuple):
    """What was looked at, and how it was made: `prepare` is the expression for it in competition.py, empty where the
    files are a Kaggle task as they are, and `raw` the names of the files that it reads."""

    look: Look
    prepare: str = ""
    raw: tuple[str, ...] = ()


def ready(raw: Path, stage: Path, answers: Answers) -> Ready:
    """Look at the files in `raw`, made ready in the folder `stage` where they must be. Errors as `guess.draft`."""
    seen = look(raw)
    roles = casting.roles(seen, train=answers.train, test=answers.test, sample=answers.sample)
    if roles.sample is not None and preparing.is_plain(roles.sample.path):
        return Ready(seen)
    if roles.sample is not None:
        tell(f"{roles.sample.name} is not plain CSV, which Kaggle takes: a plain one is written.")
        return _made(raw, stage, seen, "plain_sample", sample=roles.sample.name)
    if roles.train is None:
        raise KitError(
            "There is no sample submission, and no table of training rows.",
            "One of the two says what is asked for.",
            f"--train {next(iter(seen.tables), 'train.csv')}",
        )
    if roles.test is not None:
        return _made(raw, stage, seen, "with_sample", **_for_sample(roles, answers))
    target = answers.target or (_likely(roles),)
    if missing := [name for name in target if name not in roles.train.columns]:
        raise KitError(f"{roles.train.name} has no column {missing[0]!r}.", f"It has {', '.join(roles.train.columns)}.")
    if roles.train.parts:
        raise KitError(
            f"The training rows lie in {len(roles.train.parts)} files, and there are neither test rows nor a sample.",
            "One of the files can be cut into training rows and test rows.",
            f"--train {roles.train.files[0]}",
        )
    tell(f"There are no test rows: a quarter of {roles.train.name} is held out as such.")
    more = {"id": answers.id[0]} if answers.id else _named(roles)
    return _made(raw, stage, seen, "held_out", table=roles.train.name, target=target, **more)


def _made(raw: Path, stage: Path, seen: Look, function: str, **settings: Any) -> Ready:
    """The files prepared, and looked at again."""
    public, private = stage / "public", stage / "private"
    public.mkdir()
    private.mkdir()
    prepare: Callable[..., None] = getattr(preparing, function)
    partial(prepare, **settings)(raw, public, private)
    said = ", ".join(f"{name}={_spelled(value)}" for name, value in settings.items())
    names = (*seen.tables, *(f"{folder}/" for folder in seen.folders if not folder.endswith(".zip")))
    return Ready(look(public), f"partial(preparing.{function}, {said})", names)


def _for_sample(roles: Roles, answers: Answers) -> dict[str, Any]:
    """What a sample submission is made from: the test table's key, and the columns that only the training rows have."""
    assert roles.train is not None and roles.test is not None
    keys = keying.keys(roles, answers.id)
    target = answers.target or tuple(wanting.own_columns(roles, keys))
    if not target:
        raise KitError(
            f"{roles.train.name} has no column that {roles.test.name} lacks: nothing is asked for.",
            "A target column stands in the training rows only.",
            f"--target {roles.train.columns[-1]}",
        )
    if len(target) > 1 and not answers.target:
        last = next((name for name in target if name.lower() in LIKELY), target[-1])
        tell(f"Without a sample submission {last} is taken for the target; --target says otherwise.")
        target = (last,)
    tell("There is no sample submission: one is written.")
    names: dict[str, Any] = {"train": roles.train.files[0], "test": roles.test.name, "target": target}
    return names | ({"id": keys.test[0]} if keys.test else {})


def _likely(roles: Roles) -> str:
    """The column of a plain table that is most likely to be predicted: one called so, else the last one."""
    assert roles.train is not None
    names = roles.train.columns
    return next((name for name in names if name.lower() in LIKELY), names[-1])


def _named(roles: Roles) -> dict[str, Any]:
    """The key of a plain table, where its first column is one."""
    assert roles.train is not None
    first = roles.train.columns[0]
    values = roles.train.values(first)
    is_key = values.dtype.kind != "f" and values.is_unique and bool(values.notna().all())
    return {"id": first} if is_key and len(roles.train.columns) > 2 else {}


def _spelled(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_spelled(each) for each in value)}{',' if len(value) == 1 else ''})"
    return '"' + str(value).replace('"', '\\"') + '"'
