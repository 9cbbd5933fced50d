"""Competitions, recipes and variants by their paths: the place of a file is its registration.

Everything that can be said without running a recipe is read from its source text, so that listing, completing and
checking settings import no learning framework.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import os
import sys
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kit import places
from kit.errors import KitError
from kit.task import imports

if TYPE_CHECKING:
    from kit.task.contract import Competition


NO_RECIPES = ("competition", "features")
"""Files of a competition that are no recipes: its declaration, and the columns that models see."""

KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a word", tuple: "a list of values"}
"""What a value of each type is called."""

OPTIONS = frozenset(
    {"accelerator", "address", "code", "competition", "deterministic", "engine", "fold", "folds", "folds_as_kernels"}
    | {"gpus_per_fold", "hours", "inputs", "jobs", "plots", "pseudo", "pseudo_share", "recipe", "recipes", "refit"}
    | {
        "rehearse",
        "resume",
        "run",
        "sample",
        "scheme",
        "seed",
        "seeds",
        "submit",
        "time",
        "timeout",
        "track",
        "trials",
        "wait",
    }
)
"""Arguments of `kit.train`, `kit.sweep`, `kit.tune` and `kit.push` beside which settings are given by name, as in
`kit.train("digit-recognizer", "cnn", seed=1, epochs=3)`: no setting may be called so."""


@dataclass(frozen=True)
class Recipe:
    """One model: `fit(fold, *, settings) -> predict` in `<folder>/<name>.py`.

    `settings` are the keyword-only defaults of `fit`, and those of a function of a file beside the recipe to which
    `fit` hands on what it does not name itself: `fit(fold, *, units: int = 64, **rest: _speech.train)`. `variants` and
    `smoke` are named overrides of them; `extra` is the optional dependency group that the recipe needs; `attach` names
    the settings that hold handles of encoders (`kit.toolbox.encoders.handles`), which a kernel must have attached.
    `ranges` says which settings may be searched, unchecked: `kit.task.ranges` reads it.
    """

    name: str
    path: Path
    summary: str
    settings: dict[str, Any]
    variants: dict[str, dict[str, Any]]
    smoke: dict[str, Any]
    extra: str
    attach: tuple[str, ...] = ()
    ranges: Any = None

    @cached_property
    def files(self) -> list[Path]:
        """All Python files that decide what the recipe fits: itself, the declaration, and what either imports of
        their folder; a file comes after those it imports."""
        return imports.beside(self.path.with_name("competition.py"), self.path)

    @property
    def stores(self) -> bool:
        """Whether it stores its models: its file has a `load`, of its own or imported."""
        return "load" in imports.defined(self.path)

    def resolve(self, variant: str = "", overrides: dict[str, Any] | None = None, *, smoke: bool = False) -> dict:
        """Every setting with its value: defaults, then SMOKE, then the variant, then `overrides`.

        Raises KitError for an unknown variant, an unknown setting or a value of another type than the default's.
        """
        if variant and variant not in self.variants:
            raise KitError(
                f"Recipe {self.name} has no variant {variant!r}.",
                f"Its variants: {', '.join(self.variants) or 'none'}.",
                f"kit list {_name(self.path.parent)}",
            )
        settings = dict(self.settings)
        for source in (self.smoke if smoke else {}, self.variants.get(variant, {}), overrides or {}):
            settings |= {key: self._checked(key, value) for key, value in source.items()}
        return settings

    def _checked(self, key: str, value: Any) -> Any:
        if key not in self.settings:
            near = difflib.get_close_matches(key, self.settings, 1)
            raise KitError(
                f"Recipe {self.name} has no setting {key!r}." + (f" Did you mean {near[0]!r}?" if near else ""),
                f"Its settings: {', '.join(self.settings)}.",
                f"kit list {_name(self.path.parent)} {self.name}",
            )
        default = self.settings[key]
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(default, tuple) and not isinstance(value, (str, tuple)):
            value = tuple(value) if isinstance(value, list) else (value,)
        if default is not None and type(value) is not type(default):
            raise KitError(
                f"The setting {key!r} of recipe {self.name} cannot be {value!r}.",
                f"It must be {KINDS.get(type(default), type(default).__name__)}, such as its default {default!r}.",
                f"kit train {_name(self.path.parent)} {self.name} --set {key}={typed(default)}",
            )
        return value

    def module(self) -> ModuleType:
        """The recipe itself, imported now, with the learning framework it is written for.

        Raises KitError when a package is missing, naming the extra that brings it.
        """
        try:
            return _import(self.path)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing == "kit" or missing.startswith("competition_"):
                raise
            raise KitError(
                f"Recipe {self.name} needs the package {missing!r}, which is not installed.",
                f"It comes with the extra {self.extra!r}." if self.extra else "",
                places.install(self.extra) if self.extra else f"pip install {missing}",
            ) from error


@dataclass(frozen=True)
class Entry:
    """A competition in its folder: its name on the command line, its recipes, and its declaration when asked for.

    With `sample` its data are those of the embedded sample.
    """

    name: str
    folder: Path
    summary: str
    sample: bool = False

    @property
    def data(self) -> Path:
        """The folder of its files: `raw/`, `public/`, `private/`, `cache/` and `manifest.json`."""
        return places.data(self.name, sample=self.sample)

    @property
    def flag(self) -> str:
        """What a command about this entry ends in: ` --sample`, or nothing."""
        return " --sample" if self.sample else ""

    def public(self) -> Path:
        """The folder of the public files: downloaded here, attached on Kaggle.

        Raises KitError when they are not there.
        """
        if places.on_kaggle():
            hosted = self.competition.prepare is None
            names = self.competition.source.files if hosted else ()
            return places.mounted(self.competition.submission.sample, *names)
        if not (self.data / "manifest.json").exists():
            raise KitError(
                f"The data of {self.name} is not here.",
                f"It belongs in {self.data}.",
                f"kit download {self.name}{self.flag}"
                + ("" if self.sample else f"  # or, with a file that you have: --from ~/Downloads/{self.name}.zip"),
            )
        return self.data / "public"

    @cached_property
    def competition(self) -> Competition:
        """The object called `competition` in `competition.py`. Where its labels are listed among the public files, and
        these are here, it holds them.

        Raises KitError when the file cannot be read as a declaration.
        """
        from kit.task.contract import Competition  # NumPy comes with it, a tenth of a second that `kit list` saves.

        try:
            declared = getattr(_import(self.folder / "competition.py"), "competition", None)
        except SyntaxError as error:
            raise KitError(
                f"{error.filename}:{error.lineno}: {error.msg}", "The declaration must be valid Python."
            ) from None
        if not isinstance(declared, Competition):
            raise KitError(
                f"{self.folder / 'competition.py'} declares no `competition`.",
                "It must hold `competition = Competition(...)`, from kit.task.contract.",
                "kit new example  # writes one to look at",
            )
        return self._with_labels(declared)

    def forget(self) -> None:
        """Look at the declaration again when it is asked for: other files are in the data folder now."""
        self.__dict__.pop("competition", None)

    def _with_labels(self, declared: Competition) -> Competition:
        """A declaration with the labels that a public file lists; as it is where there is none, or it is not here."""
        from kit.task.targets import Labels

        form = declared.submission
        if not form.listed:
            return declared
        here = self.data / "public" / form.listed
        file = places.mounted(form.listed) / form.listed if places.on_kaggle() else here
        if not file.is_file():
            return declared
        labels = Labels(file.read_text(encoding="utf-8").splitlines())
        return replace(declared, submission=replace(form, holds=labels))

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """Recipes by name, in alphabetical order."""
        paths = sorted(self.folder.glob("*.py"))
        return {_name(path): _read(path) for path in paths if path.stem not in NO_RECIPES and path.stem[0] != "_"}

    def recipe(self, word: str = "") -> tuple[Recipe, str]:
        """The recipe and variant that `word` names (`cnn`, `cnn:augmented`); the default recipe for an empty word."""
        name, _, variant = (word or self.competition.default).partition(":")
        recipe = self.recipes.get(name.replace("_", "-"))
        if recipe is None:
            raise _unknown("recipe", name, list(self.recipes), f"kit list {self.name}")
        recipe.resolve(variant)
        return recipe, variant

    @property
    def has_sample(self) -> bool:
        """Whether the competition carries an embedded sample."""
        return (self.folder / "_sample.py").is_file()

    def write_sample(self, raw: Path) -> None:
        """Write the embedded sample's raw files into the folder `raw`.

        Raises KitError when the competition has none.
        """
        if not self.has_sample:
            raise KitError(
                f"{self.name} has no embedded sample.",
                "A competition that has one writes it with the function `write(raw)` of its file _sample.py.",
                f"kit download {self.name}",
            )
        _import(self.folder / "_sample.py").write(raw)


def names() -> list[str]:
    """The names of all competitions, in alphabetical order."""
    return sorted({_name(path.parent) for root in places.competition_roots() for path in root.glob("*/competition.py")})


def entries(*, sample: bool = False) -> list[Entry]:
    """All competitions, in alphabetical order."""
    return [find(name, sample=sample) for name in names()]


def find(name: str, *, sample: bool = False) -> Entry:
    """The competition called `name`; the workspace's own comes before a packaged one.

    Raises KitError for an unknown name, with near matches.
    """
    for root in places.competition_roots():
        folder = root / name.replace("-", "_")
        if folder.parent == root and os.path.isfile(folder / "competition.py"):
            _forget_changed(folder.resolve())
            return Entry(_name(folder), folder, _summary(imports.parsed(folder / "competition.py")), sample)
    raise _unknown("competition", name, names(), "kit list")


UNREADABLE = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
"""What `ast.literal_eval` raises for what is no Python literal."""


def parse_setting(text: str) -> tuple[str, Any]:
    """`epochs=3` to `("epochs", 3)`: the value is a Python literal, a bare word is a str.

    Raises KitError when there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise KitError(f"{text!r} is not a setting.", "A setting is name=value.", "--set epochs=3")
    if value.lower() in ("true", "false"):
        return key, value.lower() == "true"
    try:
        return key, ast.literal_eval(value)
    except UNREADABLE:
        return key, value


