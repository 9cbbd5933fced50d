"""What the tests of kernels share: an emulator that runs kernels, and a competition whose kernels are quick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.data import fetch
from kit.emulator.local import Emulator, running
from kit.kaggle import client
from kit.kaggle.kernel import fanout, push, sessions
from kit.sandbox import kernel
from kit.task import catalog

boxed = pytest.mark.usefixtures("namespaces")


def hasten(parity: Path) -> None:
    """Cut folds without scikit-learn, whose import would take longer than all the rest of a kernel."""
    declared = parity / "competition.py"
    declared.write_text(declared.read_text().replace("splits.Stratified(3)", "lambda data: data.ids % 3"))


@pytest.fixture
def jupyter() -> None:
    """Notebooks are executed by Jupyter, which takes seconds to start; by plain Python in the other tests."""


@pytest.fixture(autouse=True)
def runner(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """What executes the notebooks of a test."""
    if "jupyter" not in request.fixturenames:
        monkeypatch.setattr(kernel, "has_jupyter", lambda: False)


@pytest.fixture
def hasty(namespaces: None, parity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for longer than it takes on an emulator."""
    hasten(parity)
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(sessions, "PAUSE", 0.1)
    monkeypatch.setattr(push, "LOOKS", (0.0, 0.1))
    monkeypatch.setattr(sessions, "PATIENCE", 0.5)
    monkeypatch.setattr(sessions, "LATE", 0.5)
    monkeypatch.setattr(fanout, "PAUSE", 0.1)


@pytest.fixture
def emulator(
    hasty: None, parity: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Emulator]:
    """An emulator that hosts the sample of parity and runs kernels; the environment points at it.

    With the parameter `prepared`, parity is no competition of Kaggle's but a prepared task; with `code` it is hosted as
    a code competition.
    """
    param = getattr(request, "param", "")
    if param == "prepared":
        unhost(parity)
    fetch.sample(catalog.find("parity"))
    with running(sample=True, kernels="sandbox", code=["parity"] if param == "code" else []) as emulator:
        for name, value in emulator.env.items():
            monkeypatch.setenv(name, value)
        yield emulator


PREPARE = """
def prepare(raw: Path, public: Path, private: Path) -> None:
    for name in ("train", "test", "sample_submission"):
        (public / f"{name}.csv").write_bytes((raw / f"{name}.csv").read_bytes())


competition = Competition(
    prepare=prepare,
    source=Web({}, "https://example.org"),
"""


def unhost(parity: Path) -> None:
    """Make of parity a task that Kaggle does not host, and that is prepared from raw files."""
    declared = parity / "competition.py"
    begin, _, rest = declared.read_text().partition("competition = Competition(\n")
    _, _, end = rest.partition("    load=load,\n")
    text = begin.replace("import Csv, KaggleCompetition", "import Web") + PREPARE.lstrip() + "    load=load,\n" + end
    declared.write_text(text)
