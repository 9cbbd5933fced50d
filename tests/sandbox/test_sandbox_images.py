"""Lists of what is on Kaggle's images: those that come with kit, those of a probe, and files that are no list."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit.errors import KitError
from kit.sandbox import images
from kit.sandbox.images import Image

SMALL = Image("cpu", "2026-01-02", "a test", "3.12", {"numpy": "2.0.2", "torch": "2.10.0+cpu", "catboost": ""})


@pytest.mark.parametrize("kind", ["cpu", "gpu", "tpu"])
def test_a_list_comes_with_kit_for_each_kind_of_machine(workspace, kind):
    image = images.known(kind)
    assert (image.image, image.python) == (kind, "3.12")
    assert image.packages["keras"] == "3.13.2" and image.packages["numpy"] == "2.0.2"
    assert image.has("tf_keras") == (kind != "tpu") and not image.has("tf-models-official")
    assert image.packages.get("tensorflow-cpu", "") == ("2.20.0" if kind == "tpu" else "")


def test_pins_leave_out_what_an_index_does_not_know():
    assert SMALL.pins == ["numpy==2.0.2", "torch==2.10.0"]


def test_what_a_probe_saw_on_a_server_is_used_for_that_server_alone(workspace):
    images.keep(SMALL, "emulator")
    assert images.known("cpu", "emulator") == SMALL
    assert images.known("cpu") == images.read(images.SHIPPED / "cpu.json")


def test_a_version_that_was_not_known_before_is_no_difference():
    now = replace(SMALL, packages={"numpy": "2.1.0", "catboost": "1.2", "skops": "0.16"})
    assert images.differences(SMALL, now) == [
        ("numpy", "2.0.2", "2.1.0"),
        ("skops", "", "0.16"),
        ("torch", "2.10.0+cpu", ""),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "cannot be read as a list of packages"),
        ("[]", "has the format None, and this version of kit reads 1"),
        ('{"format": 2}', "has the format 2, and this version of kit reads 1"),
        ('{"format": 1, "image": "cpu"}', "is not whole"),
        (json.dumps({"format": 1, **vars(SMALL), "python": "three"}), "is not whole"),
        (json.dumps({"format": 1, **vars(SMALL), "packages": {"numpy": 2}}), "is not whole"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_the_command_that_removes_it(workspace: Path, text, said):
    place = images.place("cpu")
    place.parent.mkdir(parents=True)
    place.write_text(text)
    with pytest.raises(KitError, match=said) as error:
        images.known("cpu")
    assert error.value.cure == f"rm {place}"


def test_an_unknown_image_is_refused(workspace):
    with pytest.raises(KitError, match="no image called 'npu'"):
        images.known("npu")
