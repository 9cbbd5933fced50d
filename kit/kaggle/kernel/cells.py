"""The text of a notebook's cells that are no files: the look at the devices, wheels, folders, and the training."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from kit.limits import Kind
from kit.sandbox import environments, imitated

GPU = """\
# Stops within seconds where the GPU that this notebook asked for is missing, or cannot be computed on.
import os, subprocess, sys

TRY = {tries}  # a first computation on each GPU, by each framework


def said(*words):
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))


def devices():
    # What is wrong with the devices, in a sentence; empty when all is well.
    if os.environ.get("{variable}") == "gpu":
        return ""
    listed = said("nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader")
    cards = [line for line in listed.stdout.splitlines() if line.strip()]
    if listed.returncode or not cards:
        return "This notebook asked for a GPU, and this machine has none" + (f": {{cards}}." if cards else ".")
    for framework, code in TRY.items():
        tried = said(sys.executable, "-c", code.format(count=len(cards)))
        if tried.returncode:
            why = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
            return f"{{framework}} cannot compute on the GPU of this machine, {{'; '.join(cards)}}: {{why}}"
    print(f"Devices: {{'; '.join(cards)}}", flush=True)
    return ""


if os.environ.get("{variable}") == "gpu":
    print("This machine only imitates one with a GPU. On Kaggle the notebook would stop here without one.", flush=True)
if wrong := devices():
    raise RuntimeError(wrong)
"""

TPU = """\
# Stops within seconds where the TPU that this notebook asked for is missing. TensorFlow on Kaggle's TPU machines sees
# the processor only, so that Keras computes with JAX; this must be said before anything imports Keras.
import os

os.environ["KERAS_BACKEND"] = "jax"


def devices():
    # What is wrong with the devices, in a sentence; empty when all is well.
    import jax

    cores = jax.devices()
    kinds = sorted({{core.platform for core in cores}})
    if kinds != ["tpu"] and os.environ.get("{variable}") != "tpu":
        return f"This notebook asked for a TPU, and JAX sees {{', '.join(kinds)}} on this machine."
    print(f"Devices: {{len(cores)}} x {{cores[0].device_kind}}", flush=True)
    return ""


if os.environ.get("{variable}") == "tpu":
    print("This machine only imitates one with a TPU. On Kaggle the notebook would stop here without one.", flush=True)
if wrong := devices():
    raise RuntimeError(wrong)
