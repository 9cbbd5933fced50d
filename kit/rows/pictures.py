"""Images in files as rows: a row is a path, and is read when somebody looks at it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from kit.errors import KitError

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
"""Endings of the files that count as images."""

INSIDE = "::"
"""Stands between a zip file and the name of a file in it."""


class Pictures:
    """Images in files, or in a zip file, that a row index can index; `files` are their paths, texts of (n,).

    One row, `pictures[3]`, is the image, uint8 of (height, width, 3), or (height, width) where it is grey. Rows taken
    out are Pictures again: nothing is read until an image is asked for.
    """

    def __init__(self, files: Sequence[str] | np.ndarray) -> None:
        self.files = np.asarray(files, str)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (int, np.integer)):
            return read(str(self.files[index]))
        return Pictures(self.files[index])

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The paths, as objects: who makes an array of all rows does not mean to read all images."""
        return np.array([Path(file) for file in self.files.tolist()], object)

    def small(self, row: int, size: int, colours: int = 3) -> np.ndarray:
        """The image of a row in `size` x `size` pixels and 1 or 3 colours, uint8 of (size, size, colours)."""
        from PIL import Image

        with _opened(str(self.files[row])) as image:
            image.draft("RGB", (size, size))  # JPEG files are read at an eighth of their size where that is enough
            plain = image.convert("RGB" if colours == 3 else "L").resize((size, size), Image.Resampling.BILINEAR)
            return np.asarray(plain, np.uint8).reshape(size, size, colours)


def of(folder: Path, names: Any) -> Pictures:
    """The images of rows whose files below `folder`, a folder or a zip file, are called `names`.

    A name may be a path, and lack its ending. Raises KitError for a row without a file, naming the first.
    """
    known = _index(folder)
    files: list[str] = []
    for name in map(str, names):
        file = known.get(name) or known.get(PurePosixPath(name).name)
        if file is None:
            raise KitError(
                f"{folder.name} holds no image called {name!r}.",
                f"It holds {len(set(known.values())):,} images, such as {next(iter(known), 'none')}.",
            )
        files.append(file)
    return Pictures(files)


def listed(folder: Path) -> tuple[Pictures, np.ndarray, np.ndarray]:
    """All images below `folder`, in the order of their names, their names, and their labels as `labels` tells them."""
    paths = _paths(folder)
    told = labels([name for name, _ in paths])
    if told is None:
        raise KitError(f"The images in {folder.name} lie in no folders that say their class.")
    names = np.array([name for name, _ in paths], str)
    return Pictures([file for _, file in paths]), names, np.array(told, str)


def side(folder: Path) -> int:
    """The longer side, in pixels, of the largest of a folder's first ten images."""
    from PIL import Image

    sizes = []
    for _, file in _paths(folder)[:10]:
        image: Image.Image = _opened(file)
        with image:
            sizes.append(max(image.size))
    return max(sizes, default=0)


def labels(files: Sequence[str]) -> list[str] | None:
    """The class of each file: the folder that it lies in, or else the word that its name starts with, as in cat.12.jpg.

    None where neither tells classes.
    """
    parents = [PurePosixPath(file).parent.name for file in files]
    if len(set(parents)) > 1 and all(parents):
        return parents
    words = [PurePosixPath(file).name.partition(".")[0].rstrip("0123456789_- ") for file in files]
    return words if len(set(words)) > 1 and all(words) else None


def read(file: str) -> np.ndarray:
    """One image, uint8 of (height, width) or (height, width, 3). Raises KitError when it cannot be read."""
    with _opened(file) as image:
        return np.asarray(image if image.mode == "L" else image.convert("RGB"), np.uint8)


def _opened(file: str) -> Any:
    from PIL import Image, UnidentifiedImageError

    archive, inside, name = file.partition(INSIDE)
    try:
        return Image.open(io.BytesIO(_archive(archive).read(name)) if inside else file)
    except (UnidentifiedImageError, zipfile.BadZipFile, KeyError) as error:
        raise KitError(f"{Path(name or file).name} cannot be read as an image: {error}") from error


@lru_cache(maxsize=8)
def _archive(path: str) -> zipfile.ZipFile:
    """A zip file that stays open: opening one reads the list of all its files."""
    return zipfile.ZipFile(path)


def _paths(folder: Path) -> list[tuple[str, str]]:
    """The images below a folder or in a zip file: their paths there, and what `read` takes."""
    if folder.is_dir():
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
        return [(path.relative_to(folder).as_posix(), str(path)) for path in files]
    if not folder.is_file():
        raise KitError(f"There is no folder {folder}.", "It must hold the images of the rows.")
    names = sorted(_archive(str(folder)).namelist())
    return [
        (name, f"{folder}{INSIDE}{name}")
        for name in names
        if PurePosixPath(name).suffix.lower() in ENDINGS and not name.startswith("__MACOSX/")
    ]


def _index(folder: Path) -> dict[str, str]:
    """Names of images, with and without folders and endings, to what `read` takes; the fullest name wins."""
    paths = _paths(folder)
    known = {PurePosixPath(name).stem: file for name, file in paths}
    known |= {str(PurePosixPath(name).with_suffix("")): file for name, file in paths}
    known |= {PurePosixPath(name).name: file for name, file in paths}
    return known | dict(paths)
