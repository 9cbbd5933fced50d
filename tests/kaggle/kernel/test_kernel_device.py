"""The device that was asked for: looked at first, used whole, and missed in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.errors import KitError
from kit.kaggle.kernel import cells, notebook
from kit.sandbox import images, imitated, imported
from kit.task import catalog, imports
from kit.train import executors, loop, machine, processes, runs
from kit.train.runs import Plan

TWO = "Tesla T4, 15360 MiB, 7.5\nTesla T4, 15360 MiB, 7.5"


def program(folder: Path, name: str, text: str) -> None:
    """A shell script on a PATH of its own."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def run(
    folder: Path, kind: str, *more: str, modules=("numpy",), **environment: str
) -> subprocess.CompletedProcess[str]:
    """The first cell of a notebook, and more code, in a Python of its own that sees the programs in `folder` alone."""
    code = "\n".join([cells.devices(kind, modules), *more])
    words = [sys.executable, "-c", code]
    return subprocess.run(words, env={"PATH": str(folder), **environment}, capture_output=True, text=True, check=False)


def last(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1]


def test_a_processor_is_not_looked_at():
    assert cells.devices("cpu", ["keras"]) == ""


def test_a_missing_gpu_stops_the_notebook_in_its_first_cell(tmp_path):
    done = run(tmp_path, "gpu", "print('never')")
    assert (done.returncode, done.stdout) == (1, "")
    assert last(done) == "RuntimeError: This notebook asked for a GPU, and this machine has none."


def test_the_gpus_are_named(tmp_path):
    program(tmp_path, "nvidia-smi", f"echo '{TWO}'")
    done = run(tmp_path, "gpu")
    assert done.stdout == "Devices: Tesla T4, 15360 MiB, 7.5; Tesla T4, 15360 MiB, 7.5\n", done.stderr


def test_a_framework_that_cannot_compute_on_the_gpu_stops_the_notebook(tmp_path):
    program(tmp_path, "nvidia-smi", "echo 'Tesla P100, 16384 MiB, 6.0'")
    (tmp_path / "torch.py").write_text("def ones(*_, **__): raise RuntimeError('no kernel image is available')")
    done = run(tmp_path, "gpu", modules=("torch",), PYTHONPATH=str(tmp_path))
    assert last(done) == (
        "RuntimeError: PyTorch cannot compute on the GPU of this machine, Tesla P100, 16384 MiB, 6.0: "
        "RuntimeError: no kernel image is available"
    )


def test_a_gpu_that_is_gone_explains_what_failed_in_the_middle(tmp_path):
    program(tmp_path, "nvidia-smi", f"echo '{TWO}'")
    train = (
        "class loop:\n    def train(*_, **__):\n        import pathlib; pathlib.Path(GONE).unlink(); raise OSError(1)\n"
        "class runs:\n    create = id\nclass processes:\n    on_gpus = dict\nplan = entry = 1\n"
        f"GONE = {str(tmp_path / 'nvidia-smi')!r}\n"
    )
    done = run(tmp_path, "gpu", train + cells.ON_GPUS)
    assert last(done) == "RuntimeError: This notebook asked for a GPU, and this machine has none."
    done = run(tmp_path, "gpu", train + cells.ON_GPUS, KIT_IMITATED="gpu")
    assert last(done).startswith("FileNotFoundError")  # the device is not to blame, and the error stays what it is


@pytest.mark.parametrize(("platform", "fails"), [("cpu", True), ("tpu", False)])
def test_a_tpu_must_be_seen_by_jax_and_keras_is_told_of_jax(tmp_path, platform, fails):
    (tmp_path / "jax.py").write_text(
        f"class Core: platform, device_kind = '{platform}', 'TPU v5 lite'\ndef devices(): return [Core()] * 8\n"
    )
    shown = "import os; print(os.environ['KERAS_BACKEND'])"
    done = run(tmp_path, "tpu", shown, PYTHONPATH=str(tmp_path))
    if fails:
        assert last(done) == "RuntimeError: This notebook asked for a TPU, and JAX sees cpu on this machine."
        done = run(tmp_path, "tpu", shown, PYTHONPATH=str(tmp_path), KIT_IMITATED="tpu")
    assert done.stdout.splitlines()[-2:] == ["Devices: 8 x TPU v5 lite", "jax"]


def test_a_machine_without_the_device_says_that_it_imitates_one(monkeypatch):
    monkeypatch.setattr(imitated, "here", lambda kind: False)
    assert imitated.variables("cpu") == {}
    assert imitated.variables("gpu") == {"KIT_IMITATED": "gpu"}
    assert imitated.variables("tpu")["XLA_FLAGS"] == "--xla_force_host_platform_device_count=8"
    monkeypatch.setattr(imitated, "here", lambda kind: True)
    assert imitated.variables("gpu") == imitated.variables("tpu") == {}