"""

TRIES = {
    "TensorFlow": (
        ("keras", "tensorflow", "tf_keras"),
        "import tensorflow as tf\n"
        "assert len(tf.config.list_physical_devices('GPU')) == {count}, 'TensorFlow does not see all {count}'\n"
        "for place in range({count}):\n"
        "    with tf.device(f'/GPU:{{place}}'): tf.linalg.matmul(tf.ones((8, 8)), tf.ones((8, 8))).numpy()\n",
    ),
    "PyTorch": (
        ("torch",),
        "import torch\nfor place in range({count}): (torch.ones(8, device=f'cuda:{{place}}') * 2).sum().item()\n",
    ),
}
"""A first computation on each GPU, by framework: the modules that mean it, and the code. A framework may see a GPU and
have no code for it: PyTorch for CUDA 12.8 has none for a P100 (kaggle-cli#1151)."""

WHEELS = """\
# Kaggle's image lacks {names}. A private dataset brings them, which are installed without an index, and
# without touching what is installed already.
import hashlib, importlib.util, json, os, pathlib, subprocess, sys, tempfile

if not all(importlib.util.find_spec(name) for name in {modules}):
    root = pathlib.Path(os.environ.get("KIT_KAGGLE_ROOT", "/kaggle"), "input")
    listed = [*root.glob("{slug}/{listing}"), *root.glob("datasets/*/{slug}/{listing}")]
    if len(listed) != 1:
        raise RuntimeError("The dataset {slug} is not attached: kernel-metadata.json must name it in dataset_sources.")
    digests = json.loads(listed[0].read_text())["wheels"]
    for name, digest in digests.items():
        wheel = listed[0].with_name(name)
        if not wheel.is_file():
            raise RuntimeError(f"The dataset {slug} is not complete: {{name}} is missing. Push the kernel again.")
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != digest:
            raise RuntimeError(f"The dataset {slug} is damaged: {{name}} has other bytes. Push the kernel again.")
    place = pathlib.Path(tempfile.gettempdir(), "kit-wheels")
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(place)]
    words += ["--disable-pip-version-check", *(str(listed[0].with_name(name)) for name in digests)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"pip could not install the wheels of {slug}: {{done.stderr.strip()[-1000:]}}")
    sys.path.append(str(place))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(place)]))
    print(f"Installed: {{', '.join(digests)}}", flush=True)
"""

FOLDERS = """\
import os, pathlib, sys, tempfile

# The code gets a folder of its own, so that /kaggle/working holds results only.
code = pathlib.Path(tempfile.gettempdir(), "kaggle-kit")
for folder in ({folders}):
    (code / folder).mkdir(parents=True, exist_ok=True)
os.chdir(code)
sys.path.insert(0, str(code))
"""

TRAIN = """\
import shutil

from kit import places
from kit.task import catalog
from kit.train import {modules}

entry = catalog.find({competition}, sample={sample})
recipe, variant = entry.recipe({label})
settings = {settings}
plan = loop.planned(entry, recipe, variant, settings, {rest})
{run}
shutil.copyfile(run.submission, places.working() / "submission.csv")
if run.score is not None:
    print(f"{{run.record.metric}} {{run.score:.5f}} out-of-fold on {{run.record.rows.out_of_fold:,}} rows")
"""

START = """\
# The time limit counts from here.
import time

STARTED = time.monotonic()
"""

PREDICT = """\
from kit.predict import inference
from kit.task import catalog

entry = catalog.find({competition})
run = inference.attached({competition}, {dataset}, {run})
inference.submit(entry, run, started=STARTED, limit={limit})
"""

RUN = "run = loop.train(entry, runs.create(plan))"

ON_GPUS = """\
try:
    run = loop.train(entry, runs.create(plan), executor=processes.on_gpus())  # a fold a GPU, where there are several
except Exception as error:
    if wrong := devices():  # a device that is gone explains what failed
        raise RuntimeError(wrong) from error
    raise
"""

ON_TPU = ON_GPUS.replace(", executor=processes.on_gpus())  # a fold a GPU, where there are several", ")")


def devices(kind: Kind, modules: Collection[str]) -> str:
    """The cell that looks at the devices, for a notebook that imports `modules`; empty for a processor."""
    if kind == "cpu":
        return ""
    if kind == "tpu":
        return TPU.format(variable=imitated.NAME)
    tries = {name: code for name, (known, code) in TRIES.items() if set(known) & set(modules)}
    return GPU.format(variable=imitated.NAME, tries=json.dumps(tries, indent=4))


def wheels(slug: str, names: Sequence[str], modules: Sequence[str]) -> str:
    """The cell that installs the wheels of the dataset `slug` where one of `modules` is missing."""
    return WHEELS.format(
        slug=slug, names=", ".join(names), modules=json.dumps(list(modules)), listing=environments.WHEELS
    )


def folders(names: Sequence[str]) -> str:
    """The cell that makes the folders for the files."""
    return FOLDERS.format(folders=", ".join(f'"{name}"' for name in names))


def predict(*, competition: str, dataset: str, run: str, limit: float) -> str:
    """The last cell of a notebook that only predicts."""
    return PREDICT.format(
        competition=json.dumps(competition), dataset=json.dumps(dataset), run=json.dumps(run), limit=limit
    )


def train(kind: Kind, *, competition: str, sample: bool, label: str, settings: str, rest: str) -> str:
    """The last cell. What it is given is Python already."""
    run = {"cpu": RUN, "gpu": ON_GPUS, "tpu": ON_TPU}[kind]
    return TRAIN.format(
        run=run.removesuffix("\n"),
        modules="loop, processes, runs" if kind == "gpu" else "loop, runs",
        competition=competition,
        sample=sample,
        label=label,
        settings=settings,
        rest=rest,
    )
