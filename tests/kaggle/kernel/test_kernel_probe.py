"""The probe: what it sees of a machine, where that is kept, and what it differs in."""

from __future__ import annotations

import json

import pytest

from kit.api import kernel
from kit.emulator.local import running
from kit.errors import KitError
from kit.kaggle.kernel import accelerators, probe
from kit.kaggle.kernel.versions import Pushed
from kit.sandbox import environments, images

PUSHED = Pushed("me/kit-probe-t4", 1, "", "t4", 600, "", "")
TOLD = {
    "python": "3.12.11",
    "packages": {"Num_Py": "2.0.2"},
    "devices": ["Tesla T4"],
    "cores": 4,
    "memory": 30 << 30,
    "mounts": [["/kaggle/working", "ext4", "rw"]],
    "environment": ["PATH"],
    "disk": {"/tmp": {"total": 3, "used": 1, "free": 2}},
}


def test_a_probe_on_the_emulator_is_kept_for_the_emulator_and_shows_what_differs(emulator, kit, monkeypatch, workspace):
    monkeypatch.setenv("A_SECRET", "hidden")
    status, out, err = kit("kernel", "probe", "--accelerator", "t4")
    assert status == 0, err
    assert "no accelerator" in out and "differ from the shipped list" in out and "keras" in out
    file = workspace / "data" / ".images" / "emulator" / "gpu.json"
    assert str(file) in err and "hidden" not in file.read_text()
    assert images.known("gpu", "emulator").has("kaggle-kit") and not images.known("gpu").has("kaggle-kit")
    told = json.loads(kit("kernel", "probe", "--json")[1])
    assert "KAGGLE_KERNEL_RUN_TYPE" in told["environment"] and ["/kaggle/working", "rw"] in [
        [place, write] for place, _, write in told["mounts"]
    ]
    assert told["disk"]["/kaggle/working"]["free"] > 0 and told["image"]["image"] == "cpu"


def test_an_answer_is_read_into_an_image():
    seen = probe._seen(TOLD, accelerators.find("t4"), PUSHED)
    assert seen.image.packages == {"num-py": "2.0.2"} and seen.image.image == "gpu"
    assert "me/kit-probe-t4 v1" in seen.image.source


@pytest.mark.parametrize("harm", [{"python": "3"}, {"packages": 1}, {"disk": 1}, {"memory": "much"}, {"mounts": None}])
def test_an_answer_that_is_not_whole_is_refused(harm):
    with pytest.raises(KitError, match=r"The probe\.json of me/kit-probe-t4 v1 is not whole"):
        probe._seen(TOLD | harm, accelerators.find("t4"), PUSHED)


def test_an_emulator_that_cannot_make_environments_says_so(workspace, parity):
    with (
        pytest.raises(KitError, match="Tests make no environments"),
        running(sample=True, kernels="sandbox", image=True),
    ):
        pass


@pytest.mark.slow
def test_an_emulator_with_images_runs_kernels_in_them(namespaces, parity, images_here, monkeypatch):
    with running(sample=True, kernels="sandbox", image=True) as site:
        for name, value in site.env.items():
            if name != "HOME":  # where environments are kept
                monkeypatch.setenv(name, value)
        seen = kernel.probe("t4")
    assert seen.seen.image.python.startswith("3.12.") and seen.seen.image.packages["keras"] == "3.13.2"
    assert environments.lacking(images.known("gpu")) is None
    assert [name for name, *_ in seen.differences] == []
