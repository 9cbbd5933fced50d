"""What Kaggle's image lacks, as wheels in a private dataset: resolved against the image, downloaded, attached.

uv resolves with the image's versions as constraints, so that no package which is there already is touched. Source of
the form of its answer: PEP 751, pylock.toml.
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
import subprocess
import tempfile
import tomllib
import urllib.request
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from kit import places, records
from kit.errors import KitError
from kit.kaggle import publish
from kit.kaggle.client import Client
from kit.notes import tell
from kit.sandbox import environments, images, imported
from kit.sandbox.environments import WHEELS
from kit.sandbox.images import Image

PREFIX = "kit-wheels-"
"""What the datasets are called by."""

PLATFORM = "x86_64-manylinux_2_28"
"""Kaggle's machines: Linux on x86-64 with glibc 2.35."""

GLIBC = (2, 35)

LARGEST = 2 << 30
"""Bytes that a wheel may have: more than any on PyPI but those of learning frameworks, which the image has."""


class Offline(KitError):
    """The package index cannot be reached, so that nothing is known of the wheels now."""


def lacking(modules: Collection[str], image: Image) -> dict[str, str]:
    """Those of `modules` that the image does not have, each with the package that brings it here."""
    names = {module: _package(module) for module in sorted(modules)}
    return {module: name for module, name in names.items() if not image.has(name)}


def slug(lacking: Mapping[str, str]) -> str:
    """The dataset that holds the wheels of these packages, at most 50 characters, as Kaggle wants."""
    return f"{PREFIX}{'-'.join(sorted({*lacking.values()}))}"[:50].rstrip("-")


def attached(refs: Collection[str], lacking: Mapping[str, str], user: str) -> list[str]:
    """Sources of a kernel with the one dataset of wheels that it needs, and without others of kit's wheels."""
    kept = [ref for ref in refs if not ref.partition("/")[2].startswith(PREFIX)]
    return [*kept, *([f"{user}/{slug(lacking)}"] if lacking else [])]


def refuse_conflicts(modules: Collection[str], image: Image) -> None:
    """Raises KitError where the image has a package that a recipe imports, in a version that kit does not work with."""
    for module in sorted(modules):
        name = _package(module)
        wanted, there = _range(name), image.packages.get(name, "")
        if wanted is not None and there and not wanted.specifier.contains(there.partition("+")[0], prereleases=True):
            raise _conflict(name, str(wanted.specifier), there, image)


def folder(lacking: Mapping[str, str], image: Image) -> Path:
    """The folder with the wheels of these packages and their listing, made where it is not here for this image yet.

    Raises KitError where they cannot be had beside the image's packages, and Offline where no index can be reached.
    """
    requirements = [str(_range(name) or name) for name in sorted({*lacking.values()})]
    place = home() / slug(lacking)
    record = place.with_suffix(".json")
    asked = {"requirements": requirements, "image": image.digest, "python": image.python}
    if records.read_json(record) == asked and complete(place):
        return place
    lock = _resolved(requirements, image)
    mine = [package for package in lock if not image.has(package["name"])]
    tell(f"{image.label} lacks {', '.join(one['name'] for one in mine)}: downloading")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as beside:
        part = Path(beside, "wheels")
        part.mkdir()
        digests = {}
        for package in mine:
            name, digest = _downloaded(package, image, part)
            digests[name] = digest
        needs = sorted({package["name"] for package in lock if image.has(package["name"])})
        records.write_json(part / WHEELS, {"wheels": digests, "needs": needs})
        record.unlink(missing_ok=True)
        if place.exists():
            place.rename(Path(beside, "earlier"))
        part.rename(place)
    records.write_json(record, asked)
    return place


def complete(place: Path) -> bool:
    """Whether a folder has all the wheels of its listing, to the byte."""
    listed = records.read_json(place / WHEELS).get("wheels") or {}
    return bool(listed) and all(
        (place / name).is_file() and records.sha256(place / name) == digest for name, digest in listed.items()
    )


def send(place: Path, client: Client) -> None:
    """Make the private dataset of a folder of wheels, or a new version of it where bytes have changed."""
    record = place.with_suffix(f".{publish.RECORD}")
    publish.folder(place, place.name, record, client, message="kit kernel push", wait=True)


def home() -> Path:
    """The folder of all wheels of the workspace."""
    return places.workspace() / "data" / ".wheels"


def _package(module: str) -> str:
    """The package that brings a module: by what is installed here, else by its name."""
    if module in imported.PACKAGES:
        return imported.PACKAGES[module]
    installed = sorted({images.normal(name) for name in _distributions().get(module, [])})
    return images.normal(module) if not installed or images.normal(module) in installed else installed[0]


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


@functools.cache
def _range(name: str) -> Requirement | None:
    """The versions of a package that kit works with, as its own metadata has them; None where it does not say."""
    try:
        lines = importlib.metadata.requires("kaggle-kit") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for line in lines:
        wanted = Requirement(line)
        if images.normal(wanted.name) == name:
            wanted.marker = None
            return wanted
    return None


