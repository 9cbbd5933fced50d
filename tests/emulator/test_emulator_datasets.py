"""Datasets and models: created, versioned, downloaded, mounted."""

from __future__ import annotations

import io
import tarfile
import zipfile

from tests.emulator.conftest import Caller


def upload(call: Caller, name: str, data: bytes) -> dict[str, str]:
    told = call("StartBlobUpload", type="DATASET", name=name, contentLength=len(data)).json
    assert call.http("PUT", told["createUrl"], data).status == 200
    return {"token": told["token"]}


def create(call: Caller, slug: str = "my-data", **more: object) -> dict[str, object]:
    told = {"ownerSlug": "tester", "slug": slug, "title": "My data", "licenseName": "CC0-1.0", "isPrivate": True}
    made = call("CreateDataset", **{**told, "files": [upload(call, "a.csv", b"x\n1\n")], **more}).json
    return dict(made)


def test_a_dataset_is_created_versioned_and_downloaded(call: Caller) -> None:
    asked = {"ownerSlug": "tester", "datasetSlug": "my-data"}
    assert call("GetDatasetStatus", **asked).status == 403  # the client takes this for a free name
    assert create(call) == {
        "ref": "tester/my-data",
        "url": "https://www.kaggle.com/datasets/tester/my-data",
        "status": "ok",
    }
    assert create(call)["status"] == "error"
    assert call("GetDatasetStatus", **asked).json == {"status": "READY"}
    body = {"versionNotes": "v2", "files": [upload(call, "a.csv", b"x\n2\n"), upload(call, "b.csv", b"y\n")]}
    assert call("CreateDatasetVersion", **asked, body=body).json["status"] == "ok"
    files = call("ListDatasetFiles", **asked).json["datasetFiles"]
    assert [(file["name"], file["totalBytes"]) for file in files] == [("a.csv", 4), ("b.csv", 2)]
    for number, text in ((1, b"x\n1\n"), (2, b"x\n2\n")):
        moved = call("DownloadDataset", **asked, fileName="a.csv", datasetVersionNumber=number)
        assert call.http("GET", moved.headers["location"]).body == text
    moved = call("DownloadDataset", **asked)
    assert moved.headers["location"].endswith("/my-data.zip")
    archive = zipfile.ZipFile(io.BytesIO(call.http("GET", moved.headers["location"]).body))
    assert archive.namelist() == ["a.csv", "b.csv"]
    assert call("DownloadDataset", **asked, datasetVersionNumber=3).status == 404
    versions = call("GetDataset", **asked).json["versions"]
    assert [(version["versionNumber"], version["versionNotes"]) for version in versions] == [(1, ""), (2, "v2")]


def test_private_datasets_are_seen_by_their_owner_only(call: Caller) -> None:
    create(call)
    create(call, "open-data", isPrivate=False)
    other = Caller(call.emulator, call.emulator.store.user("rival").token)
    assert [one["ref"] for one in other("ListDatasets").json["datasets"]] == ["tester/open-data"]
    assert other("ListDatasetFiles", ownerSlug="tester", datasetSlug="my-data").status == 403
    assert other("DeleteDataset", ownerSlug="tester", datasetSlug="open-data").status == 403
    assert call("DeleteDataset", ownerSlug="tester", datasetSlug="my-data").status == 200
    assert [one["ref"] for one in call("ListDatasets").json["datasets"]] == ["tester/open-data"]


def test_archives_are_unpacked_and_directories_kept(call: Caller) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one/two.txt", "2")
    inner = {"name": "folder", "files": [upload(call, "c.csv", b"z\n")]}
    create(call, files=[upload(call, "images.zip", packed.getvalue())], directories=[inner])
    files = call("ListDatasetFiles", ownerSlug="tester", datasetSlug="my-data").json["datasetFiles"]
    assert [file["name"] for file in files] == ["folder/c.csv", "images/one/two.txt"]


def test_names_that_leave_the_folder_are_cut_down(call: Caller) -> None:
    create(call, files=[upload(call, "../../evil.csv", b"1")])
    files = call("ListDatasetFiles", ownerSlug="tester", datasetSlug="my-data").json["datasetFiles"]
    assert [file["name"] for file in files] == ["evil.csv"]
    assert call("CreateDataset", ownerSlug="rival", slug="other-data", title="Other").status == 403
    assert create(call, "../other")["status"] == "error"


def test_a_model_has_variations_with_versions(call: Caller) -> None:
    model = {"ownerSlug": "tester", "slug": "net", "title": "Net", "isPrivate": True}
    assert call("CreateModel", **model).json["ref"] == "tester/net"
    assert call("CreateModel", **{**model, "slug": "../net"}).json["error"] == "The slug '../net' is invalid"
    assert "already used" in call("CreateModel", **model).json["error"]
    asked = {"ownerSlug": "tester", "modelSlug": "net"}
    body = {"instanceSlug": "small", "framework": "MODEL_FRAMEWORK_KERAS", "licenseName": "Apache 2.0"}
    made = call("CreateModelInstance", **asked, body={**body, "files": [upload(call, "w.h5", b"1")]}).json
    assert made["ref"] == "tester/net/keras/small/1"
    one = {**asked, "framework": "MODEL_FRAMEWORK_KERAS", "instanceSlug": "small"}
    call("CreateModelInstanceVersion", **one, body={"files": [upload(call, "w.h5", b"22")]})
    newest = call("GetModelInstance", **one).json
    assert (newest["versionNumber"], newest["framework"]) == (2, "MODEL_FRAMEWORK_KERAS")
    files = call("ListModelInstanceVersionFiles", **one, versionNumber=1).json["files"]
    assert [(file["name"], file["size"]) for file in files] == [("w.h5", 1)]
    moved = call("DownloadModelInstanceVersion", **one, versionNumber=2)
    assert moved.headers["location"].endswith("/net.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(call.http("GET", moved.headers["location"]).body)) as archive:
        assert archive.getnames() == ["w.h5"]
    assert call("DeleteModelInstanceVersion", **one, versionNumber=1).json == {}
    assert call("ListModelInstanceVersionFiles", **one, versionNumber=1).status == 404
    assert call("DeleteModel", **asked).json == {}
    assert call("ListModels").json["models"] == []