def _name(path: Path) -> str:
    return path.stem.replace("_", "-")


def typed(value: Any) -> str:
    """A setting's value as it is typed after `--set NAME=`."""
    return ",".join(map(str, value)) + ("," if len(value) == 1 else "") if isinstance(value, tuple) else str(value)


def _unknown(what: str, name: str, known: list[str], cure: str) -> KitError:
    near = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return KitError(f"No {what} is called {name!r}.{hint}", f"Known: {', '.join(known) or 'none'}.", cure)


def _summary(tree: ast.Module) -> str:
    return (ast.get_docstring(tree) or "").partition("\n")[0]


BLEND = "blend"
"""What kit calls runs that are made of other runs, where others have the name of a recipe."""


def _read(path: Path) -> Recipe:
    if path.stem == BLEND:
        raise KitError(
            f"{path}: a recipe cannot be called {BLEND!r}.",
            "kit calls runs so that `kit ensemble` makes of other runs.",
            f"mv {path} {path.with_name('blended.py')}",
        )
    tree = imports.parsed(path)
    fit = _function(tree, "fit")
    if fit is None:
        raise KitError(
            f"{path} has no function `fit`.",
            "A recipe has a function `fit(fold, *, ...)`. The name of a file that is not a recipe must start with _.",
        )
    constants, settings = _constants(tree), _settings(path, fit)
    if taken := sorted(OPTIONS & {*settings}):
        raise KitError(
            f"{path}: the setting {taken[0]!r} has the name of an option of kit.",
            f"Give it another name. These are options: {', '.join(sorted(OPTIONS))}.",
        )
    return Recipe(
        name=_name(path),
        path=path,
        summary=_summary(tree),
        settings=settings,
        variants=_literal(path, "VARIANTS", _constant(path, constants.get("VARIANTS")), {}),
        smoke=_literal(path, "SMOKE", constants.get("SMOKE"), {}),
        extra=_literal(path, "EXTRA", constants.get("EXTRA"), ""),
        attach=_literal(path, "ATTACH", constants.get("ATTACH"), ()),
        ranges=_literal(path, "RANGES", constants.get("RANGES")),
    )


