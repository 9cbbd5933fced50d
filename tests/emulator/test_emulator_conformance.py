"""Routes, request keys and reply keys compared with kagglesdk, which the emulator itself never imports."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import EnumMeta
from types import ModuleType
from typing import Any

import pytest
from kagglesdk.kaggle_client import KaggleClient
from kagglesdk.kaggle_object import KaggleObject, ListSerializer

from kit.emulator import (
    accounts,
    competitions,
    datasets,
    fields,
    forums,
    kernels,
    landing,
    models,
    routes,
    site,
    submissions,
    uploads,
    wire,
)
from kit.emulator.local import Emulator
from tests.emulator import titanic
from tests.emulator.conftest import Answer, Caller
from tests.emulator.test_emulator_datasets import create, upload


class _Recorded(Exception):
    pass


def _sdk() -> dict[str, tuple[type, type | None]]:
    """`Service/Method` to the types of request and reply, as the SDK's own methods would send them."""
    methods = {}

    class Recorder:
        def call(self, service: str, method: str, request: Any, reply: type | None) -> None:
            methods[f"{service}/{method}"] = (type(request), reply)
            raise _Recorded

    client = KaggleClient(username="nobody", password="none")
    for group in vars(client).values():
        for service in vars(group).values() if hasattr(group, "__dict__") else ():
            if not hasattr(service, "_client"):
                continue
            service._client = Recorder()
            for name, method in inspect.getmembers(service, inspect.ismethod):
                if not name.startswith("_"):
                    with pytest.raises(_Recorded):
                        method()
    return methods


SDK = _sdk()


def wrong_keys(told: Any, type_: type, path: str) -> list[str]:
    """What of a reply the SDK would not understand."""
    problems = []
    fields = {declared.json_name: declared for declared in type_._fields}
    for key, value in told.items():
        here = f"{path}.{key}"
        if key not in fields:
            problems.append(f"{here} is unknown")
            continue
        kind = fields[key].field_type
        listed = isinstance(fields[key].serializer, ListSerializer)
        if listed != isinstance(value, list):
            problems.append(f"{here} is {type(value).__name__}")
            continue
        for item in value if listed else [value]:
            problems += _wrong_value(item, kind, here)
    return problems


def _wrong_value(value: Any, kind: Any, path: str) -> list[str]:
    if isinstance(kind, type) and issubclass(kind, KaggleObject):
        return wrong_keys(value, kind, path)
    if isinstance(kind, EnumMeta):
        right = value in kind.__members__
    elif kind is datetime:
        right = bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value))
    elif kind is timedelta:
        right = bool(re.fullmatch(r"\d+s", value))
    elif kind is float:
        right = isinstance(value, (int, float))
    else:
        right = type(value) is kind
    return [] if right else [f"{path} is {value!r}, not {getattr(kind, '__name__', kind)}"]


BESIDE = {"api.v1.DiagnosticsService/Hello"}
"""Routes that the SDK has no method for: kagglehub calls them by name."""


def test_every_route_is_a_method_of_the_sdk_or_called_by_kagglehub() -> None:
    assert set(routes.ROUTES) - set(SDK) == BESIDE


def test_the_whole_table_of_the_sdk_is_derived() -> None:
    assert len(SDK) >= 150


MODULES = (
    ("competitions.CompetitionApiService", competitions),
    ("competitions.CompetitionApiService", submissions),
    ("kernels.KernelsApiService", kernels),
    ("datasets.DatasetApiService", datasets),
    ("models.ModelApiService", models),
    ("discussions.DiscussionApiService", forums),
    ("blobs.BlobApiService", uploads),
    ("security.OAuthService", accounts),
)


def _read_keys(module: ModuleType) -> set[str]:
    """The keys of requests that a module's code reads: `call.text("x")`, `_own(call, "x")`, or a tuple of them."""
    keys = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            owner, name, first = ast.unparse(node.func.value), node.func.attr, node.args[0]
            reads = name in ("text", "number", "flag", "texts", "inner") and owner in (
                "call",
                "told",
                "settings",
                "self",
            )
            reads |= name == "get" and owner in ("call.body", "settings.body", "told", "item", "directory", "license")
            if reads and isinstance(first, ast.Constant):
                keys.add(first.value)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("_own", "_topic") and len(node.args) == 2:
            keys.add(ast.literal_eval(node.args[1]))
    for name in ("_TEXTS", "_INSTANCE_TEXTS", "_SOURCES", "_SETTINGS"):
        keys |= set(getattr(module, name, ()))
    return keys