def _resolved(requirements: list[str], image: Image) -> list[dict[str, Any]]:
    """The packages of a solution, with the wheel of each. Raises KitError where there is none."""
    with tempfile.TemporaryDirectory(prefix="kit-resolve-") as temporary:
        place = Path(temporary)
        (place / "wanted.in").write_text("\n".join(requirements), encoding="utf-8")
        (place / "image.txt").write_text("\n".join(image.pins), encoding="utf-8")
        words = ["pip", "compile", "--quiet", str(place / "wanted.in"), "--constraint", str(place / "image.txt")]
        words += ["--python-version", image.python, "--python-platform", PLATFORM, "--only-binary", ":all:"]
        words += ["--format", "pylock.toml", "--output-file", str(place / "pylock.toml")]
        done = environments.uv(*words)
        if done.returncode:
            raise _refused(done, requirements, image)
        return list(tomllib.loads((place / "pylock.toml").read_text(encoding="utf-8"))["packages"])


def _refused(done: subprocess.CompletedProcess[str], requirements: list[str], image: Image) -> KitError:
    said = " ".join(done.stderr.split())
    if environments.offline(said):
        return Offline(
            f"What {image.label} lacks cannot be looked up now: {said[:300]}",
            "The package index cannot be reached.",
            "kit kernel rehearse  # again, with a network",
        )
    # uv pins what the image has with `==`; what is wanted of it stands beside.
    pinned = re.findall(r"\b([\w.-]+)==([\w.]+)", said)
    for name, version in pinned:
        wanted = re.findall(rf"\b{re.escape(name)}((?:[<>!~]=?|==)[\w.,<>=!~]+)", said)
        if image.packages.get(images.normal(name)) == version and (
            other := [one for one in wanted if one != f"=={version}"]
        ):
            return _conflict(name, other[0].rstrip(".,"), version, image, by=", ".join(requirements))
    return KitError(
        f"{', '.join(requirements)} cannot be had beside the packages of {image.label}.",
        f"uv says: {said[-800:]}",
        f"pip index versions {Requirement(requirements[0]).name}  # another version may fit",
    )


def _conflict(name: str, wanted: str, there: str, image: Image, by: str = "") -> KitError:
    who = f"{by} needs" if by else "The recipe needs"
    return KitError(
        f"{who} {name}{wanted}, and {image.label} has {name} {there}.",
        "A package that the image has cannot be replaced: others there were built for its version.",
        f"pip install {name}=={there}  # and make the recipe work with it",
    )


def _downloaded(package: Mapping[str, Any], image: Image, place: Path) -> tuple[str, str]:
    """Fetch a package's wheel into a folder; its name and sha256. Raises KitError for one of another platform."""
    wheels = package.get("wheels") or []
    if not wheels:
        raise KitError(f"{package['name']} {package['version']} has no wheel.", "Kaggle's machines build nothing.")
    known = _tags(image)
    for wheel in wheels:
        name = unquote(wheel.get("name") or urlsplit(wheel["url"]).path.rpartition("/")[2])
        if fits(name, known):
            _fetch(str(wheel["url"]), place / name, str(wheel["hashes"]["sha256"]))
            return name, str(wheel["hashes"]["sha256"])
    raise KitError(
        f"No wheel of {package['name']} {package['version']} is for Kaggle's machines.",
        f"They have Python {image.python} on Linux and x86-64.",
    )


def fits(name: str, tags: Collection[Tag]) -> bool:
    """Whether a wheel of that file name can be installed where `tags` are supported."""
    try:
        return bool(parse_wheel_filename(name)[3] & set(tags))
    except InvalidWheelFilename:
        return False


@functools.cache
def _kaggle_tags(python: tuple[int, int]) -> frozenset[Tag]:
    major, minor = GLIBC
    linux = [f"manylinux_{major}_{number}_x86_64" for number in range(minor, 4, -1)]
    linux += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"]
    interpreter = f"cp{python[0]}{python[1]}"
    return frozenset([*cpython_tags(python, platforms=linux), *compatible_tags(python, interpreter, linux)])


def _tags(image: Image) -> frozenset[Tag]:
    """What Kaggle's machines support."""
    major, minor = image.python.split(".")[:2]
    return _kaggle_tags((int(major), int(minor)))


def _fetch(url: str, to: Path, digest: str) -> None:
    """Fetch a wheel, and refuse it where its bytes are not those that the index announced."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, to.open("wb") as file:
            while block := answer.read(1 << 20):
                if file.tell() > LARGEST:
                    raise KitError(f"{to.name} has more than {LARGEST:,} bytes.")
                file.write(block)
    except OSError as error:
        raise Offline(f"{to.name} cannot be downloaded: {error}.", "Nothing was kept.") from None
    if records.sha256(to) != digest:
        raise KitError(
            f"{to.name} is damaged: its bytes are not those that the package index announced.", "", f"rm {to}"
        )
