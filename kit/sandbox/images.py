"""What is installed on Kaggle's machines: a list for each image, shipped with kit or written down by a probe.

A list is JSON: `format`, `image` (`cpu`, `gpu` or `tpu`), `date`, `source`, `python`, and `packages`, name to version;
an empty version means that the package is there and its version is not known.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from kit import places, records
from kit.errors import KitError
from kit.limits import Kind

FORMAT = 1
"""The number of the form in which a list is written."""

SHIPPED = places.KIT / "kaggle" / "kernel" / "images"
"""The folder of the lists that come with kit."""

KAGGLE = "kaggle.com"
"""The server whose images are meant where nobody names one."""


FILE, VARIABLE = "image.json", "KIT_IMAGE"
"""Beside a kernel whose environment holds a part of an image: the whole list, and the environment variable that names
the file."""


@dataclass(frozen=True)
class Image:
    """What is installed on one kind of Kaggle's machines. Names of packages are normalised, as PEP 503 has it."""

    image: Kind
    date: str
    source: str
    python: str
    packages: Mapping[str, str]

    @property
    def label(self) -> str:
        """What to call it in a sentence: `Kaggle's gpu image of 2026-05-14`."""
        return f"Kaggle's {self.image} image of {self.date}"

    @property
    def pins(self) -> list[str]:
        """Each package whose version is known, as a requirement: `numpy==2.0.2`, sorted. The local part of a version,
        such as `+cu128`, is left out: package indexes have none."""
        return [f"{name}=={version.partition('+')[0]}" for name, version in sorted(self.packages.items()) if version]

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that stand for Python and all packages."""
        return hashlib.sha256("\n".join([self.python, *self.pins]).encode()).hexdigest()[:16]

    def has(self, name: str) -> bool:
        """Whether a package is installed, whichever way its name is written."""
        return normal(name) in self.packages


def normal(name: str) -> str:
    """A package's name as indexes compare it: `tf_keras` and `TF-Keras` are `tf-keras`. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def known(kind: str, server: str = KAGGLE) -> Image:
    """The image of that kind: as a probe on `server` wrote it down, else as it is shipped.

    Raises KitError for an unknown kind and for a list that cannot be read.
    """
    if kind not in get_args(Kind):
        raise KitError(f"Kaggle has no image called {kind!r}.", f"Known: {', '.join(get_args(Kind))}.", "--image cpu")
    probed = place(kind, server)
    return read(probed if probed.is_file() else SHIPPED / f"{kind}.json")


def place(kind: str, server: str = KAGGLE) -> Path:
    """The file of the workspace in which the probe of an image is kept. An emulator's images are not Kaggle's."""
    return places.workspace() / "data" / ".images" / re.sub(r"[^\w.-]+", "-", server) / f"{kind}.json"


def read(path: Path) -> Image:
    """The image that a list describes.

    Raises KitError for a file that is no list, or one of a format that this version of kit does not know.
    """
    shipped = path.parent == SHIPPED
    cure = "pip install --force-reinstall kaggle-kit" if shipped else f"rm {path}"
    right = (
        "Install kit again." if shipped else "kit writes such a list. Without it, the list that comes with kit is used."
    )
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KitError(f"{path} cannot be read as a list of packages: {error}.", right, cure) from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        given = told.get("format") if isinstance(told, dict) else None
        raise KitError(f"{path} has the format {given!r}, and this version of kit reads {FORMAT}.", right, cure)
    return _image(told, path, right, cure)


def keep(image: Image, server: str) -> Path:
    """Write down what a probe saw, so that it is used from now on; the file."""
    path = place(image.image, server)
    write(image, path)
    return path


def write(image: Image, path: Path) -> None:
    """Write a list, whole or not at all."""
    records.write_json(path, {"format": FORMAT, **asdict(image)})


def differences(before: Image, now: Image) -> list[tuple[str, str, str]]:
    """Packages that are not the same in two lists, with their versions there: empty for one that is not installed,
    `?` for one whose version is not known. What only the source left open is no difference."""
    names = sorted({*before.packages, *now.packages})
    pairs = [(name, *(_said(image, name) for image in (before, now))) for name in names]
    return [(name, was, is_now) for name, was, is_now in pairs if was != is_now and not (was == "?" and is_now)]


def _said(image: Image, name: str) -> str:
    return (image.packages[name] or "?") if name in image.packages else ""


def _image(told: dict[str, Any], path: Path, right: str, cure: str) -> Image:
    packages = told.get("packages")
    texts = [told.get(name) for name in ("date", "source", "python")]
    whole = (
        told.get("image") in get_args(Kind)
        and all(isinstance(text, str) and text for text in texts)
        and re.fullmatch(r"3\.\d+(\.\d+)?", str(told.get("python")))
        and isinstance(packages, dict)
        and all(isinstance(version, str) for version in packages.values())
    )
    if not whole or not isinstance(packages, dict):
        raise KitError(f"{path} is not whole: it lacks image, date, source, python or packages.", right, cure)
    named = {normal(name): version for name, version in packages.items()}
    return Image(told["image"], told["date"], told["source"], told["python"], named)
