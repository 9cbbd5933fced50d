"""Python environments as on Kaggle's images, made once by uv and kept for all workspaces.

An environment holds the packages that a notebook imports, in the image's versions, with all that these need: to install
the 700 packages of an image would take many gigabytes.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from filelock import FileLock

from kit import records
from kit.errors import KitError
from kit.notes import tell
from kit.sandbox import images, imported, keeper
from kit.sandbox.images import Image

MADE = "made.json"
"""In the folder of an environment: what it was made of. Written last, so that it means "whole"."""

RUNNER = ("ipykernel", "nbclient", "pip")
"""What executes a notebook, and installs the wheels that it attaches."""

WHEELS = "wheels.json"
"""In a folder of attached wheels: their names, and the packages of the image that they need."""

LONGEST = 1200
"""Seconds that making an environment may take, downloads among them."""

PROXIES, LOOPBACK = ("http_proxy", "https_proxy"), "://127.0.0.1:"
"""Variables that name a proxy, and what an emulator's begins with, behind the scheme."""


def lacking(image: Image) -> KitError | None:
    """Why no environment of `image` can be made on this machine; None where it can."""
    if program() is None:
        return KitError(
            f"An environment of {image.label} is made by uv, which is not installed.",
            "uv installs Python packages, and keeps one copy of each.",
            "pip install uv",
        )
    if python(image.python) is None:
        return KitError(
            f"{image.label} has Python {image.python}, which is not installed here.",
            "An environment needs the same Python.",
            f"uv python install {image.python}",
        )
    return None


def program() -> Path | None:
    """uv: on the PATH, or installed beside the Python that runs kit; None where it is not installed."""
    beside = Path(sys.prefix, "bin", "uv")
    if place := shutil.which("uv"):
        return Path(place)
    return beside if beside.is_file() else None


@functools.cache
def python(version: str) -> Path | None:
    """A Python of that version, as `3.12`, that is installed here; None where there is none."""
    short = ".".join(version.split(".")[:2])
    if short == ".".join(map(str, sys.version_info[:2])):
        return Path(sys.base_prefix) / "bin" / f"python{short}"
    # pyenv's programs on the PATH refuse to start where another version is chosen, and uv then looks no further.
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    for place in sorted(root.glob(f"versions/{short}.*/bin/python{short}"), reverse=True):
        return place
    done = uv("python", "find", "--no-python-downloads", "--system", short)
    place = Path(done.stdout.strip())
    return place if done.returncode == 0 and place.is_file() else None


def of(image: Image, text: str, inputs: Iterable[Path] = ()) -> Path:
    """The Python of an environment for a notebook with `inputs`; it is made where it is not there yet.

    Raises KitError as `made` does.
    """
    return made(image, {*imported.packages(text, image), *_needed(inputs)})


def made(image: Image, packages: Iterable[str]) -> Path:
    """The Python of an environment that has `packages` of the image, made where it is not there yet.

    What the image does not have is left out. Raises KitError where uv or Python is missing, or uv fails.
    """
    names = sorted({*RUNNER, *(name for each in packages if (name := images.normal(each)) in image.packages)})
    digest = hashlib.sha256(json.dumps([image.python, image.pins, names]).encode()).hexdigest()[:16]
    folder = home() / f"{image.image}-{digest}"
    if (folder / MADE).is_file():
        return folder / "bin" / "python"
    if why := lacking(image):
        raise why
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / MADE).is_file():
            tell(f"Making an environment of {image.label}, once: {', '.join(names)}")
            keeper.remove(folder)
            try:
                _make(image, names, folder)
            except BaseException:
                keeper.remove(folder)
                raise
    return folder / "bin" / "python"


def home() -> Path:
    """The folder of all environments: in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "kaggle-kit" / "images"


def described(environment: Path) -> str:
    """What an environment is, in words: `Kaggle's cpu image of 2026-05-14 (Python 3.12.1, 74 packages)`."""
    told = records.read_json(environment.parent.parent / MADE)
    return f"{told['label']} (Python {told['python']}, {len(told['installed'])} packages)"


def installed(environment: Path) -> Mapping[str, str]:
    """The packages of an environment and their versions."""
    return dict(records.read_json(environment.parent.parent / MADE)["installed"])


def _make(image: Image, names: list[str], folder: Path) -> None:
    base = python(image.python)
    assert base is not None  # `lacking` has looked
    _succeed(image, "venv", "--quiet", "--no-python-downloads", "--python", str(base), str(folder))
    inside = folder / "bin" / "python"
    pins = folder / "pins.txt"
    pins.write_text("".join(f"{pin}\n" for pin in image.pins), encoding="utf-8")
    # Overrides, not constraints: the image holds what its makers have put there, whatever packages say of each other.
    _succeed(image, "pip", "install", "--quiet", "--python", str(inside), "--overrides", str(pins), *names)
    listed = json.loads(_succeed(image, "pip", "list", "--quiet", "--python", str(inside), "--format", "json"))
    _compile(inside, names)
    told = {
        "label": image.label,
        "python": _version(inside),
        "asked": names,
        "installed": {images.normal(one["name"]): one["version"] for one in listed},
    }
    records.write_json(folder / MADE, told)


def _compile(inside: Path, names: list[str]) -> None:
    """Import what was asked for once, so that its bytecode is written: a kernel cannot write it, and would compile
    TensorFlow at each start, 25 s instead of 7. All files of the environment would take longer than those that are
    imported."""
    modules = [module for name in names for module in imported.modules(name)]
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n    try: importlib.import_module(name)\n"
    code += "    except ImportError: pass\n"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    words = [str(inside), "-c", code, *modules, "ipykernel.kernelapp", "IPython", "matplotlib_inline.backend_inline"]
    hidden = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(words, env=environment | hidden, capture_output=True, timeout=LONGEST, check=False)


def _needed(inputs: Iterable[Path]) -> set[str]:
    """What attached wheels need of the image."""
    return {name for folder in inputs for name in records.read_json(folder / WHEELS).get("needs", [])}


def _version(inside: Path) -> str:
    done = subprocess.run([str(inside), "-V"], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()[-1]


def _succeed(image: Image, *words: str) -> str:
    """What uv prints. Raises KitError, with its own words, where it fails."""
    done = uv(*words)
    if done.returncode:
        said = "\n".join(line for line in done.stderr.splitlines() if line.strip())[-2000:]
        raise KitError(
            f"uv could not make an environment of {image.label}:\n{said}",
            "It needs a network, once." if offline(said) else "",
            "--image own  # the environment that kit runs in",
        )
    return done.stdout


def offline(said: str) -> bool:
    """Whether uv failed because no package index could be reached, by what it says."""
    return bool(re.search(r"dns error|failed to (fetch|send)|error sending request|connect", said, re.IGNORECASE))


def uv(*words: str) -> subprocess.CompletedProcess[str]:
    """uv with these words; what it has printed, and its exit status.

    In a shell of the emulator the proxies are the emulator itself, which leads to no package index.
    """
    left_out = {"VIRTUAL_ENV", "UV_PYTHON"}
    if os.environ.get("KAGGLE_API_ENVIRONMENT") == "LOCALHOST":
        left_out |= {name for name in os.environ if name.lower() in PROXIES and LOOPBACK in os.environ[name]}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    try:
        return subprocess.run(
            [str(program() or "uv"), *words],
            env=kept,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"uv took longer than {LONGEST} s")
    except FileNotFoundError:
        return subprocess.CompletedProcess(words, 1, "", "uv is not installed: pip install uv")
