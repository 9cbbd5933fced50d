"""kagglehub, unmodified, in a process of its own: the second client that people use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kit.emulator.faults import Fault
from kit.emulator.local import Emulator, running
from tests.emulator import titanic
from tests.emulator.conftest import Caller
from tests.emulator.test_emulator_datasets import create, upload
from tests.emulator.test_emulator_kernels import push

pytest.importorskip("kagglehub", reason="the extra test is not installed")

MANY = 30
"""Files of a model: kagglehub fetches more than 25 as one archive."""

CODE = """
import json, pathlib, sys
import kagglehub
from kagglehub.config import set_kaggle_api_token

def files(folder):
    root = pathlib.Path(folder)
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}

def text(path):
    return pathlib.Path(path).read_text()

def reason(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, getattr(getattr(error, "response", None), "status_code", None)]

hub = kagglehub
seen = {
    "who": hub.whoami(),
    "cut": reason(lambda: hub.competition_download("titanic", path="test.csv")),
    "resumed": text(hub.competition_download("titanic", path="test.csv")),
    "competition": files(hub.competition_download("titanic", force_download=True)),
    "dataset": files(hub.dataset_download("tester/my-data")),
    "dataset 1": files(hub.dataset_download("tester/my-data/versions/1")),
    "dataset file": text(hub.dataset_download("tester/my-data", path="a.csv", force_download=True)),
    "dataset none": reason(lambda: hub.dataset_download("tester/other-data")),
    "model": files(hub.model_download("tester/net/keras/small")),
    "model 1": files(hub.model_download("tester/net/keras/small/1")),
    "model file": text(hub.model_download("tester/net/keras/small/1", path="1.txt", force_download=True)),
    "notebook": files(hub.notebook_output_download("tester/my-kernel")),
}
for _ in range(2):
    hub.dataset_upload("tester/own-data", "own")
    hub.model_upload("tester/own/keras/small", "own", license_name="Apache 2.0")
seen["own dataset"] = files(hub.dataset_download("tester/own-data/versions/2"))
seen["own model"] = files(hub.model_download("tester/own/keras/small/2"))
set_kaggle_api_token(sys.argv[1])
seen["rules"] = reason(lambda: hub.competition_download("titanic", force_download=True))
seen["private"] = reason(lambda: hub.dataset_download("tester/my-data", force_download=True))
set_kaggle_api_token("KGAT_wrong")
seen["stranger"] = reason(hub.whoami)
print("SEEN" + json.dumps(seen))
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator with a dataset and a model of two versions each, and a notebook with output."""
    with running(titanic.write(tmp_path_factory.mktemp("hosted")).parent) as emulator:
        call = Caller(emulator, emulator.user.token)
        create(call, files=[upload(call, "a.csv", b"x\n1\n"), upload(call, "b.csv", b"y\n")])
        version = {"files": [upload(call, "a.csv", b"x\n2\n")]}
        call("CreateDatasetVersion", ownerSlug="tester", datasetSlug="my-data", body=version)
        model = {"ownerSlug": "tester", "modelSlug": "net"}
        kind = {"framework": "MODEL_FRAMEWORK_KERAS", "instanceSlug": "small"}
        first = {"files": [upload(call, f"{n}.txt", f"first {n}".encode()) for n in range(MANY)]}
        second = {"files": [upload(call, "0.txt", b"second")]}
        call("CreateModel", ownerSlug="tester", slug="net", title="Net")
        call("CreateModelInstance", **model, body={**kind, **first})
        call("CreateModelInstanceVersion", **model, **kind, body=second)
        push(call)
        session = emulator.site.sessions.find("tester", "my-kernel", 1)
        assert session is not None
        (session.working / "deep").mkdir()
        (session.working / "deep" / "a.txt").write_text("1")
        (session.working / "b.txt").write_text("2")
        (session.working / "link.txt").symlink_to("/etc/hostname")
        yield emulator


@pytest.fixture(scope="module")
def seen(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What kagglehub gave, step by step. It takes seconds to start, so that one process does all of it."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "own" / "deep").mkdir(parents=True)
    (folder / "own" / "a.csv").write_text("x\n1\n")
    (folder / "own" / "deep" / "b.csv").write_text("y\n")
    emulator.faults.add(Fault("Storage", "cut", bytes=1000))
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("KAGGLE")}
    done = subprocess.run(
        [sys.executable, "-c", CODE, emulator.store.user("rival").token],
        cwd=folder,
        env=kept | emulator.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.rpartition("SEEN")[2]))


def test_it_is_told_who_calls(emulator: Emulator, seen: dict[str, Any]) -> None:
    assert seen["who"] == {"username": "tester"}
    assert seen["stranger"] == ["UnauthenticatedError", None]
    assert [one.status for one in emulator.seen if one.step == "Hello"] == [200, 401]


def test_a_competition_is_downloaded_whole_and_by_file(emulator: Emulator, seen: dict[str, Any]) -> None:
    public = emulator.site.hosted["titanic"].files
    assert seen["competition"] == {path.name: path.read_text() for path in public.iterdir()}
    assert seen["cut"] is not None
    assert seen["resumed"] == (public / "test.csv").read_text()
    assert seen["rules"] == ["KaggleApiHTTPError", 403]


def test_a_dataset_is_downloaded_by_version_and_by_file(seen: dict[str, Any]) -> None:
    assert seen["dataset"] == {"a.csv": "x\n2\n"}
    assert seen["dataset 1"] == {"a.csv": "x\n1\n", "b.csv": "y\n"}
    assert seen["dataset file"] == "x\n2\n"
    assert seen["dataset none"] == seen["private"] == ["KaggleApiHTTPError", 403]


def test_a_model_is_downloaded_by_version_and_by_file(seen: dict[str, Any]) -> None:
    assert seen["model"] == {"0.txt": "second"}
    assert seen["model 1"] == {f"{n}.txt": f"first {n}" for n in range(MANY)}
    assert seen["model file"] == "first 1"


def test_the_output_of_a_notebook_is_downloaded_without_what_its_links_lead_to(seen: dict[str, Any]) -> None:
    assert seen["notebook"] == {"deep/a.txt": "1", "b.txt": "2"}


def test_what_it_uploads_comes_back(seen: dict[str, Any]) -> None:
    assert seen["own dataset"] == seen["own model"] == {"a.csv": "x\n1\n", "deep/b.csv": "y\n"}
