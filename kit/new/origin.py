"""Where the files of a new competition are: on this machine, or on Kaggle as a competition or a dataset."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kit.data import archives, fetch
from kit.errors import KitError
from kit.kaggle import credentials, listings, remote
from kit.new.look import tables_in
from kit.notes import tell
from kit.task.sources import KaggleCompetition, KaggleDataset

SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Origin:
    """The files on this machine, or else what to download; `said` is what a person called it."""

    said: str
    paths: tuple[Path, ...] = ()
    slug: str = ""
    dataset: str = ""

    def expression(self, name: str) -> str:
        """The source as competition.py says it, up to its files."""
        return f'KaggleDataset("{self.dataset}"' if self.dataset else f'KaggleCompetition("{self.slug or name}"'


def told(name: str, words: Sequence[str | Path]) -> Origin:
    """Where the files are that `words` name: paths, a competition's slug, a dataset such as zillow/zecon, or its page.

    Without words the competition called `name` on Kaggle is meant. Raises KitError for what is none of these.
    """
    if not words:
        return Origin(name, slug=name)
    said = ", ".join(Path(word).name for word in words[:3])
    paths = [Path(word).expanduser() for word in words]
    if all(path.exists() for path in paths):
        return Origin(said, tuple(paths))
    if len(words) == 1:
        word = str(words[0])
        parts = urlsplit(word).path.strip("/").split("/") if "kaggle.com/" in word else []
        if len(parts) > 1 and parts[0] in ("competitions", "c"):
            return Origin(word, slug=parts[1])
        if len(parts) > 2 and parts[0] == "datasets":
            return Origin(word, dataset="/".join(parts[1:3]))
        if SLUG.fullmatch(word):
            return Origin(word, slug=word)
        owner, _, slug = word.partition("/")
        if SLUG.fullmatch(owner) and SLUG.fullmatch(slug) and not Path(owner).exists():
            return Origin(word, dataset=word)
    missing = next(path for path in paths if not path.exists())
    raise KitError(
        f"{missing} does not exist.",
        "It must be a zip file, a folder or files, a competition's slug such as titanic, or a dataset such as "
        "owner/name.",
        f"kit new {name} --from ~/Downloads/{name}.zip",
    )


def taken(origin: Origin, name: str, raw: Path) -> None:
    """All files in the folder `raw`, unpacked. Raises KitError when they cannot be read or downloaded."""
    if not origin.paths:
        source = KaggleDataset(origin.dataset) if origin.dataset else KaggleCompetition(origin.slug)
        if not credentials.find():
            raise KitError(
                f"There is no file called {origin.said}, and without Kaggle credentials nothing can be downloaded.",
                f"{credentials.missing().right} Or download it at {source.page}, and name the file or folder.",
                f"kit new {name} --from ~/Downloads/{name}.zip",
            )
        with remote.received(name, source) as downloaded:
            for file in downloaded.files:
                fetch.place(file, raw, {})
    for path in origin.paths:
        if path.is_dir():
            shutil.copytree(path, raw, dirs_exist_ok=True)
        elif archives.is_archive(path) and not _is_packed_table(path):
            archives.unpack(path, raw)
        else:
            shutil.copyfile(path, raw / path.name)
    for inner in sorted(raw.rglob("*.zip")):
        if zipfile.is_zipfile(inner) and tables_in(inner):
            archives.unpack(inner, inner.parent)
            inner.unlink()


def metric(origin: Origin) -> str:
    """Kaggle's name of the competition's metric; empty where it is not asked, or does not say."""
    if not origin.slug or not credentials.find():
        return ""
    try:
        listed, _ = listings.competitions(origin.slug)
    except KitError as error:
        tell(f"Kaggle does not say the metric: {error.wrong}")
        return ""
    return next((each.metric or "" for each in listed if each.slug == origin.slug), "")


def _is_packed_table(path: Path) -> bool:
    """Whether a file is one table that was packed alone, such as train.csv.zip."""
    return re.search(r"\.(csv|tsv|txt|json|jsonl)\.zip$", path.name.lower()) is not None