def _function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What is assigned to names at the top of a file."""
    return {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _settings(path: Path, function: ast.FunctionDef) -> dict[str, Any]:
    """The keyword-only defaults of a function, and after them those that it takes over by `**rest: _file.function`."""
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    # What another function takes without a default, `fit` gives it, and it is no setting.
    named = [(arg.arg, default) for arg, default in pairs if default is not None or function.name == "fit"]
    own = {name: _literal(path, name, default) for name, default in named}
    rest = function.args.kwarg
    if rest is None:
        return own
    file, name = _beside(path, rest.annotation)
    taken_over = _function(imports.parsed(file), name) if file is not None else None
    if file is None or taken_over is None:
        raise KitError(
            f"{path}:{rest.lineno}: `{function.name}` accepts any setting through `**{rest.arg}`, so that kit cannot "
            "list them.",
            f"Name the function of a file beside it that receives them, as in `**{rest.arg}: _speech.train`.",
        )
    return own | {key: value for key, value in _settings(file, taken_over).items() if key not in own}


def _constant(path: Path, node: ast.expr | None) -> ast.expr | None:
    """The expression itself, or the one that `_file.NAME` stands for."""
    file, name = _beside(path, node)
    return node if file is None else _constants(imports.parsed(file)).get(name, node)


def _beside(path: Path, node: ast.expr | None) -> tuple[Path | None, str]:
    """The file beside `path` and the name in it that `_file.name` means; None for another expression."""
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
        return None, ""
    file = path.with_name(f"{node.value.id}.py")
    return (file if file.is_file() else None), node.attr


def _literal(path: Path, name: str, node: ast.expr | None, default: Any = None) -> Any:
    try:
        return default if node is None else ast.literal_eval(node)
    except ValueError:
        raise KitError(
            f"{path}:{node.lineno if node else 0}: {name} is not a plain value.",
            "kit reads the defaults of `fit`, VARIANTS, SMOKE, EXTRA and ATTACH without running the file. Write plain "
            "values, such as 3, 0.5, 'word' or (1, 2).",
        ) from None


def _import(path: Path) -> ModuleType:
    """Import a competition's file as a module of a package of its own, so that `from ._images import ...` works and
    two competitions of the same name, packaged and user's, do not share modules."""
    folder = path.parent.resolve()
    package = _package(folder)
    if package not in sys.modules:
        _STATES[package] = _state(folder)
        module = ModuleType(package)
        module.__path__ = [str(folder)]
        sys.modules[package] = module
    # Python takes a compiled file for the newest by its second and size: an edit of "3" to "4" within a second would go
    # unseen.
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return importlib.import_module(f"{package}.{path.stem}")
    finally:
        sys.dont_write_bytecode = written


_STATES: dict[str, set[tuple[str, int, int]]] = {}
"""The files of each imported competition as they were when the first of them was imported."""


def _forget_changed(folder: Path) -> None:
    """Let a competition be imported anew whose files have changed since it was, as a notebook's user would expect."""
    package = _package(folder)
    if package in sys.modules and _STATES[package] != _state(folder):
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]:
            del sys.modules[name]
        importlib.invalidate_caches()


def _package(folder: Path) -> str:
    return f"competition_{folder.name}_{zlib.crc32(str(folder).encode()):08x}"


def _state(folder: Path) -> set[tuple[str, int, int]]:
    """Name, size and time of the last change of each Python file."""
    return {(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.glob("*.py")}