def sdk_fields(type_: type, seen: frozenset[type] = frozenset()) -> Iterator[tuple[str, Any, bool]]:
    """The fields of a request of the SDK and of the objects in it: name, type, whether it is a list."""
    for declared in type_._fields:
        kind = declared.field_type
        yield declared.json_name, kind, isinstance(declared.serializer, ListSerializer)
        if isinstance(kind, type) and issubclass(kind, KaggleObject) and kind not in seen:
            yield from sdk_fields(kind, seen | {type_, kind})


def test_the_door_takes_every_field_as_the_sdk_sends_it_in_every_method() -> None:
    compared = set()
    for route in set(routes.ROUTES) - BESIDE:
        for name, kind, listed in sdk_fields(SDK[route][0]):
            if name not in fields.FIELDS:
                continue
            field = fields.FIELDS[name]
            wanted = str if isinstance(kind, EnumMeta) else dict if issubclass(kind, KaggleObject) else kind
            assert (field.type, bool(field.many)) == (wanted, listed), (route, name)
            compared.add(name)
    assert set(fields.FIELDS) == compared


def test_the_door_knows_the_fields_that_are_read_and_no_others() -> None:
    modules = [*(module for _, module in MODULES), landing, site, wire]
    read = set().union(*map(_read_keys, modules)) | {
        "pageSize",
        "pageToken",
        "page",
    }
    assert set(fields.FIELDS) == read


def _all_keys(type_: type) -> set[str]:
    return {name for name, _, _ in sdk_fields(type_)}


def test_every_key_that_is_read_is_one_that_the_sdk_sends() -> None:
    shared = {"pageSize", "pageToken", "page"}
    for service, module in MODULES:
        methods = [SDK[route][0] for route in routes.ROUTES if route.startswith(f"{service}/")]
        sent = set().union(*map(_all_keys, methods))
        if module is uploads:  # it also reads what other services' uploads are asked for with
            sent |= _all_keys(SDK["competitions.CompetitionApiService/StartSubmissionUpload"][0])
            sent |= _all_keys(SDK["datasets.DatasetApiService/CreateDataset"][0])
        if module is accounts:
            sent |= _all_keys(SDK["users.AccountService/GenerateAccessToken"][0])
        assert _read_keys(module) - shared <= sent, (service, _read_keys(module) - sent)
        assert _read_keys(module), service


