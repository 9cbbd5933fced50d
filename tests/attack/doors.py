"""The doors through which things come in that kit did not make, each with inputs that try to break it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from kit import places
from kit.api import training as api
from kit.data import archives, fetch
from kit.emulator import fields, routes
from kit.emulator.local import running
from kit.errors import KitError
from kit.kaggle import ledger, submit
from kit.kaggle.kernel import metadata, notebook, outputs, packing, versions
from kit.sandbox import kernel
from kit.task import catalog, checks, submission
from kit.toolbox.encoders import handles
from kit.train import keeping, predictions, record, runs
from kit.train.record import Done, Plan
from tests.attack import inputs
from tests.conftest import DECLARATION, RECIPE, SAMPLE
from tests.emulator import titanic
from tests.emulator.conftest import Caller
from tests.given import recorded

Attempt = Callable[[Any], object]


class Refused(Exception):
    """A refusal in a sentence that is no KitError: a status of HTTP, or a ValueError that another room words."""


@dataclass(frozen=True)
class Door:
    """What comes in, and what is done with it. `attempt` returns, or raises KitError or Refused; all else is a failure.
    `share` is how many of a hundred inputs come to this door."""

    name: str
    opened: Callable[[Path], Any]
    share: int


LOAD = """
def load(public: Path) -> tuple[Data, Data]:
    from kit.rows import files

    def rows(name):
        (part,) = files.parts(public / name, ("id", "number"), optional=("odd",), texts=("id", "odd"))
        return Data(part.ids("id"), part.integers(["number"], 0, 999, np.int64), part.labels("odd", (0, 1)))

    return rows("train.csv"), rows("test.csv")


"""


def workspace(root: Path) -> Path:
    """A workspace with the competition parity, which reads its files as competitions should; the folder of its raw
    files."""
    folder = root / "competitions" / "parity"
    folder.mkdir(parents=True)
    begin, end = DECLARATION.index("def load"), DECLARATION.index("competition =")
    text = DECLARATION[:begin] + LOAD + DECLARATION[end:]
    (folder / "competition.py").write_text(text.replace("splits.Stratified(3)", "lambda data: data.ids % 3"))
    (folder / "table.py").write_text(RECIPE)
    (folder / "_sample.py").write_text(SAMPLE)
    raw = root / "raw"
    raw.mkdir()
    exec(compile(SAMPLE, "sample", "exec"), scope := {})
    scope["write"](raw)
    return raw


@contextmanager
def archives_(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """`kit download --from FILE.zip`: in place whole and as declared, or not at all."""
    raw = workspace(root)
    entry = catalog.find("parity")
    members = {path.name: path.read_bytes() for path in sorted(raw.iterdir())}
    file, into = root / "parity.zip", root / "into"

    def attempt(data: bytes) -> None:
        file.write_bytes(data)
        shutil.rmtree(root / "data", ignore_errors=True)
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        if archives.is_archive(file):
            with contextlib.suppress(KitError):
                archives.unpack(file, into)
        whole(lambda: fetch.fetch(entry, origin=file), root / "data")

    yield st.one_of(inputs.zips(members), inputs.zips(members), inputs.tars(members)), attempt


@contextmanager
def csvs(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """`kit download --from FOLDER`, and the rows of what it lets in: labels of 0 and 1, and nothing else."""
    raw = workspace(root)
    entry = catalog.find("parity")
    right = {path.name: path.read_bytes() for path in raw.iterdir()}

    def attempt(given: tuple[str, bytes]) -> None:
        name, data = given
        for path in raw.iterdir():
            path.write_bytes(right[path.name])
        (raw / name).write_bytes(data)
        shutil.rmtree(root / "data", ignore_errors=True)
        whole(lambda: fetch.fetch(entry, origin=raw), root / "data")
        train, test = checks.load(entry)
        assert set(train.y.tolist()) <= {0, 1} and (len(train.ids), len(test.ids)) == (60, 20)

    named = st.sampled_from(("train.csv", "train.csv", "test.csv", "sample_submission.csv"))
    yield named.flatmap(lambda name: st.tuples(st.just(name), inputs.csvs(right[name]))), attempt


@contextmanager
def submissions(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """`kit submit FILE --dry-run`: what is let through has just the sample's ids and allowed labels."""
    raw = workspace(root)
    entry = catalog.find("parity")
    fetch.fetch(entry, origin=raw)
    file = root / "mine.csv"

    def attempt(data: bytes) -> None:
        file.write_bytes(data)
        form = entry.competition.submission
        rows = submission.check(form, file, entry.public() / form.sample)
        assert set(rows) == {str(number) for number in range(200, 220)}
        assert {value for values in rows.values() for value in values} <= {"0", "1"}
        parcel = submit.pack(entry, file, None)
        json.dumps(submit.card(entry, parcel))

    yield inputs.csvs((raw / "solution.csv").read_bytes()), attempt


