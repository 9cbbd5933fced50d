"""Datasets: created, versioned, listed, downloaded. One function for each method of the service."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from kit.emulator import files, landing
from kit.emulator.site import Call
from kit.emulator.wire import Redirect, Refusal, page

_SITE = "https://www.kaggle.com/datasets"
_ENDINGS = {
    "CSV": (".csv",),
    "SQLITE": (".sqlite", ".db"),
    "JSON": (".json",),
    "BIG_QUERY": (".bigquery",),
    "PARQUET": (".parquet",),
}
_SETTINGS = ("title", "subtitle", "description", "keywords")
_LICENSES = {"CC": "cc", "GPL": "gpl", "ODB": "odb", "OTHER": "other"}


def folder(call: Call, owner: str, slug: str, number: int = 0) -> Path | None:
    """Where the files of a version are, of the newest for 0; None where the caller may not see them or they are not."""
    dataset = call.store.get("dataset", f"{owner}/{slug}")
    if dataset is None or (dataset["private"] and owner != call.user.name):
        return None
    numbers = [version["number"] for version in dataset["versions"]]
    number = number or numbers[-1]
    return _files(call, dataset, number) if number in numbers else None


def create_dataset(call: Call) -> dict[str, Any]:
    """A new dataset of the caller's, from uploads."""
    owner, slug, title = call.text("ownerSlug"), call.text("slug"), call.text("title")
    if owner != call.user.name:
        raise Refusal(403, "Permission 'datasets.create' was denied")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{4,48}[a-z0-9]", slug):
        return {"status": "error", "error": f"The dataset slug {slug!r} must have 6 to 50 of a-z, 0-9 and hyphens"}
    dataset = {
        "id": call.store.number(),
        "owner": owner,
        "slug": slug,
        "title": title,
        "subtitle": call.text("subtitle"),
        "description": call.text("description"),
        "license": call.text("licenseName"),
        "private": call.flag("isPrivate", True),
        "keywords": call.texts("categoryIds"),
        "versions": [],
    }
    taken = f'The requested title "{title}" is already in use by a dataset. Please choose another title.'
    if call.store.get("dataset", f"{owner}/{slug}") is not None:
        return {"status": "error", "error": taken}
    with landing.landed(call) as folder, call.store.change():
        if call.store.get("dataset", f"{owner}/{slug}") is not None:  # made by another call in the meantime
            return {"status": "error", "error": taken}
        return _add_version(call, dataset, folder)


def create_dataset_version(call: Call) -> dict[str, Any]:
    """A new version of one of the caller's datasets; older ones stay unless the request says otherwise."""
    _own(call)
    version = call.inner("body")
    with landing.landed(version) as folder, call.store.change():
        return _add_version(version, _own(call), folder)


def create_dataset_version_by_id(call: Call) -> dict[str, Any]:
    """As `create_dataset_version`, for the dataset of that id."""
    for dataset in call.store.documents("dataset"):
        if dataset["id"] == call.number("id") and dataset["owner"] == call.user.name:
            call.body |= {"ownerSlug": dataset["owner"], "datasetSlug": dataset["slug"]}
            return create_dataset_version(call)
    raise Refusal(403, "Permission 'datasets.update' was denied")


def get_dataset(call: Call) -> dict[str, Any]:
    """What is known of a dataset."""
    return _described(call, _seen(call))


def get_dataset_status(call: Call) -> dict[str, Any]:
    """Whether a dataset can be used; the client takes any error for a name that is free."""
    _seen(call)
    return {"status": "READY"}


def get_dataset_metadata(call: Call) -> dict[str, Any]:
    """What `dataset-metadata.json` holds."""
    dataset = _seen(call)
    info = {
        "datasetId": dataset["id"],
        "datasetSlug": dataset["slug"],
        "ownerUser": dataset["owner"],
        "title": dataset["title"],
        "subtitle": dataset["subtitle"],
        "description": dataset["description"],
        "isPrivate": dataset["private"],
        "keywords": dataset["keywords"],
        "licenses": [{"name": dataset["license"]}],
        "data": [{"name": name, "totalBytes": path.stat().st_size} for name, path in _listing(call, dataset)],
    }
    return {"info": info}


def update_dataset_metadata(call: Call) -> dict[str, Any]:
    """Change title, texts, licence, keywords and visibility of one of the caller's datasets."""
    dataset = _own(call)
    settings = call.inner("settings")
    for key in _SETTINGS:
        dataset[key] = settings.body.get(key) or dataset[key]
    for license in settings.body.get("licenses", [])[:1]:
        dataset["license"] = license.get("name", "")
    dataset["private"] = settings.flag("isPrivate", dataset["private"])
    call.store.put("dataset", f"{dataset['owner']}/{dataset['slug']}", dataset)
    return {"errors": []}


def list_dataset_files(call: Call) -> dict[str, Any]:
    """The files of a version."""
    dataset = _seen(call)
    shown, token = page(_listing(call, dataset), call.body)
    return {"datasetFiles": [_file(dataset, name, path) for name, path in shown], "nextPageToken": token}


def download_dataset(call: Call) -> Redirect:
    """One file of a version, or all in one archive."""
    dataset = _seen(call)
    number = _number(call, dataset)
    folder = _files(call, dataset, number)
    if wanted := call.text("fileName"):
        return Redirect(call.link(folder, files.listed(folder, wanted)))
    archive = folder.parent / "archives" / str(number) / f"{dataset['slug']}.zip"
    files.zipped(archive, folder)
    return Redirect(call.link(archive.parent, archive.name))


