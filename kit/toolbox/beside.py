"""Files that a setting of a recipe names, such as word vectors or texts without labels: where they lie."""

from __future__ import annotations

from pathlib import Path

from kit import places
from kit.errors import KitError


def locate(file: str | Path, *, folder: str, what: str, right: str, cure: str, folders: bool = False) -> Path:
    """Where `file` is: at that path, from the current folder or from the workspace, or in the workspace's `folder`,
    such as `data/vectors`; on Kaggle, among what is attached. With `folders` it may be a folder.

    Raises KitError when it is not there; `what` names what is missing, `right` says what would do, and `cure` is a
    command, in which `{folder}` stands for that folder's path.
    """
    named = places.named(file)
    if places.on_kaggle() and not named.exists():
        return places.mounted(named.name) / named.name
    beside = places.workspace() / folder
    tried = (named, places.workspace() / named, beside / named)
    for path in tried:
        if path.is_file() or (folders and path.is_dir()):
            return path
    raise KitError(
        f"There are no {what} {str(file)!r}: {tried[1]} and {tried[2]} do not exist.",
        right,
        cure.format(folder=beside),
    )
