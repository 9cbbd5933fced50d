"""Raw files from Kaggle or the web, into `data/.downloads/`, where a killed download goes on."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from kit import places, records
from kit.data.fetch import Downloaded
from kit.errors import KitError
from kit.kaggle import client, credentials, progress, transfer
from kit.notes import tell
from kit.task.catalog import Entry
from kit.task.sources import KaggleCompetition, KaggleDataset, Source, Web

PAGE = 200
"""Files asked for at a time; the client's own 20 would take a call for each 20 of thousands of images."""

PAGES = 20
"""Pages of a listing that are read: of larger ones only the first files are compared."""

Listing = dict[str, int]
"""File name to size in bytes, as the server lists it."""


@contextmanager
def downloaded(entry: Entry, again: bool = False) -> Iterator[Downloaded]:
    """The files that a competition's source consists of, as `received` has them."""
    with received(entry.name, entry.competition.source, again) as files:
        yield files


@contextmanager
def received(name: str, source: Source, again: bool = False) -> Iterator[Downloaded]:
    """The files of a source, and what the server lists, for a competition called `name`; removed when the block ends
    well.

    What an earlier block left is used, unless `again`; half a file is gone on with in any case. Raises KitError when
    they cannot be fetched, are not what their sha256 says, or another process fetches them.
    """
    folder = places.workspace() / "data" / ".downloads" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KitError(
                f"Another process is downloading {name}.",
                "Two at once would write the same files.",
                f"kit download {name}  # when it has ended",
            ) from None
        for whole in (path for path in folder.iterdir() if again and path.name != "lock"):
            if not whole.name.endswith((".part", ".part.json")):
                whole.unlink()
        files, listing = _obtain(name, source, folder)
        yield Downloaded(files, listing, origin(source))
        shutil.rmtree(folder)


def origin(source: Source) -> str:
    """Where the files come from, for the manifest: an address without any right of access."""
    page = source.page
    return page.replace("https://www.kaggle.com", client.site()) if client.emulated() else page


def _obtain(name: str, source: Source, folder: Path) -> tuple[list[Path], Listing]:
    if isinstance(source, Web):
        return [_from_web(url, digest, folder) for url, digest in source.urls.items()], {}
    if not credentials.find():
        missing = credentials.missing()
        raise KitError(
            f"There are no Kaggle credentials, without which {name} cannot be fetched.",
            f"{missing.right} Or download it at {source.page}, and name the file or folder.",
            f"kit download {name} --from ~/Downloads/{name}.zip",
        )
    kaggle = client.connect()
    if isinstance(source, KaggleCompetition):
        return _competition(kaggle, source.slug, folder)
    return _dataset(kaggle, source, folder)


def _competition(kaggle: client.Client, slug: str, folder: Path) -> tuple[list[Path], Listing]:
    listing, more = _listed(kaggle, slug, "competitions.list_data_files", "files", competition_name=slug)
    tell(_summary(slug, listing, more))

    def opened(headers: dict[str, str]) -> Any:
        answer = kaggle.ask(f"Downloading {slug}", "competitions.download_data_files", safe=True, competition_name=slug)
        return _follow(f"Downloading {slug}", answer, headers)

    return [_received(f"{slug}.zip", opened, folder)], listing


def _dataset(kaggle: client.Client, source: KaggleDataset, folder: Path) -> tuple[list[Path], Listing]:
    owner, _, slug = source.ref.partition("/")
    named = {"owner_slug": owner, "dataset_slug": slug}
    listing, more = _listed(kaggle, source.ref, "datasets.list_dataset_files", "dataset_files", **named)
    tell(_summary(source.ref, listing, more))

    def opened(headers: dict[str, str]) -> Any:
        what = f"Downloading {source.ref}"
        answer = kaggle.ask(what, "datasets.download_dataset", safe=True, **named)
        return _follow(what, answer, headers)

    # Sizes that Kaggle lists for datasets may be those of compressed files, so that only names are compared.
    return [_received(f"{slug}.zip", opened, folder)], {}


def _listed(kaggle: client.Client, ref: str, method: str, field: str, **named: str) -> tuple[Listing, bool]:
    """The files that `method` lists page by page in `field` of its answers, and whether there are still more."""
    listing: Listing = {}
    token = ""
    for _ in range(PAGES):
        answer = kaggle.ask(f"Listing the files of {ref}", method, safe=True, page_size=PAGE, page_token=token, **named)
        listing |= {file.name: file.total_bytes for file in getattr(answer, field) or []}
        if not (token := answer.next_page_token):
            break
    return listing, bool(token)


def _follow(what: str, answer: Any, headers: dict[str, str]) -> Any:
    """The file behind the API's redirect, asked for without credentials and uncompressed, so that it can be resumed."""
    answer.close()
    return transfer.get(what, answer.url, headers)


def _received(name: str, opened: transfer.Opened, folder: Path) -> Path:
    path = folder / name
    if not path.exists():
        with progress.transfer(name) as show:
            transfer.receive(f"Downloading {name}", opened, path, show)
    return path


def _from_web(url: str, digest: str, folder: Path) -> Path:
    name = PurePosixPath(urlsplit(url).path).name or "download"
    tell(f"Downloading {name} from {urlsplit(url).hostname}")
    path = _received(name, lambda headers: transfer.get(f"Downloading {name}", url, headers), folder)
    if digest and (digest_here := records.sha256(path)) != digest.lower():
        path.unlink()
        raise KitError(
            f"{name} has the sha256 {digest_here}.",
            f"It must have {digest}: the file at {urlsplit(url).hostname} has changed, or was damaged on the way.",
            "the same command again",
        )
    return path


def _summary(name: str, listing: Listing, more: bool) -> str:
    sizes = f"{sum(listing.values()) / 2**20:,.1f} MiB"
    return f"{name}: {'more than ' if more else ''}{len(listing)} files, {sizes}"