@pytest.mark.parametrize(
    ("name", "recipe", "said", "cure"),
    [
        ("disaster-tweets", "bert", "cannot train on a TPU: it imports tensorflow, ", "t4"),
        ("digit-recognizer", "forest", "does not use a TPU", "cpu"),
        ("digit-recognizer", "boosted", "does not use a TPU", "cpu"),
    ],
)
def test_what_a_tpu_cannot_train_is_refused_at_build(name, recipe, said, cure):
    entry = catalog.find(name)
    with pytest.raises(KitError, match=said) as error:
        notebook.build(entry, Plan(name, recipe, "", entry.recipes[recipe].resolve()), "tpu")
    assert error.value.cure == f"kit kernel build {name} {recipe} --accelerator {cure}"


def test_every_network_of_keras_is_built_for_a_tpu_and_looks_at_it_first_or_is_refused_since_it_is_tensorflows():
    refused = []
    for entry in catalog.entries():
        for name, recipe in entry.recipes.items():
            if recipe.extra not in ("keras", "language"):
                continue
            try:
                text = notebook.build(entry, Plan(entry.name, name, "", recipe.resolve()), "tpu")
            except KitError as error:
                refused.append((entry.name, name, error.wrong))
                continue
            code = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
            assert 'os.environ["KERAS_BACKEND"] = "jax"' in "".join(code[0]["source"])
            assert notebook.machine(text) == "tpu"
            assert imported.packages(text, images.known("tpu")) >= {"keras", "jax", "tensorflow-cpu"}
    why = "Recipe bag cannot train on a TPU: it imports tensorflow."
    assert refused == [("meli-titles", "bag", why)]


def test_a_notebook_for_gpus_takes_the_worker_along_and_fits_a_fold_on_each():
    entry = catalog.find("digit-recognizer")
    plan = Plan(entry.name, "cnn", "", entry.recipes["cnn"].resolve())
    gpu, cpu = notebook.build(entry, plan, "gpu"), notebook.build(entry, plan)
    assert "%%writefile kit/train/worker.py" in gpu and "executor=processes.on_gpus()" in gpu
    assert "%%writefile kit/train/worker.py" not in cpu and "executor=" not in json.loads(cpu)["cells"][-1]["source"]


@pytest.mark.parametrize("kind", ["cpu", "gpu", "tpu"])
def test_whatever_a_cell_imports_of_kit_is_written_by_another_cell(kind):
    entry = catalog.find("digit-recognizer")
    plan = Plan(entry.name, "cnn", "", entry.recipes["cnn"].resolve())
    cells = [cell for cell in json.loads(notebook.build(entry, plan, kind))["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]).partition("\n") for cell in cells]
    written = {first.split()[1]: rest for first, _, rest in sources if first.startswith("%%writefile")}
    run = [first + end + rest for first, end, rest in sources if not first.startswith("%%writefile")]
    wanted = [(name, "a cell") for text in (*run, *written.values()) for name in imports.names(Path("cell"), text)]
    assert {"kit/train/loop.py", "kit/train/runs.py"} <= {*imports.kit_files(wanted)} <= {*written}
    assert ("kit/train/processes.py" in written) == (kind == "gpu")


def test_the_gpus_are_those_of_the_driver_or_those_that_were_chosen(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.gpus() == [] and processes.on_gpus() is executors.local
    program(tmp_path, "nvidia-smi", "echo '0\n1'")
    assert machine.gpus() == ["0", "1"] and processes.on_gpus() == processes.Processes(2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert machine.gpus() == ["1"] and processes.on_gpus() is executors.local
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert machine.gpus() == []


def test_two_folds_are_fitted_at_once_each_with_a_gpu_of_its_own(parity, monkeypatch):
    from kit.data import fetch

    recipe = (parity / "table.py").read_text()
    recipe = recipe.replace(
        "    share = np.clip",
        "    import os\n    (fold.dir / 'card').write_text(os.environ['CUDA_VISIBLE_DEVICES'])\n    share = np.clip",
    )
    (parity / "table.py").write_text(recipe)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    entry = catalog.find("parity", sample=True)
    fetch.sample(entry)
    table, _ = entry.recipe("table")
    run = runs.create(loop.planned(entry, table, "", table.resolve()))
    loop.train(entry, run, executor=processes.on_gpus(), quiet=True)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3,5"
    assert {(run.fold(number) / "card").read_text() for number in range(3)} == {"3", "5"}
