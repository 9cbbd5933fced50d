"""What the official suites take for granted on kaggle.com: competitions, datasets, notebooks, models, discussions.

Each item says which test or command wants it. All of it is made here, in the suite's own words, and the emulator's
code knows none of it.
"""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path
from typing import Any

from kit.emulator.local import Emulator

USER = "backend-tester"
"""Sorts before the other owners, so that the first dataset of a list is the user's own: backend_tests changes it."""

AT = "2026-01-01T00:00:00.000Z"

_GETTING_STARTED = 21
"""test_competition_a_list wants one competition on the second page of twenty."""


def competitions(root: Path, sdist: Path) -> Path:
    """Folders of competitions to host."""
    prices = _competition(root, "house-prices-advanced-regression-techniques", "SalePrice", metric="rmse")
    shutil.copy(sdist / "tests" / "backend" / "sample_submission.csv", prices / "public")
    shutil.copy(sdist / "tests" / "backend" / "sample_submission.csv", prices / "private" / "solution.csv")
    titanic = _competition(root, "titanic", "Survived", metric="accuracy", labels=[0, 1])
    rows = "Id,Survived\n" + "".join(f"{n},{n % 2}\n" for n in range(892, 1310))
    (titanic / "private" / "solution.csv").write_text(rows)
    (titanic / "public" / "test.csv").write_text(rows.replace("Survived", "Pclass"))
    _competition(root, "orbit-wars", "score", metric="mae", category="Featured")
    for number in range(_GETTING_STARTED - 2):
        _competition(root, f"getting-started-{number:02d}", "y", metric="mae")
    return root


def fill(emulator: Emulator, sdist: Path) -> None:
    """Put datasets, notebooks, models and discussions of other users into a running emulator."""
    for number in range(12):  # test_dataset_a_list wants more than ten of this licence and kind
        _dataset(emulator, USER, f"big-query-{number:02d}", {"data.csv": "a\n1\n", "t.bigquery": ""}, license="other")
    _dataset(emulator, "dansbecker", "home-data-for-ml-course", {"train.csv": "a\n1\n"})
    _dataset(emulator, "goefft", "public-datasets-with-file-types-and-columns", {"dataset_results.csv": "a\n1\n"})
    _dataset(emulator, "jessicali9530", "animal-crossing-new-horizons-nookplaza-dataset", {"items.csv": "a\n1\n"})
    _dataset(emulator, "kerneler", "brazilian-bird-observation-metadata-from-wikiaves", {"birds.csv": "a\n1\n"})
    _dataset(emulator, "willianoliveiragibin", "pixar-films", {"films.csv": "a\n1\n"})
    notebook = (sdist / "tests" / "backend" / "kernel" / "testing-x.ipynb").read_text()
    _kernel(emulator, "stevemessick", "a public notebook", notebook, "notebook")
    _kernel(emulator, "kerneler", "sqlite global default", "open('results.csv', 'w').write('a\\n1\\n')", "script")
    _kernel(emulator, USER, "exercise lists", notebook, "notebook")
    _kernel(emulator, USER, "exercise as with", notebook, "notebook")
    emulator.settle()
    _model(emulator, "google", "gemma", "MODEL_FRAMEWORK_PY_TORCH", "7b", versions=2)
    _model(emulator, "google", "bird-vocalization-classifier", "MODEL_FRAMEWORK_TENSOR_FLOW_2", "main", versions=1)
    for id, slug in enumerate(("getting-started", "questions-and-answers"), 1):
        forum = {"id": id, "name": slug.replace("-", " ").title(), "url": f"/discussions/{slug}", "subtitle": "Talk"}
        emulator.store.put("forum", slug, forum)
    _topic(emulator, 695158, "forums/getting-started", "A first question")  # `forums topics show 695158`
    _topic(emulator, 1, "competitions/house-prices-advanced-regression-techniques", "Prices")
    _topic(emulator, 2, "competitions/orbit-wars", "Orbits")
    _topic(emulator, 3, "benchmarks/kaggle/chess", "Openings")
    _topic(emulator, 4, "datasets/jessicali9530/animal-crossing-new-horizons-nookplaza-dataset", "Fossils")
    _topic(emulator, 5, "models/google/bird-vocalization-classifier", "Owls")


