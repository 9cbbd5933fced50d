"""The notebook: one `%%writefile` cell a file, then one cell that trains. The same files give the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from kit import records
from kit.errors import KitError
from kit.kaggle.kernel import cells, packing, tpu, wheels
from kit.limits import Kind
from kit.sandbox import images, imported
from kit.task import catalog, checks
from kit.task.catalog import Entry, Recipe
from kit.train.record import Plan

FILE = "kernel.ipynb"

LARGEST = 900_000
"""Bytes that a notebook may have. Kaggle is said to refuse more than 1 MB; no source confirms it."""

EMPTY = "# There is nothing in this file.\n"
"""What stands for an empty file: `%%writefile` refuses a cell without a second line."""

NAMED = ("competition", "recipe", "variant", "settings", "sample", "data", "code", "encoders")
"""Fields of a plan that the last cell gives, or computes, by other names."""


def name(plan: Plan) -> str:
    """The kernel's slug and the name of its folder under `kernels/`: `digit-recognizer-cnn-augmented`."""
    words = [plan.competition, plan.recipe, plan.variant, "sample" if plan.sample else ""]
    if plan.only is not None:
        words.append(f"fold-{plan.only}")
    return slug(" ".join(words))


def words(plan: Plan) -> str:
    """The words by which commands name the kernel: `digit-recognizer cnn:augmented`."""
    return f"{plan.competition} {plan.label}" + " --sample" * plan.sample


