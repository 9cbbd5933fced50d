"""Which packages of an image a notebook imports, read from its text without running it."""

from __future__ import annotations

import ast
import functools
import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kit.sandbox.images import Image, normal

PACKAGES = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "IPython": "ipython",
    "official": "tf-models-official",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Modules whose package has another name, by module."""

ALSO: dict[str, dict[str, tuple[str, ...]]] = {
    "keras": {"cpu": ("tensorflow",), "gpu": ("tensorflow",), "tpu": ("jax", "tensorflow-cpu")},
    "tensorflow": {"tpu": ("tensorflow-cpu",)},
}
"""What a package imports by itself on an image: the backend of Keras there, and TensorFlow by its name there, which
layers of texts take on any backend."""

BROUGHT = {"keras": "keras", "language": "keras"}
"""What a recipe brings along by its EXTRA, where functions of shared files import it for the recipe."""

LARGE = frozenset(
    (
        *("tensorflow", "tf_keras", "tensorflow_hub", "tensorflow_text", "keras"),
        *("torch", "jax", "xgboost", "lightgbm", "catboost"),
    )
)
"""Learning frameworks. A function of a file that recipes share imports one only where the recipe has brought it along;
so they count where a file imports them at its top, where a recipe or a cell does at all, and where a recipe's EXTRA
says so."""

MODULE = re.compile(r"[\w./]{1,200}")
"""What a text must look like to be the name of a module or the path of one."""

WRITTEN = re.compile(r"%%writefile\s+(?:-a\s+)?(?P<path>\S+\.py)\s*\n")


def packages(text: str, image: Image) -> set[str]:
    """The packages of `image` that the notebook in `text` imports, by their names on an index."""
    names: set[str] = set()
    for module in modules_of(text):
        name = normal(PACKAGES.get(module, module))
        names |= {name, *ALSO.get(name, {}).get(image.image, ())}
    return {name for name in names if image.has(name)}


def modules(package: str) -> list[str]:
    """The modules that a package is imported by: a guess that is right for those which matter."""
    return [module for module, name in PACKAGES.items() if name == package] or [package.replace("-", "_")]


def modules_of(text: str) -> frozenset[str]:
    """The outermost modules that the cells of a notebook can import; Python's own, and files that cells write, are left
    out.

    Of a file that a cell writes those functions count which are named by what runs, followed from file to file: a file
    that many recipes share imports more than each of them needs.
    """
    return _modules(text)[0]


def needed(text: str) -> frozenset[str]:
    """As `modules_of`, without what is imported by a `try` that goes on where it is missing."""
    return _modules(text)[1]


@functools.lru_cache(maxsize=64)
def _modules(text: str) -> tuple[frozenset[str], frozenset[str]]:
    files, cells = _files(text)
    reached = _Reached(files)
    for code in cells:
        reached.all_of(_File("", code, files))
    for path, file in files.items():
        if not path.startswith("kit/") and not path.rpartition("/")[2].startswith("_"):
            reached.all_of(file)
            reached.brought(file)
    own = {part for path in files for part in path.removesuffix(".py").split("/")} | sys.stdlib_module_names
    return frozenset(reached.outside - own), frozenset(reached.outside - reached.spared - own)


class _Facts(NamedTuple):
    """What a unit of a file holds that can bring a module in: its imports, each with whether it is tried by code that
    goes on without it, names, attributes of names, and texts that may be modules' names."""

    imports: tuple[tuple[ast.Import | ast.ImportFrom, bool], ...]
    names: frozenset[str]
    attributes: frozenset[tuple[str, str]]
    texts: frozenset[str]


class _Told(NamedTuple):
    """What the text of a file tells, whatever lies beside it: the facts of its units, each function and each class at
    its top, and under "" all the rest; all imports; and its EXTRA."""

    units: dict[str, _Facts]
    imports: tuple[ast.Import | ast.ImportFrom, ...]
    extra: str