@contextmanager
def arrays(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """The predictions in a run folder."""
    file = root / "oof.npz"
    right = {"ids": np.arange(4), "fold": np.arange(4) % 2, "y": np.arange(4) % 2, "pred": np.ones((4, 2)) / 2}

    def attempt(data: bytes) -> None:
        file.write_bytes(data)
        loaded = predictions.load(file, *predictions.OOF)
        assert len({len(array) for array in loaded.values()}) == 1

    yield inputs.arrays(**right), attempt


def record_door(name: str) -> Callable[[Path], Any]:
    """A door of one record of a run folder, beside a run that is well."""

    @contextmanager
    def door(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
        workspace(root)
        made = runs.create(Plan("parity", "table", "noisy", {"noise": 0.1, "kernels": (3, 5)}))
        good = made.finish(recorded(made))
        done = Done(seconds=1.0, rows=40, where="local", device="a processor", versions={}, peak_memory_bytes=1)
        record.write(made.fold(0) / record.DONE, done)
        shutil.copytree(good.folder, bad := good.folder.with_name("20260101-000000-table"))
        (good.folder / record.PLAN).touch()
        kernel_of = {"ref": "me/k", "version": 3, "url": "http://x", "pulled": "2026-01-01T00:00:00Z"}
        right: dict[str, Any] = {
            "plan.json": json.loads((good.folder / "plan.json").read_text()),
            "run.json": json.loads((good.folder / "run.json").read_text()),
            "fold-0/done.json": json.loads((good.folder / "fold-0" / "done.json").read_text()),
            "kaggle.json": {"ref": 7, "status": "complete", "public_score": 0.5, "rank": None, "kernel": kernel_of},
            "notes.json": {"text": "a note", "tags": ["best", "old"]},
        }[name]
        file = bad / name

        def attempt(data: bytes) -> None:
            file.write_bytes(data)
            listed = api.runs("parity")
            assert good.name in [run.name for run in listed]
            str(listed.table()), json.dumps(listed.facts())
            assert runs.find("parity", good.name).score == 0.5
            run = runs.find("parity", bad.name)
            str(run.table()), json.dumps(run.facts()), repr(run), run._repr_html_(), run.done(0), keeping.read(run)
            if not run.kaggle() and name == "kaggle.json":
                raise Refused

        yield inputs.json_files(right), attempt

    return door


@contextmanager
def ledgers(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """The ledger: attempts that are well stay, whatever stands around them, and new ones can be noted."""
    entry = catalog.Entry("parity", root, "")
    file = ledger.path("parity")
    facts: dict[str, Any] = {
        **{"server": "kaggle.com", "user": "me", "sha256": "0" * 64, "bytes": 3, "name": "s.csv", "file": "s.csv"},
        **{"message": "m", "id": "a", "state": "intended", "at": "2026-01-01T00:00:00Z", "known": [1], "tried": 1.5},
    }
    good = json.dumps({**facts, "id": "good", "state": "sent", "ref": 5}).encode()

    def attempt(lines: list[bytes]) -> None:
        shutil.rmtree(root / "submissions", ignore_errors=True)
        file.parent.mkdir(parents=True)
        whole = b"\n".join([*lines, good]) + b"\n"
        file.write_bytes(whole)
        assert 5 in [one.ref for one in ledger.read(entry)]
        with ledger.locked("parity") as book:
            book.change(book.begin(**{k: v for k, v in facts.items() if k not in ("id", "state", "at")}), ref=6)
        assert {5, 6} <= {one.ref for one in ledger.read(entry)}
        kept = sorted(file.parent.glob("ledger.damaged-*"))
        assert len(kept) <= 1 and all(path.read_bytes() == whole for path in kept)
        if kept:
            raise Refused

    change = {"id": "a", "changed": "2026-01-01T00:00:00Z", "state": "complete", "public_score": 0.5}
    one = inputs.json_files(facts, change).filter(lambda data: b"\n" not in data and b'"good"' not in data)
    yield st.lists(one, min_size=1, max_size=3), attempt


class Left:
    """A client whose kernel left files of some names and contents."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def ask(self, what: str, method: str, **fields: Any) -> SimpleNamespace:
        listed = [SimpleNamespace(file_name=name, url=name) for name in self.files]
        return SimpleNamespace(files=listed, next_page_token="")


@contextmanager
def outputs_(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """`kit kernel pull`: the run that a kernel left, whose names and contents the kernel chose."""
    from kit.kaggle import transfer

    workspace(root)
    made = runs.create(Plan("parity", "table", "noisy", {"noise": 0.1}))
    made.finish(recorded(made))
    right = {path.name: path.read_bytes() for path in made.folder.iterdir()}
    shutil.rmtree(root / "submissions")
    pushed = versions.Pushed("me/kernel", 3, "https://example.org/kernel", "cpu", 60, "", "")
    served: dict[str, bytes] = {}

    class Response(SimpleNamespace):
        def __enter__(self) -> Response:
            return self

        def __exit__(self, *error: object) -> None:
            pass

    def get(what: str, url: str, headers: dict[str, str]) -> Any:
        body = served[url]
        return Response(
            status_code=200,
            headers={"ETag": "x", "Content-Length": str(len(body))},
            iter_content=lambda size: iter([body]),
        )

    def attempt(files: dict[str, bytes]) -> None:
        served.clear()
        served.update(files)
        for folder in (root / "submissions", root / ".pulled"):
            shutil.rmtree(folder, ignore_errors=True)
        before, transfer.get = transfer.get, get
        try:
            outputs.land(Left(files), pushed, "parity")
        finally:
            transfer.get = before
        api.runs("parity").table()

    start = "submissions/parity/"
    folder = st.sampled_from((made.name, made.name, *inputs.NAMES)).map(lambda name: start + name)
    name = st.one_of(st.sampled_from(list(right)), st.sampled_from(inputs.NAMES))
    files = st.fixed_dictionaries(
        {"run.json": inputs.json_files(json.loads(right["run.json"])) | st.just(right["run.json"])}
    )
    more = st.dictionaries(name, st.sampled_from((*right.values(), b"", b"x")), max_size=4)
    inside = st.tuples(folder, files, more).map(
        lambda three: {f"{three[0]}/{n}": b for n, b in (three[2] | three[1]).items()}
    )
    other = st.dictionaries(st.sampled_from(inputs.NAMES), st.just(b"x"), max_size=2)
    yield st.tuples(inside, other).map(lambda two: two[1] | two[0]), attempt


@contextmanager
def notebooks(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """Notebooks, their metadata and what was pushed, in the folder of a kernel."""
    workspace(root)
    entry = catalog.find("parity")
    plan = Plan("parity", "table", "noisy", entry.recipes["table"].resolve("noisy"))
    text = notebook.build(entry, plan)
    folder = root / "kernels" / "parity-table"
    folder.mkdir(parents=True)
    (folder / "output").mkdir()
    described = {
        **{"id": "me/parity-table", "title": "parity table", "code_file": "kernel.ipynb", "kernel_type": "notebook"},
        **{"enable_internet": False, "is_private": True, "machine_shape": "", "competition_sources": ["parity"]},
        **{"dataset_sources": ["me/data"], "kernel_sources": [], "model_sources": ["a/b/c/d/1"]},
    }
    pushed = {"ref": "me/k", "version": 1, "url": "u", "accelerator": "cpu", "timeout": 9, "sha256": "", "at": ""}
    book = json.loads(text)
    small = {**book, "cells": book["cells"][-1:]}

    def attempt(given: tuple[str, bytes]) -> None:
        what, data = given
        if what == "notebook":
            shown = data.decode("utf-8", "replace")
            packing.refuse_secrets("the notebook", shown, "parity table")
            try:
                kernel.check(shown)
            except ValueError as error:
                raise Refused(str(error)) from None
            notebook.plan(shown, folder / notebook.FILE)
            return
        if what == "metadata":
            (folder / metadata.FILE).write_bytes(data)
            held = metadata.read(folder, "parity table")
            (
                metadata.machine_of(held),
                metadata.mounts(metadata.owned(held, "me"), new=True),
                metadata.mounts(held, new=False),
            )
            return
        (folder / versions.RECORD).write_bytes(data)
        versions.recorded(folder)

    yield (
        st.one_of(
            st.tuples(st.just("notebook"), inputs.json_files(small)),
            st.tuples(st.just("metadata"), inputs.json_files(described)),
            st.tuples(st.just("pushed"), inputs.json_files(pushed)),
        ),
        attempt,
    )


@contextmanager
def bodies(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """Every method of the emulator's API."""
    titanic.write(root / "hosted")
    right: dict[str, Any] = {
        **{"competitionName": "titanic", "ownerSlug": "tester", "datasetSlug": "a-dataset", "userName": "tester"},
        **{"kernelSlug": "a-kernel", "modelSlug": "a-model", "instanceSlug": "an-instance", "framework": "keras"},
        **{"slug": "tester/a-kernel", "newTitle": "a kernel", "language": "python", "kernelType": "script"},
        **{"text": "print(1)", "ref": 1001, "page": 1, "pageSize": 20, "pageToken": "", "title": "a dataset"},
        **{"blobFileTokens": "x", "files": [{"token": "x"}], "fileName": "train.csv", "contentLength": 3, "id": 1},
        **{"body": {"files": [{"token": "x"}]}, "settings": {"title": "a dataset"}, "directories": [{"name": "d"}]},
        **{"versionNumber": 1, "isPrivate": True, "licenses": [{"name": "other"}], "kernelSessionId": 1, "name": "x"},
        **{"topicId": 1, "submissionDescription": "x", "competitionDataSources": ["titanic"], "path": "a/b"},
    }
    assert not set(right) - set(fields.FIELDS)
    with running(root / "hosted") as emulator:
        connection = http.client.HTTPConnection("127.0.0.1", emulator.server.server_address[1], timeout=20)
        headers = {"Authorization": f"Bearer {emulator.user.token}", "Content-Type": "application/json"}

        def attempt(given: tuple[str, bytes]) -> None:
            method, body = given
            try:
                connection.request("POST", f"/api/v1/{method}", body, headers)
                answer = connection.getresponse()
                text = answer.read()
            except (http.client.HTTPException, ConnectionError):
                connection.close()
                raise
            if answer.status >= 500:
                raise AssertionError(f"{answer.status} {text[:300]!r}")
            if answer.status >= 400:
                assert json.loads(text)["error"]["message"]
                raise Refused

        paths = st.sampled_from(sorted(routes.ROUTES))
        yield st.tuples(paths, inputs.bodies(right)), attempt
        connection.close()


@contextmanager
def addresses(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """Every address of the emulator: pages, storage and uploads, with headers of any kind."""
    titanic.write(root / "hosted")
    with running(root / "hosted") as emulator:
        port = emulator.server.server_address[1]
        held: list[http.client.HTTPConnection] = []

        def attempt(given: tuple[str, str, str, str, bytes]) -> None:
            verb, path, name, value, body = given
            if not held:
                held.append(http.client.HTTPConnection("127.0.0.1", port, timeout=20))
            try:
                held[0].putrequest(verb, path.replace("\n", "").replace("\r", "") or "/", skip_accept_encoding=True)
                held[0].putheader(name, value)
                held[0].putheader("Content-Length", str(len(body)))
                held[0].endheaders(body)
                answer = held[0].getresponse()
                answer.read()
            except (ValueError, http.client.InvalidURL) as error:  # what this client does not send
                held.pop().close()
                raise Refused(str(error)) from None
            if answer.status >= 500:
                raise AssertionError(f"{answer.status} {path!r}")
            if answer.status >= 400:
                raise Refused

        pieces = (
            "competitions",
            "titanic",
            "storage",
            "user",
            "datasets",
            "code",
            "models",
            "upload",
            "rules",
            "login",
        )
        more = (
            "leaderboard",
            "data",
            "submissions",
            "tester",
            "api",
            "v1",
            "i",
            "static",
            "style.css",
            "..",
            "%2e%2e",
            "?q=%ff",
        )
        plain = tuple(name for name in inputs.NAMES if name.isascii() and name.isprintable() and " " not in name)
        path = st.lists(st.sampled_from((*pieces, *more, *plain)), max_size=5).map(lambda parts: "/" + "/".join(parts))
        header = st.sampled_from(
            ("Cookie", "Range", "Content-Range", "Authorization", "If-None-Match", "Accept", "Referer")
        )
        value = st.sampled_from(
            ("", "x", "bytes=0-", "bytes=9-1", "bytes */3", "bytes 0-2/3", "Basic Og==", "session=%00", "é")
        )
        yield (
            st.tuples(
                st.sampled_from(("GET", "GET", "GET", "POST", "PUT", "HEAD")),
                path,
                header,
                value,
                st.sampled_from((b"", b"{}", b"user=x&proof=y", b"\xff" * 99)),
            ),
            attempt,
        )


@contextmanager
def uploads(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """Files that are submitted to the emulator, and put into its datasets."""
    titanic.write(root / "hosted", daily=10**9)
    right = titanic.submission([0, 1] * (titanic.ROWS // 2)).encode()
    with running(root / "hosted") as emulator:
        call = Caller(emulator, emulator.user.token)

        def submitted(token: str) -> None:
            answer = call("CreateSubmission", competitionName="titanic", blobFileTokens=token, submissionDescription="")
            assert answer.status == 200, answer.body
            if call.submission(answer.json["ref"])["status"] != "COMPLETE":
                raise Refused

        def published(token: str) -> None:
            answer = call(
                "CreateDataset", ownerSlug="tester", slug="a-dataset", title="a dataset", files=[{"token": token}]
            )
            assert answer.status < 500, answer.body
            named = {"ownerSlug": "tester", "datasetSlug": "a-dataset"}
            try:
                if answer.status >= 400 or answer.json.get("error"):
                    raise Refused
                emulator.settle()
                for method in ("GetDatasetStatus", "ListDatasetFiles", "DownloadDataset"):
                    assert call(method, **named).status < 500
            finally:
                assert call("DeleteDataset", **named).status < 500

        def attempt(given: tuple[str, bytes, str]) -> None:
            kind, data, name = given
            if kind == "submission":
                place = call("StartSubmissionUpload", competitionName="titanic", contentLength=len(data), fileName=name)
            else:
                place = call("StartBlobUpload", type="DATASET", contentLength=len(data), name=name)
            assert place.status < 500, place.body
            if place.status >= 400:
                raise Refused
            sent = call.http("PUT", place.json["createUrl"], data)
            assert sent.status < 500, sent.body
            if sent.status >= 400:
                raise Refused
            (submitted if kind == "submission" else published)(place.json["token"])

        name = st.sampled_from(("submission.csv", "a.zip", "a.zip", *inputs.NAMES))
        yield (
            st.one_of(
                st.tuples(st.just("submission"), inputs.csvs(right), name),
                st.tuples(st.just("dataset"), inputs.zips({"train.csv": right, "a/b.csv": right}), name),
            ),
            attempt,
        )


@contextmanager
def names(root: Path) -> Iterator[tuple[SearchStrategy, Attempt]]:
    """Names of competitions, recipes, runs, settings, tags, encoders and files, as they are typed."""
    raw = workspace(root)
    entry = catalog.find("parity")
    fetch.fetch(entry, origin=raw)
    run = runs.create(Plan("parity", "table", "", {"epochs": 1}))

    def read_only(name: str) -> list[Callable[[], object]]:
        return [
            lambda: catalog.find(name),
            lambda: entry.recipe(name),
            lambda: entry.recipe(f"table:{name}"),
            lambda: runs.find("parity", name),
            lambda: entry.recipe("table")[0].resolve("", dict([catalog.parse_setting(f"base={name}")])),
            lambda: entry.recipe("table")[0].resolve("", dict([catalog.parse_setting(name)])),
            lambda: keeping.write(run, tag=[name]),
            lambda: keeping.write(run, text=name),
            lambda: handles.locate(name, "encoder"),
            lambda: notebook.slug(name),
            lambda: api.checked_scheme(entry, name, None),
            lambda: places.named(name),
            lambda: submit.choose_run(entry, name),
        ]

    def attempt(given: tuple[int, str]) -> None:
        at, name = given
        read_only(name)[at]()

    word = st.one_of(st.sampled_from(inputs.NAMES), st.text(max_size=20), st.sampled_from(inputs.CELLS))
    nested = st.sampled_from(
        ("[" * 5_000, "(" * 5_000, "{[]: 1}", "9" * 5_000, "1" + "+1" * 5_000, "'", "b'\\xff'", "{1,2}")
    )
    yield st.tuples(st.integers(0, len(read_only("")) - 1), word | nested), attempt


def whole(fill: Callable[[], object], data: Path) -> None:
    """`fill` fills the data folder: all of it is there in the end, or nothing."""
    try:
        fill()
    except KitError:
        left = [path.name for path in data.iterdir()] if data.is_dir() else []
        assert not left, f"a refused download left {left}"
        raise
    assert [path.name for path in data.iterdir()] == ["parity"]
    assert (data / "parity" / "manifest.json").is_file()
    for path in data.rglob("*"):
        assert not path.is_symlink(), f"{path} is a link"


DOORS = (
    Door("archives", archives_, 6),
    Door("CSV files", csvs, 6),
    Door("submissions", submissions, 10),
    Door("npz", arrays, 12),
    *(
        Door(name, record_door(name), 4)
        for name in ("plan.json", "run.json", "fold-0/done.json", "kaggle.json", "notes.json")
    ),
    Door("ledger", ledgers, 5),
    Door("outputs of notebooks", outputs_, 6),
    Door("notebooks and their records", notebooks, 10),
    Door("API bodies", bodies, 18),
    Door("uploads to the emulator", uploads, 3),
    Door("addresses", addresses, 10),
    Door("names", names, 14),
)


def tree(root: Path) -> set[str]:
    """All that lies in a folder, by its path below it."""
    return {
        os.path.join(os.path.relpath(folder, root), name)
        for folder, *inner in os.walk(root)
        for name in (*inner[0], *inner[1])
    }