@dataclass
class _Checked(Caller):
    """A caller that compares every request and reply with the SDK, and notes which it has compared."""

    checked: set[str] = field(default_factory=set)

    def http(self, verb: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        answer = super().http(verb, path, body, headers)
        called = re.fullmatch(r"/api/v1/([\w.]+/\w+)", path)
        if not called:
            return answer
        route = called[1]
        request, reply = SDK[route]
        asked = json.loads(body)
        problems = wrong_keys(asked, request, f"{route} request")
        if answer.status == 200 and "json" in answer.headers["content-type"]:
            assert reply is not None
            problems += wrong_keys(answer.json, reply, route)
            reply.from_dict(answer.json)  # what the client does with it
        assert problems == []
        assert answer.status in (200, 302), (route, answer.status, answer.body)
        self.checked.add(route)
        return answer


def test_every_reply_has_the_keys_and_types_of_the_sdk(start: Callable[..., Emulator]) -> None:
    emulator = start()
    store = emulator.store
    call = _Checked(emulator, emulator.user.token)
    one = {"competitionName": "titanic"}
    ref = call.submit(titanic.right_but(21), "first").json["ref"]
    emulator.settle()
    for method in (
        *("ListCompetitions", "GetCompetition", "ListCompetitionPages", "ListDataFiles", "DownloadDataFiles"),
        *("ListSubmissions", "GetSubmissionLimits", "GetLeaderboard", "DownloadLeaderboard", "ListCompetitionTopics"),
    ):
        call(method, **({} if method == "ListCompetitions" else one))
    call("DownloadDataFile", **one, fileName="train.csv")
    call("GetSubmission", ref=ref)
    call("DownloadSubmission", submissionId=ref)
    told = {"content": "Hi", "author": "a", "at": emulator.site.now, "comments": ["Yes"], "title": "First"}
    store.put("topic", "7", {"id": 7, "of": "competitions/titanic", **told})
    store.put("forum", "talk", {"id": 1, "name": "Talk", "url": "/talk", "subtitle": "All"})
    call("ListTopicMessages", **one, topicId=7)
    call("ListCompetitionTopics", **one)
    talk = "/api/v1/discussions.DiscussionApiService/"
    for method, body in {
        "ListForums": "{}",
        "ListTopics": "{}",
        "GetTopic": '{"id": 7}',
        "ListComments": '{"topicId": 7}',
        "ListDatasetTopics": '{"ownerSlug": "a", "datasetSlug": "b"}',
        "ListKernelTopics": '{"ownerSlug": "a", "kernelSlug": "b"}',
        "ListModelTopics": '{"ownerSlug": "a", "modelSlug": "b"}',
        "ListBenchmarkTopics": '{"ownerSlug": "a", "benchmarkSlug": "b"}',
    }.items():
        call.http("POST", talk + method, body.encode(), {"Authorization": f"Bearer {call.token}"})

    pushed = {"slug": "tester/my-kernel", "newTitle": "my kernel", "text": "1", "language": "python"}
    call("SaveKernel", **pushed, kernelType="script", competitionDataSources=["titanic"])
    session = emulator.site.sessions.find("tester", "my-kernel", 1)
    assert session is not None
    (session.working / "submission.csv").write_text(titanic.right_but(0))
    session.status = "COMPLETE"
    emulator.site.sessions.keep(session)
    kernel = {"userName": "tester", "kernelSlug": "my-kernel"}
    for method in ("GetKernel", "GetKernelSessionStatus", "ListKernelSessionOutput", "ListKernelFiles"):
        call(method, **kernel)
    call("ListKernels")
    call("DownloadKernelOutput", ownerSlug="tester", kernelSlug="my-kernel", filePath="submission.csv")
    call("GetAcceleratorQuotaStatistics")
    code = {"kernelOwner": "tester", "kernelSlug": "my-kernel", "kernelVersion": 1, "fileName": "submission.csv"}
    call("CreateCodeSubmission", **one, **code)
    call("CancelKernelSession", kernelSessionId=session.id)
    call("DeleteKernel", **kernel)

    create(call)
    dataset = {"ownerSlug": "tester", "datasetSlug": "my-data"}
    version = {"versionNotes": "v2", "files": [upload(call, "a.csv", b"x\n")]}
    call("CreateDatasetVersion", **dataset, body=version)
    id = call("GetDataset", **dataset).json["id"]
    call("CreateDatasetVersionById", id=id, body={"files": [upload(call, "a.csv", b"y\n")]})
    for method in ("GetDatasetStatus", "GetDatasetMetadata", "ListDatasetFiles", "DownloadDataset"):
        call(method, **dataset)
    call("UpdateDatasetMetadata", **dataset, settings={"title": "New title", "licenses": [{"name": "CC0-1.0"}]})
    call("DownloadDatasetRaw", **dataset, fileName="a.csv")
    call("ListDatasets")
    call("DeleteDataset", **dataset)

    model = {"ownerSlug": "tester", "modelSlug": "net"}
    call("CreateModel", ownerSlug="tester", slug="net", title="Net")
    body = {"instanceSlug": "small", "framework": "MODEL_FRAMEWORK_KERAS", "files": [upload(call, "w", b"1")]}
    call("CreateModelInstance", **model, body=body)
    instance = {**model, "framework": "MODEL_FRAMEWORK_KERAS", "instanceSlug": "small"}
    call("CreateModelInstanceVersion", **instance, body={"files": [upload(call, "w", b"2")]})
    for method in ("GetModelInstance", "ListModelInstanceVersions", "ListModelInstanceVersionFiles"):
        call(method, **instance)
    call("UpdateModelInstance", **instance, overview="Small")
    call("DownloadModelInstanceVersion", **instance, versionNumber=1)
    call("DeleteModelInstanceVersion", **instance, versionNumber=1)
    for method in ("GetModel", "ListModelInstances"):
        call(method, **model)
    call("UpdateModel", **model, title="Network")
    call("ListModels")
    call("DeleteModelInstance", **instance)
    call("DeleteModel", **model)

    call("IntrospectToken", token=call.token)
    path = "/api/v1/users.AccountService/GenerateAccessToken"
    call.http("POST", path, f'{{"refreshToken": "{call.token}"}}'.encode())
    assert set(routes.ROUTES) - call.checked == BESIDE
