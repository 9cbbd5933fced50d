"""What Kaggle's image lacks travels as wheels: resolved, whole, attached, installed, and sent once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kit import records
from kit.api import kernel, kernel_steps
from kit.errors import KitError
from kit.kaggle import client
from kit.kaggle.kernel import cells, notebook, wheels
from kit.sandbox import environments
from kit.sandbox.images import Image
from kit.task import catalog
from kit.train.runs import Plan

IMAGE = Image("cpu", "2026-01-02", "a test", "3.12", {"numpy": "2.0.2", "scikit-learn": "1.6.1", "keras": "3.10.0"})
LACKING = {"skops": "skops"}
LOCK = """
[[packages]]
name = "numpy"
version = "2.0.2"
wheels = [{{ url = "{url}", hashes = {{ sha256 = "{digest}" }} }}]

[[packages]]
name = "skops"
version = "0.1"
wheels = [{{ url = "{url}", hashes = {{ sha256 = "{digest}" }} }}]
"""


def wheel(folder: Path, name: str = "skops-0.1-py3-none-any.whl") -> Path:
    """A wheel that holds one module."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as file:
        file.writestr("skops_here.py", "WORD = 'here'\n")
        file.writestr("skops-0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: skops\nVersion: 0.1\n")
        file.writestr("skops-0.1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("skops-0.1.dist-info/RECORD", "")
    return folder / name


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """uv's answers without an index: the wheel that it names lies in a folder. Gives how often it was asked."""
    asked: list[tuple[str, ...]] = []

    def put(place: Path, said: str = "") -> list[tuple[str, ...]]:
        lock = LOCK.format(url=place.as_uri(), digest=records.sha256(place))

        def uv(*words: str) -> subprocess.CompletedProcess[str]:
            asked.append(words)
            if not said:
                Path(words[words.index("--output-file") + 1]).write_text(lock)
            return subprocess.CompletedProcess(words, 1 if said else 0, "", said)

        monkeypatch.setattr(environments, "uv", uv)
        return asked

    return put


def test_a_kernel_attaches_the_wheels_that_it_lacks_and_no_others():
    refs = ["me/data", "me/kit-wheels-old"]
    assert wheels.lacking(["numpy", "sklearn", "skops"], IMAGE) == LACKING
    assert wheels.attached(refs, LACKING, "me") == ["me/data", "me/kit-wheels-skops"]
    assert wheels.attached(refs, {}, "me") == ["me/data"]


def test_a_recipe_that_stores_estimators_brings_skops_and_a_network_brings_nothing(workspace):
    entry = catalog.find("digit-recognizer")
    texts = {
        word: notebook.build(entry, Plan(entry.name, word, "", entry.recipes[word].resolve()))
        for word in ("forest", "cnn")
    }
    assert notebook.lacking(texts["forest"]) == LACKING and notebook.lacking(texts["cnn"]) == {}
    assert "kit-wheels-skops" in texts["forest"] and "kit-wheels" not in texts["cnn"].partition("%%writefile")[0]


def test_wheels_are_fetched_once_for_an_image(workspace, tmp_path, index):
    asked = index(wheel(tmp_path / "index"))
    place = wheels.folder(LACKING, IMAGE)
    assert wheels.folder(LACKING, IMAGE) == place and len(asked) == 1
    told = json.loads((place / environments.WHEELS).read_text())
    assert list(told["wheels"]) == ["skops-0.1-py3-none-any.whl"] and told["needs"] == ["numpy"]
    (place / "skops-0.1-py3-none-any.whl").write_bytes(b"cut")
    assert wheels.complete(wheels.folder(LACKING, IMAGE)) and len(asked) == 2


def test_a_wheel_of_another_platform_is_refused_and_nothing_stays(workspace, tmp_path, index):
    index(wheel(tmp_path / "index", "skops-0.1-cp312-cp312-macosx_11_0_arm64.whl"))
    with pytest.raises(KitError, match=r"No wheel of skops 0\.1 is for Kaggle's machines"):
        wheels.folder(LACKING, IMAGE)
    assert list(wheels.home().iterdir()) == []


def test_a_wheel_with_other_bytes_than_announced_is_refused(workspace, tmp_path, index):
    place = wheel(tmp_path / "index")
    index(place)
    place.write_bytes(b"other")
    with pytest.raises(KitError, match=r"skops-0\.1-py3-none-any\.whl is damaged"):
        wheels.folder(LACKING, IMAGE)
    assert list(wheels.home().iterdir()) == []


@pytest.mark.parametrize(
    ("name", "well"),
    [
        ("a-1-py3-none-any.whl", True),
        ("a-1-cp312-cp312-manylinux_2_28_x86_64.whl", True),
        ("a-1-cp38-abi3-manylinux2014_x86_64.whl", True),
        ("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp312-cp312-manylinux_2_39_x86_64.whl", False),
        ("a-1-cp312-cp312-win_amd64.whl", False),
        ("a.tar.gz", False),
    ],
)
def test_which_wheels_fit_kaggles_machines(name, well):
    assert wheels.fits(name, wheels._tags(IMAGE)) == well


def test_a_conflict_that_uv_finds_names_both_versions(workspace, tmp_path, index):
    said = "Because you require skops>=9 and skops depends on numpy>=2.3 and numpy==2.0.2, it is unsatisfiable."
    index(wheel(tmp_path / "index"), said)
    with pytest.raises(KitError, match=r"needs numpy>=2\.3, and Kaggle's cpu image of 2026-01-02 has numpy 2\.0\.2"):
        wheels.folder(LACKING, IMAGE)


def test_a_version_of_the_image_that_kit_does_not_work_with_is_refused():
    with pytest.raises(KitError, match=r"The recipe needs keras>=3\.13, and .* has keras 3\.10\.0"):
        wheels.refuse_conflicts(["numpy", "keras"], IMAGE)


def test_without_a_network_a_kernel_is_built_all_the_same(workspace, tmp_path, index, told):
    index(wheel(tmp_path / "index"), "error: Failed to fetch: dns error")
    built = kernel.build("digit-recognizer", "forest")
    assert any("cannot be looked up now" in line and "tries again" in line for line in told)
    assert dict(built.table().rows)["dataset_sources"] == ["INSERT_USER_HERE/kit-wheels-skops"]
    with pytest.raises(KitError, match="cannot be looked up now"):
        kernel_steps.attached(built.notebook.read_text(), {"dataset_sources": ["me/kit-wheels-skops"]})


def run(root: Path, module: str = "skops_here") -> subprocess.CompletedProcess[str]:
    """The cell in a Python of its own, which then imports the module."""
    code = cells.wheels("kit-wheels-skops", ["skops"], [module]) + f"\nimport {module}\nprint({module}.WORD)\n"
    environment = {"KIT_KAGGLE_ROOT": str(root), "TMPDIR": str(root), "PATH": os.environ["PATH"]}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def lay(folder: Path, *names: str) -> None:
    digests = {name: records.sha256(wheel(folder, name)) for name in names}
    (folder / environments.WHEELS).write_text(json.dumps({"wheels": digests, "needs": []}))


@pytest.mark.parametrize("layout", ["input", "input/datasets/me"])
def test_the_cell_installs_the_wheels_under_both_layouts(tmp_path, layout):
    pytest.importorskip("pip")
    lay(tmp_path / layout / "kit-wheels-skops", "skops-0.1-py3-none-any.whl")
    done = run(tmp_path)
    assert done.stdout.splitlines() == ["Installed: skops-0.1-py3-none-any.whl", "here"], done.stderr


def test_the_cell_installs_nothing_where_the_module_is_there(tmp_path):
    assert run(tmp_path, "json").stderr.splitlines()[-1] == "AttributeError: module 'json' has no attribute 'WORD'"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("attach", "The dataset kit-wheels-skops is not attached"),
        ("lose", "is not complete: skops-0.1-py3-none-any.whl is missing"),
        ("cut", "is damaged: skops-0.1-py3-none-any.whl has other bytes"),
        ("platform", "pip could not install the wheels of kit-wheels-skops"),
    ],
)
def test_the_cell_says_what_is_wrong_with_the_dataset(tmp_path, harm, said):
    folder = tmp_path / "input" / "kit-wheels-skops"
    if harm != "attach":
        lay(folder, "skops-0.1-cp27-none-win32.whl" if harm == "platform" else "skops-0.1-py3-none-any.whl")
    if harm == "lose":
        next(folder.glob("*.whl")).unlink()
    if harm == "cut":
        next(folder.glob("*.whl")).write_bytes(b"cut")
    done = run(tmp_path)
    assert done.returncode == 1 and said in done.stderr.partition("RuntimeError: ")[2]


def test_wheels_are_sent_as_a_private_dataset_and_again_only_when_bytes_change(site, workspace, told):
    place = workspace / "kit-wheels-skops"
    lay(place, "skops-0.1-py3-none-any.whl")
    for _ in range(2):
        wheels.send(place, client.connect())
    assert site.store.get("dataset", "tester/kit-wheels-skops")["private"] is True
    assert site.store.get("dataset", "tester/kit-wheels-skops")["versions"][-1]["number"] == 1
    lay(place, "skops-0.1-py3-none-any.whl", "more-1-py3-none-any.whl")
    wheels.send(place, client.connect())
    assert site.store.get("dataset", "tester/kit-wheels-skops")["versions"][-1]["number"] == 2
