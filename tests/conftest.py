"""Fixtures that every room uses: an empty workspace, the command in-process, a competition of two files."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit import notes
from kit.errors import KitError
from kit.sandbox import environments, images, walls

# Before TensorFlow is imported: it reads both once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")

pytest_plugins = ("tests.given",)

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture
def namespaces() -> None:
    """User namespaces, which the sandbox is made of.

    Where a machine has none, the test is skipped; in CI (`CI=true`) it fails, since nobody reads there what is skipped.
    """
    if walls.available():
        return
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail("CI needs user namespaces: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")
    pytest.skip("this machine has no user namespaces")


@pytest.fixture(autouse=True)
def precision_of_its_own() -> Iterator[None]:
    """A recipe sets Keras's precision for the whole process, and the next test begins with that of Keras again."""
    yield
    if "keras.config" in sys.modules:
        sys.modules["keras.config"].set_dtype_policy("float32")


@pytest.fixture(autouse=True)
def own_packages(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Kernels are rehearsed with the packages of the tests, unless a test asks for `images_here`: to make an
    environment takes a network and a minute."""
    if "images_here" not in request.fixturenames:
        no = KitError("Tests make no environments of images.", "", "the fixture images_here")
        monkeypatch.setattr(environments, "lacking", lambda image: no)


@pytest.fixture
def images_here() -> None:
    """Environments of Kaggle's images, in the user's cache. The test is skipped where uv or Python 3.12 is missing."""
    if why := environments.lacking(images.known("cpu")):
        pytest.skip(why.wrong)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace, where data and runs of the test land."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    return tmp_path


@pytest.fixture
def told() -> Iterator[list[str]]:
    """The notes that kit tells a person while the test runs, a line each."""
    lines: list[str] = []

    class Catch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    catch, level = Catch(), notes.LOG.level
    notes.LOG.addHandler(catch)
    notes.LOG.setLevel(logging.INFO)
    yield lines
    notes.LOG.removeHandler(catch)
    notes.LOG.setLevel(level)


@pytest.fixture
def kit(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command in-process: words to exit status, standard output, standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        from kit.cli import main

        capsys.readouterr()
        try:
            status = main(list(words))
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture
def shared() -> Path:
    """The folder of real data sets; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"real data is not at {SHARED}")
    return SHARED


DECLARATION = '''\
"""Parity: whether a number is odd."""

from pathlib import Path

import numpy as np

from kit.task import metrics, splits
from kit.task.contract import Competition, Data, Submission
from kit.task.sources import Csv, KaggleCompetition
from kit.task.targets import Labels


def load(public: Path) -> tuple[Data, Data]:
    train, test = (np.loadtxt(public / f"{name}.csv", int, delimiter=",", skiprows=1) for name in ("train", "test"))
    return Data(train[:, 0], train[:, 1:2], train[:, 2]), Data(test[:, 0], test[:, 1:2])


competition = Competition(
    source=KaggleCompetition(
        "parity",
        {
            "train.csv": Csv(("id", "number", "odd"), 60),
            "test.csv": Csv(("id", "number"), 20),
            "sample_submission.csv": Csv(("id", "odd"), 20),
        },
    ),
    load=load,
    split=splits.Stratified(3),
    metric=metrics.accuracy,
    submission=Submission("id", "odd", decide=metrics.labels, holds=Labels((0, 1))),
    default="table",
)
'''

RECIPE = '''\
"""Remember the answer of each last digit."""

import numpy as np

from kit.task.contract import Fitted

VARIANTS = {"noisy": {"noise": 0.3}}
SMOKE = {"epochs": 1}


def fit(fold, *, epochs: int = 2, noise: float = 0.0, base: int = 10):
    """Counts odd answers by last digit; `noise` is the standard deviation of what is added."""
    random = np.random.default_rng(fold.seed)
    last = fold.train.x.take()[:, 0] % base
    share = np.array([fold.train.y[last == digit].mean() if (last == digit).any() else 0.5 for digit in range(base)])
    for epoch in range(epochs):
        fold.report(epoch + 1, epochs, loss=1 / (epoch + 1))
    share = np.clip(share + random.normal(0, noise, base), 0, 1)
    np.save(fold.dir / "share.npy", share)
    return Fitted(lambda x: np.stack([1 - share[x[:, 0] % base], share[x[:, 0] % base]], axis=1))
'''

SAMPLE = '''\
"""Thirty numbers."""

from pathlib import Path


def write(raw: Path) -> None:
    train, test = range(100, 160), range(200, 220)
    (raw / "train.csv").write_text("id,number,odd\\n" + "".join(f"{n},{n},{n % 2}\\n" for n in train))
    (raw / "test.csv").write_text("id,number\\n" + "".join(f"{n},{n}\\n" for n in test))
    (raw / "sample_submission.csv").write_text("id,odd\\n" + "".join(f"{n},0\\n" for n in test))
    (raw / "solution.csv").write_text("id,odd\\n" + "".join(f"{n},{n % 2}\\n" for n in test))
'''


@pytest.fixture
def parity(workspace: Path) -> Path:
    """A competition that numpy alone can solve, in the workspace; its folder."""
    folder = workspace / "competitions" / "parity"
    folder.mkdir(parents=True)
    (folder / "competition.py").write_text(DECLARATION)
    (folder / "table.py").write_text(RECIPE)
    (folder / "_sample.py").write_text(SAMPLE)
    return folder


@pytest.fixture
def raw(parity: Path, tmp_path: Path) -> Path:
    """The raw files of parity in a folder, as a user would have downloaded them."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    exec(compile((parity / "_sample.py").read_text(), "sample", "exec"), scope := {})
    scope["write"](folder)
    return folder