@functools.lru_cache(maxsize=1024)
def _told(code: str) -> _Told:
    """Read once: most files of one notebook are in the next one too."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        # Not Python alone, such as a cell with a magic of its own: its lines that look like imports count.
        tree = ast.parse(
            "\n".join(re.findall(r"^\s*((?:import|from)\s+\w+)\s", code, re.MULTILINE)).replace("from", "import")
        )
    units: dict[str, list[ast.AST]] = {"": []}
    extra = ""
    for statement in tree.body:
        named = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        units.setdefault(statement.name if named else "", []).append(statement)  # type: ignore[attr-defined]
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            extra = str(statement.value.value) if ast.unparse(statement.targets[0]) == "EXTRA" else extra
    facts = {name: _facts(statements) for name, statements in units.items()}
    return _Told(facts, tuple(node for each in facts.values() for node, _ in each.imports), extra)


def _facts(statements: list[ast.AST]) -> _Facts:
    imports: list[tuple[ast.Import | ast.ImportFrom, bool]] = []
    names, attributes, texts = set[str](), set[tuple[str, str]](), set[str]()
    for statement in statements:
        tried: set[ast.AST] = set()
        for node in ast.walk(statement):
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                break
            if isinstance(node, ast.Try) and any("ImportError" in _caught(one) for one in node.handlers):
                tried |= {inner for each in node.body for inner in ast.walk(each)}
            elif isinstance(node, ast.Import | ast.ImportFrom):
                imports.append((node, node in tried))
            elif isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                attributes.add((node.value.id, node.attr))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE.fullmatch(node.value):
                texts.add(node.value)
    return _Facts(tuple(imports), frozenset(names), frozenset(attributes), frozenset(texts))


class _File:
    """A file, or a cell that runs, among the written `files`."""

    def __init__(self, path: str, code: str, files: Mapping[str, _File]) -> None:
        self.path, self._files = path, files
        self.units, self._imports, self.extra = _told(code)

    @functools.cached_property
    def aliases(self) -> dict[str, tuple[str, str]]:
        """What names mean that are imported of other files: the file, and the unit in it, "" for the file itself."""
        meant = {}
        for node in self._imports:
            for path, unit, alias in self.imported(node):
                meant[alias] = (path, unit)
        return meant

    def imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str, str]]:
        """What an import takes of other files: the file, the unit, and the name that it gets."""
        for alias in node.names:
            if isinstance(node, ast.Import):
                if path := self._file(alias.name.split(".")):
                    yield path, "", alias.asname or alias.name
                continue
            parts = (node.module or "").split(".") if node.module else []
            if node.level:
                parts = [*self.path.split("/")[: -node.level], *parts]
            if path := self._file([*parts, alias.name]):
                yield path, "", alias.asname or alias.name
            elif path := self._file(parts):
                yield path, alias.name, alias.asname or alias.name

    def _file(self, parts: list[str]) -> str:
        """The path of a module among the written files; empty for another."""
        stem = "/".join(parts)
        return next((path for path in (f"{stem}.py", f"{stem}/__init__.py") if path in self._files), "")


class _Reached:
    """What can run, followed from unit to unit; `outside` are the modules of others that it imports, `spared` those of
    them that it can do without."""

    def __init__(self, files: Mapping[str, _File]) -> None:
        self._files, self._seen = files, set[tuple[str, str]]()
        self.outside, self.spared, self._wanted = set[str](), set[str](), set[str]()

    def all_of(self, file: _File) -> None:
        """All units of a file can run."""
        for unit in file.units:
            self._unit(file, unit)

    def brought(self, recipe: _File) -> None:
        """What the EXTRA of a recipe stands for is needed."""
        self._count({BROUGHT[recipe.extra]} if recipe.extra in BROUGHT else set(), wanted=True)

    def _unit(self, file: _File, unit: str) -> None:
        waiting = [(file, unit)]
        while waiting:
            file, unit = waiting.pop()
            if file.path and (file.path, unit) in self._seen:
                continue
            self._seen.add((file.path, unit))
            shared = file.path.startswith("kit/") or file.path.rpartition("/")[2].startswith("_")
            if facts := file.units.get(unit):
                waiting += self._named(file, facts, LARGE if shared and unit else frozenset())

    def _named(self, file: _File, facts: _Facts, without: frozenset[str]) -> Iterator[tuple[_File, str]]:
        """The units that facts name, or import; modules `without` do not count."""
        for node, tried in facts.imports:
            mine = list(file.imported(node))
            if not mine and not (isinstance(node, ast.ImportFrom) and node.level):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
                self._count({name.partition(".")[0] for name in names} - without, wanted=not tried)
            yield from ((self._files[path], "") for path, _, _ in mine)
        for name in facts.names:
            path, unit = file.aliases.get(name, ("", name))
            yield (self._files[path] if path else file), unit
        for name, attribute in facts.attributes:
            path, unit = file.aliases.get(name, ("", name))
            if path and not unit:
                yield self._files[path], attribute
        for text in facts.texts:
            if (path := text.replace(".", "/") + ".py") in self._files:  # a module that is imported by its name
                yield from ((self._files[path], unit) for unit in self._files[path].units)

    def _count(self, modules: set[str] | frozenset[str], *, wanted: bool) -> None:
        self.outside |= modules
        self._wanted |= modules if wanted else set()
        self.spared = self.outside - self._wanted


def _caught(handler: ast.ExceptHandler) -> str:
    """The names of the exceptions that a handler catches; one that catches all catches a missing module too."""
    text = ast.unparse(handler.type) if handler.type else "ImportError"
    return text.replace("ModuleNotFoundError", "ImportError").replace("Exception", "ImportError")


def _files(text: str) -> tuple[dict[str, _File], list[str]]:
    """The Python files that the cells of a notebook write, by path, and the code of the other cells."""
    files: dict[str, _File] = {}
    cells = []
    for cell in json.loads(text)["cells"]:
        source = cell.get("source", "")
        source = source if isinstance(source, str) else "".join(map(str, source))
        if cell.get("cell_type") != "code":
            continue
        if written := WRITTEN.match(source):
            files[written["path"]] = _File(written["path"], source[written.end() :], files)
        else:
            lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))
            cells.append("\n".join(lines))
    return files, cells
