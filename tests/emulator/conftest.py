"""Fixtures of the emulator's tests: one that runs, and a caller that speaks plain HTTP to it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kit.emulator.local import Emulator, running
from tests.emulator import titanic

SERVICES = {
    "Kernel": "kernels.KernelsApiService",
    "Quota": "kernels.KernelsApiService",
    "Dataset": "datasets.DatasetApiService",
    "Model": "models.ModelApiService",
    "Blob": "blobs.BlobApiService",
    "Token": "security.OAuthService",
    "Forum": "discussions.DiscussionApiService",
}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The reason of a refusal."""
        return str(self.json["error"]["message"])


@dataclass
class Caller:
    """A user's client that speaks plain HTTP."""

    emulator: Emulator
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, **body: Any) -> Answer:
        """Call a method of the API."""
        service = next(
            (name for word, name in SERVICES.items() if word in method), "competitions.CompetitionApiService"
        )
        if method == "CreateCodeSubmission":
            service = "competitions.CompetitionApiService"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **self.headers}
        return self.http("POST", f"/api/v1/{service}/{method}", json.dumps(body).encode(), headers)

    def http(self, verb: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """Send a request; addresses that the server gave may be whole."""
        path = path.removeprefix("http://localhost").removeprefix(self.emulator.url)
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator.server.server_address[1], timeout=20)
        try:
            connection.request(verb, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def upload(self, text: str, name: str = "submission.csv") -> str:
        """Upload a submission; its token."""
        told = self("StartSubmissionUpload", competitionName="titanic", contentLength=len(text), fileName=name).json
        assert self.http("PUT", told["createUrl"], text.encode()).status == 200
        return str(told["token"])

    def submit(self, text: str, description: str = "") -> Answer:
        """Upload and submit."""
        token = self.upload(text)
        return self(
            "CreateSubmission", competitionName="titanic", blobFileTokens=token, submissionDescription=description
        )

    def submission(self, ref: int) -> Any:
        """A submission once it is graded."""
        self.emulator.settle()
        return self("GetSubmission", ref=ref).json


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    """Starts emulators that host the small Titanic: keywords go to `competition.json`, `options` to the server."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def begin(options: dict[str, Any] | None = None, **told: Any) -> Emulator:
            root = tmp_path / "hosted"
            if not root.exists():
                titanic.write(root, **told)
            return stack.enter_context(running(root, **(options or {})))

        yield begin


@pytest.fixture
def emulator(start: Callable[..., Emulator]) -> Emulator:
    """An emulator that hosts the small Titanic."""
    return start()


@pytest.fixture
def call(emulator: Emulator) -> Caller:
    """The user of `emulator`."""
    return Caller(emulator, emulator.user.token)
