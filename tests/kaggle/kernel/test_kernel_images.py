"""Kernels rehearsed in environments of Kaggle's images, as they would run there."""

from __future__ import annotations

import pytest

from kit import places
from kit.api import kernel_steps
from kit.data import fetch
from kit.errors import KitError
from kit.kaggle.kernel import accelerators, metadata, notebook, rehearsal, wheels
from kit.sandbox import environments, images
from kit.task import catalog
from kit.train.runs import Plan
from tests.kaggle.kernel.conftest import hasten

KERNELS = sorted((places.KIT.parent / "kernels").glob(f"*/{notebook.FILE}"))


def rehearse(name: str, recipe: str, machine: str) -> list[rehearsal.Rehearsal]:
    """The recipe's kernel on its sample, for a machine, in the environment of that machine's image."""
    entry, chip = catalog.find(name, sample=True), accelerators.find(machine)
    fetch.sample(entry)
    plan = Plan(name, recipe, "", entry.recipes[recipe].resolve(smoke=True), sample=True)
    text = notebook.build(entry, plan, chip.kind)
    described = metadata.first(entry, plan, chip)
    described["dataset_sources"] = wheels.attached(described["dataset_sources"], notebook.lacking(text), metadata.USER)
    inputs = rehearsal.local_inputs(entry, described, extra=kernel_steps.attached(text, described))
    image = images.known(chip.kind)
    return rehearsal.rehearse(entry, text, described, inputs, echo=lambda line: None, image=image)


def test_a_small_kernel_runs_in_the_images_environment(namespaces, parity, images_here):
    hasten(parity)
    for result in rehearse("parity", "table", "cpu"):
        assert result.environment.startswith("Kaggle's cpu image of 2026-05-14 (Python 3.12.")
        assert result.runner == "Jupyter"


def test_the_command_says_which_environment_it_was(parity, kit, monkeypatch):
    hasten(parity)
    fetch.sample(catalog.find("parity"))
    assert kit("kernel", "build", "parity", "table", "--sample")[0] == 0
    words = ("kernel", "rehearse", "parity", "table", "--sample")
    status, _, err = kit(*words)
    assert status == 0 and "Tests make no environments of images." in err
    assert (
        "the rehearsal has kit's own packages instead" in err.lower() and "in kit's own environment (Python 3." in err
    )
    status, _, err = kit(*words, "--image")
    assert (status, err.splitlines()[-1]) == (1, "Try: the fixture images_here")
    assert kit(*words, "--image", "npu")[0] == 2
    asked: list[str] = []

    def made(image, text, inputs):
        asked.append(image.image)
        raise KitError("enough")

    monkeypatch.setattr(environments, "lacking", lambda image: None)
    monkeypatch.setattr(environments, "of", made)
    for choice in ((), ("--image", "gpu"), ("--image", "tpu"), ("--image", "own")):
        kit(*words, *choice)
    assert asked == ["cpu", "gpu", "tpu"]


def test_a_kernel_is_pushed_to_the_kind_of_machine_that_it_was_built_for(emulator, kit):
    assert kit("kernel", "build", "parity", "table", "--sample")[0] == 0
    status, _, err = kit("kernel", "push", "parity", "table", "--sample", "--accelerator", "t4")
    assert status == 1 and "The notebook was built for a cpu, and t4 is a gpu." in err
    assert "Try: kit kernel build parity table --sample --accelerator t4" in err
    assert emulator.steps("SaveKernel") == 0


@pytest.mark.slow
@pytest.mark.parametrize("file", KERNELS, ids=lambda file: file.parent.name)
def test_every_kernel_of_the_repository_runs_on_its_image(namespaces, workspace, images_here, file):
    plan = notebook.plan(file.read_text(encoding="utf-8"), file)
    machine = metadata.machine_of(metadata.read(file.parent))
    for result in rehearse(plan.competition, plan.recipe, machine.word):
        assert result.environment.startswith(f"Kaggle's {machine.kind} image")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "recipe", "machine"), [("digit-recognizer", "forest", "cpu"), ("digit-recognizer", "cnn", "tpu")]
)
def test_wheels_are_installed_and_a_tpu_is_imitated_in_parts(namespaces, workspace, images_here, name, recipe, machine):
    assert [result.showed for result in rehearse(name, recipe, machine)] == ["two folds", "inputs"]