def slug(title: str) -> str:
    """What Kaggle makes of a title: lower-case letters and digits, with a hyphen for anything between."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def build(entry: Entry, plan: Plan, kind: Kind = "cpu") -> str:
    """The text of the notebook that carries out `plan` on a machine of that kind.

    Raises KitError when a file cannot travel or the notebook is larger than LARGEST, where the recipe cannot compute on
    such a machine, and where the data is here and its sample file is not what the declaration says.
    """
    if (entry.data / "manifest.json").exists():
        checks.sample(entry.competition.submission, entry.data / "public")
    plan = replace(plan, data={}, code="", encoders={})  # computed where the data is
    recipe, _ = entry.recipe(plan.label)
    last = _train(plan, kind)
    packed = packing.pack(entry, [recipe], last)
    packing.refuse_secrets("the settings", json.dumps(plan.settings), words(plan))
    made = {"plan": asdict(replace(plan, settings=changed(recipe, plan)))}
    said = "## The run\n\nEvery fold, the out-of-fold score, and `submission.csv`."
    return assembled(
        packed, kind, [recipe], head=_head(recipe, plan), said=said, last=last, words=words(plan), made=made
    )


def assembled(
    packed: packing.Packed,
    kind: Kind,
    recipes: Sequence[Recipe],
    *,
    head: str,
    said: str,
    last: str,
    words: str,
    made: dict[str, Any],
    first: str = "",
) -> str:
    """The text of a notebook that writes the `packed` files and runs the cell `last`, above which `said` stands, on a
    machine of that kind; the cell `first` runs before all others.

    `recipes` are those that it uses, `words` those by which commands name it, and `made` is what it was made of, for
    whoever builds it again. Raises KitError as `build` does.
    """
    folders = sorted({str(Path(path).parent) for path in packed})
    own = {path: text for path, text in packed.items() if path.startswith("competitions/")}
    ending = _code("train" if "plan" in made else "predict", last)
    imports = imported.needed(_book([*(_file(path, text) for path, text in packed.items()), ending]))
    for recipe in recipes:
        tpu.refuse(kind, recipe, imports, words)
    lacking = wheels.lacking(imports, images.known(kind))
    before = [_code("start", first)] if first else []
    before += [_code("devices", looks)] if (looks := cells.devices(kind, imports)) else []
    if lacking:
        before.append(_code("wheels", cells.wheels(wheels.slug(lacking), [*lacking.values()], [*lacking])))
    listed = [
        _markdown("head", head),
        *before,
        _code("folders", cells.folders(folders)),
        _markdown("kit", "## kit\n\nThe declared competition, the folds and the main path, as in the repository."),
        *(_file(path, text) for path, text in packed.items() if path not in own),
        _markdown("competition", "## The competition and its recipe" + "s" * (len(recipes) > 1)),
        *(_file(path, text) for path, text in own.items()),
        _markdown("run", said),
        ending,
    ]
    text = _book(listed, kit={**made, "machine": kind, "lacking": lacking})
    if (size := len(text.encode())) > LARGEST:
        largest = max(packed, key=lambda path: len(packed[path]))
        raise KitError(
            f"The notebook has {size:,} bytes; its largest file is {largest}.",
            f"Kaggle takes about a megabyte, so the limit is {LARGEST:,}.",
            f"kit publish {words.partition(' ')[0]}  # and attach what is large as a dataset",
        )
    return text


def of_cells(sources: Sequence[str]) -> str:
    """The text of a notebook of the given code cells."""
    return _book([_code(f"cell {number}", source) for number, source in enumerate(sources, 1)])


def lacking(text: str) -> dict[str, str]:
    """What the image lacks of what a built notebook imports: module to package. Empty for another notebook."""
    try:
        return {str(module): str(name) for module, name in json.loads(text)["metadata"]["kit"]["lacking"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def machine(text: str) -> Kind | None:
    """The kind of machine that a notebook was built for; None for one that kit has not built."""
    try:
        return json.loads(text)["metadata"]["kit"]["machine"]
    except (ValueError, KeyError, TypeError):
        return None


def plan(text: str, file: Path) -> Plan:
    """The plan that a built notebook would have today: what was changed of the settings when it was built, and today's
    defaults for the rest. `file` is named in errors.

    Raises KitError for a notebook that kit has not built, and for one whose recipe is gone.
    """
    try:
        stored = records.typed(Plan, json.loads(text)["metadata"]["kit"]["plan"])
    except (ValueError, KeyError, TypeError):
        raise KitError(
            f"{file} was not built by kit.",
            "It must be a notebook that `kit kernel build` wrote. Remove it, and build the kernel again.",
            f"rm {file}",
        ) from None
    recipe, variant = catalog.find(stored.competition).recipe(stored.label)
    return replace(stored, settings=recipe.resolve(variant, stored.settings, smoke=stored.sample))


def changed(recipe: Recipe, plan: Plan) -> dict[str, Any]:
    """The settings of `plan` that are not what its recipe and variant say."""
    usual = recipe.resolve(plan.variant, smoke=plan.sample)
    return {key: value for key, value in plan.settings.items() if value != usual.get(key)}


def command(recipe: Recipe, plan: Plan) -> str:
    """What to type to build the notebook of `plan`."""
    words = ["kit kernel build", plan.competition, plan.label]
    words += [f"--set {key}={catalog.typed(value)}" for key, value in changed(recipe, plan).items()]
    words += [f"--seed {plan.seed}"] if plan.seed else []
    words += [f"--folds {plan.folds}"] if plan.folds is not None else []
    words += ["--full"] if plan.scheme == "full" else []
    words += ["--sample"] if plan.sample else []
    return " ".join(words)


def _book(cells: list[dict[str, Any]], **more: Any) -> str:
    book = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            **more,
            "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _head(recipe: Recipe, plan: Plan) -> str:
    return "\n".join(
        [
            f"# {plan.competition} · {plan.label}",
            "",
            recipe.summary,
            "",
            f"Built by `{command(recipe, plan)}` of kaggle-kit. Each cell writes one file as it is in the repository;",
            "the last one trains, and leaves `submission.csv` and the whole run folder. It needs no internet.",
        ]
    )


def _train(plan: Plan, kind: Kind) -> str:
    lines = [f"    {_literal(key)}: {_literal(value)},\n" for key, value in plan.settings.items()]
    rest = {
        field.name: value
        for field in fields(plan)
        if field.name not in NAMED and ((value := getattr(plan, field.name)) != field.default or field.name == "seed")
    }
    return cells.train(
        kind,
        competition=_literal(plan.competition),
        sample=plan.sample,
        label=_literal(plan.label),
        settings="{" + ("\n" + "".join(lines) if lines else "") + "}",
        rest=", ".join(f"{key}={_literal(value)}" for key, value in rest.items()),
    )


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _file(path: str, text: str) -> dict[str, Any]:
    text = text if text.strip() else EMPTY
    return _code(path, f"%%writefile {path}\n{text}")


def _code(id: str, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": slug(id)[-64:],  # the format allows no more
        "metadata": {},
        "outputs": [],
        "source": source.removesuffix("\n").splitlines(keepends=True),
    }


def _markdown(id: str, source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": slug(id), "metadata": {}, "source": source.splitlines(keepends=True)}