def _competition(root: Path, slug: str, target: str, **told: Any) -> Path:
    folder = root / slug
    (folder / "public").mkdir(parents=True)
    (folder / "private").mkdir()
    title = slug.replace("-", " ").title()
    described = {"title": title, "id": "Id", "target": target, "category": "Getting Started", **told}
    (folder / "competition.json").write_text(json.dumps(described))
    (folder / "private" / "solution.csv").write_text(f"Id,{target}\n" + "".join(f"{n},{n}\n" for n in range(40)))
    sample = f"Id,{target}\n" + "".join(f"{n},0\n" for n in range(40))
    (folder / "public" / "sample_submission.csv").write_text(sample)
    return folder


def _call(emulator: Emulator, user: str, method: str, body: dict[str, Any]) -> dict[str, Any]:
    token = emulator.store.user(user).token
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{emulator.url}/api/v1/{method}", json.dumps(body).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as reply:
        answer: dict[str, Any] = json.load(reply)
    assert not answer.get("error"), answer
    return answer


def _upload(emulator: Emulator, user: str, name: str, text: str) -> dict[str, str]:
    body = {"type": "DATASET", "name": name, "contentLength": len(text)}
    told = _call(emulator, user, "blobs.BlobApiService/StartBlobUpload", body)
    request = urllib.request.Request(told["createUrl"], text.encode(), method="PUT")
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20).close()
    return {"token": told["token"]}


def _dataset(emulator: Emulator, owner: str, slug: str, files: dict[str, str], license: str = "CC0-1.0") -> None:
    body = {"ownerSlug": owner, "slug": slug, "title": slug.replace("-", " "), "licenseName": license}
    body |= {"isPrivate": False, "files": [_upload(emulator, owner, *file) for file in files.items()]}
    _call(emulator, owner, "datasets.DatasetApiService/CreateDataset", body)


def _kernel(emulator: Emulator, owner: str, title: str, text: str, kind: str) -> None:
    body = {"slug": f"{owner}/{title.replace(' ', '-')}", "newTitle": title, "text": text, "language": "python"}
    body |= {"kernelType": kind, "isPrivate": False}
    _call(emulator, owner, "kernels.KernelsApiService/SaveKernel", body)
    emulator.settle()


def _model(emulator: Emulator, owner: str, slug: str, framework: str, variation: str, versions: int) -> None:
    service = "models.ModelApiService"
    body: dict[str, Any] = {"ownerSlug": owner, "slug": slug, "title": slug, "isPrivate": False}
    _call(emulator, owner, f"{service}/CreateModel", body)
    first = {"instanceSlug": variation, "framework": framework, "licenseName": "Apache 2.0"}
    first |= {"files": [_upload(emulator, owner, "weights.bin", "1")]}
    named = {"ownerSlug": owner, "modelSlug": slug}
    _call(emulator, owner, f"{service}/CreateModelInstance", {**named, "body": first})
    for number in range(2, versions + 1):
        files = {"files": [_upload(emulator, owner, "weights.bin", str(number))]}
        body = {**named, "framework": framework, "instanceSlug": variation, "body": files}
        _call(emulator, owner, f"{service}/CreateModelInstanceVersion", body)


def _topic(emulator: Emulator, id: int, of: str, title: str) -> None:
    told = {
        "id": id,
        "of": of,
        "title": title,
        "content": title,
        "author": "stevemessick",
        "at": AT,
        "comments": ["Yes."],
    }
    emulator.store.put("topic", str(id), told)