def download_dataset_raw(call: Call) -> Redirect:
    """One file of a version."""
    return download_dataset(call)


def list_datasets(call: Call) -> dict[str, Any]:
    """Datasets that the caller may see, by words, owner, licence, kind of file and size."""
    mine = call.text("group").startswith("DATASET_SELECTION_GROUP_MY")
    kind = call.text("fileType").removeprefix("DATASET_FILE_TYPE_GROUP_")
    license = _LICENSES.get(call.text("license").removeprefix("DATASET_LICENSE_GROUP_"), "")
    least, most = call.number("minSize"), call.number("maxSize")
    listed = []
    for dataset in call.store.documents("dataset"):
        contents = files.listing(_files(call, dataset, dataset["versions"][-1]["number"]))
        size = sum(path.stat().st_size for _, path in contents)
        if (
            (dataset["owner"] == call.user.name or not (dataset["private"] or mine))
            and (not call.text("user") or dataset["owner"] == call.text("user"))
            and call.text("search").lower() in f"{dataset['slug']} {dataset['title']}".lower()
            and license in dataset["license"].lower()
            and (kind not in _ENDINGS or any(name.endswith(_ENDINGS[kind]) for name, _ in contents))
            and size >= least
            and (not most or size <= most)
        ):
            listed.append(dataset)
    if call.text("sortBy") in ("DATASET_SORT_BY_UPDATED", "DATASET_SORT_BY_PUBLISHED"):
        listed.sort(key=lambda dataset: dataset["versions"][-1]["at"], reverse=True)
    shown, token = page(listed, call.body)
    return {"datasets": [_described(call, dataset) for dataset in shown], "nextPageToken": token}


def delete_dataset(call: Call) -> dict[str, Any]:
    """Forget one of the caller's datasets with all its versions."""
    dataset = _own(call)
    call.store.drop("dataset", f"{dataset['owner']}/{dataset['slug']}")
    shutil.rmtree(_files(call, dataset, 0).parent, ignore_errors=True)
    return {}


def _add_version(call: Call, dataset: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the files in `folder` the newest version, as the call says."""
    if not files.listing(folder):
        return {"status": "error", "error": "A dataset must have at least one file"}
    number = dataset["versions"][-1]["number"] + 1 if dataset["versions"] else 1
    files.move(folder, _files(call, dataset, number))
    if call.flag("deleteOldVersions"):
        dataset["versions"] = []
    dataset["versions"].append({"number": number, "notes": call.text("versionNotes"), "at": call.now})
    call.store.put("dataset", f"{dataset['owner']}/{dataset['slug']}", dataset)
    ref = f"{dataset['owner']}/{dataset['slug']}"
    return {"ref": ref, "url": f"{_SITE}/{ref}", "status": "ok"}


def _seen(call: Call) -> dict[str, Any]:
    dataset = call.store.get("dataset", f"{call.text('ownerSlug')}/{call.text('datasetSlug')}")
    if dataset is None or (dataset["private"] and dataset["owner"] != call.user.name):
        raise Refusal(403, "Permission 'datasets.get' was denied")
    return dataset


def _own(call: Call) -> dict[str, Any]:
    dataset = _seen(call)
    if dataset["owner"] != call.user.name:
        raise Refusal(403, "Permission 'datasets.update' was denied")
    return dataset


def _number(call: Call, dataset: dict[str, Any]) -> int:
    numbers = [version["number"] for version in dataset["versions"]]
    asked = call.number("datasetVersionNumber") or numbers[-1]
    if asked not in numbers:
        raise Refusal(404, f"Version {asked} not found")
    return asked


def _files(call: Call, dataset: dict[str, Any], number: int) -> Path:
    return call.store.folder / "files" / "datasets" / dataset["owner"] / dataset["slug"] / str(number)


def _listing(call: Call, dataset: dict[str, Any]) -> list[tuple[str, Path]]:
    return files.listing(_files(call, dataset, _number(call, dataset)))


def _file(dataset: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    return {
        "ref": name,
        "name": name,
        "datasetRef": f"{dataset['owner']}/{dataset['slug']}",
        "ownerRef": dataset["owner"],
        "creationDate": dataset["versions"][-1]["at"],
        "fileType": path.suffix,
        "totalBytes": path.stat().st_size,
    }


def _described(call: Call, dataset: dict[str, Any]) -> dict[str, Any]:
    ref = f"{dataset['owner']}/{dataset['slug']}"
    newest = dataset["versions"][-1]
    listed = files.listing(_files(call, dataset, newest["number"]))
    return {
        "id": dataset["id"],
        "ref": ref,
        "title": dataset["title"],
        "subtitle": dataset["subtitle"],
        "description": dataset["description"],
        "creatorName": dataset["owner"],
        "ownerName": dataset["owner"],
        "ownerRef": dataset["owner"],
        "totalBytes": sum(path.stat().st_size for _, path in listed),
        "url": f"{_SITE}/{ref}",
        "lastUpdated": newest["at"],
        "isPrivate": dataset["private"],
        "licenseName": dataset["license"],
        "currentVersionNumber": newest["number"],
        "usabilityRating": 0.5,
        "files": [_file(dataset, name, path) for name, path in listed[:20]],
        "versions": [
            {"versionNumber": version["number"], "creationDate": version["at"], "versionNotes": version["notes"]}
            for version in dataset["versions"]
        ],
    }
