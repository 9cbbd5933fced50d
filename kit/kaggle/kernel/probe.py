"""A one-minute kernel that writes down what is really on one of Kaggle's machines."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit import records
from kit.errors import KitError
from kit.kaggle import client as connection
from kit.kaggle.client import Client
from kit.kaggle.kernel import metadata, notebook, outputs, push, sessions
from kit.kaggle.kernel.accelerators import Accelerator
from kit.kaggle.kernel.versions import Pushed
from kit.notes import tell
from kit.sandbox import images
from kit.sandbox.images import Image

FILE = "probe.json"
"""What the kernel leaves."""

TIMEOUT = 600
"""Seconds after which Kaggle stops the kernel. It takes less than one minute, and starting a machine takes longer."""

LARGEST = 4 << 20
"""Bytes that its answer may have."""

CELL = """\
import json, os, pathlib, platform, shutil, subprocess
from importlib import metadata


def said(*words):
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout.strip().splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


packages = {one.metadata["Name"]: one.version for one in metadata.distributions() if one.metadata["Name"]}
listed = os.environ.get("KIT_IMAGE")  # set where only a part of an image is installed, by kit's emulator
if listed:
    packages = json.loads(pathlib.Path(listed).read_text())["packages"]
devices = said("nvidia-smi", "--query-gpu=name,memory.total,compute_cap,driver_version", "--format=csv,noheader")
devices += sorted(str(path) for pattern in ("accel*", "vfio/[0-9]*") for path in pathlib.Path("/dev").glob(pattern))
memory = [line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal:")]
mounts = [line.split()[1:4] for line in open("/proc/self/mounts")]
places = [place for place in ("/kaggle/working", "/tmp") if os.path.isdir(place)]
told = {
    "python": platform.python_version(),
    "packages": packages,
    "devices": devices,
    "cores": len(os.sched_getaffinity(0)),
    "memory": int(memory[0]) * 1024,
    "mounts": [[place, kind, options.split(",")[0]] for place, kind, options in mounts],
    "environment": sorted(os.environ),
    "disk": {place: shutil.disk_usage(place)._asdict() for place in places},
}
pathlib.Path("probe.json").write_text(json.dumps(told))
print(f"Python {told['python']}, {len(packages)} packages, devices: {', '.join(devices) or 'none'}")
"""


@dataclass(frozen=True)
class Seen:
    """What a probe saw: the packages, and the machine around them. Names of environment variables come without their
    values; `memory` and `disk` are bytes, `mounts` are place, kind and whether they can be written."""

    image: Image
    devices: tuple[str, ...]
    cores: int
    memory: int
    mounts: tuple[tuple[str, ...], ...]
    environment: tuple[str, ...]
    disk: dict[str, dict[str, int]]


def look(client: Client, machine: Accelerator) -> Seen:
    """Push the kernel to a machine of that kind, follow it, and read what it has left.

    Raises KitError as `push.push` does, when the kernel fails, and when its answer is not what it should be.
    """
    pushed = _pushed(client, machine)
    tell(f"Pushed {pushed.ref} {pushed.label} to {machine.what}: {pushed.url}")
    sessions.succeeded(client, pushed, sessions.follow(client, pushed, echo=lambda line: tell(f"  | {line}")))
    files = {one.name: one for one in outputs.listing(client, pushed)}
    if FILE not in files:
        raise KitError(f"{pushed.ref} {pushed.label} left no {FILE}.", "Its log may say why.", pushed.url)
    with tempfile.TemporaryDirectory(prefix="kit-probe-") as folder:
        outputs.fetch({FILE: files[FILE]}, Path(folder))
        file = Path(folder, FILE)
        if file.stat().st_size > LARGEST:
            raise KitError(f"The {FILE} of {pushed.ref} has {file.stat().st_size:,} bytes.", f"{LARGEST:,} are enough.")
        return _seen(records.read_json(file), machine, pushed)


def server() -> str:
    """Under which name probed images are kept. Every emulator is one, whatever its port."""
    return "emulator" if connection.emulated() else images.KAGGLE


def _pushed(client: Client, machine: Accelerator) -> Pushed:
    described = metadata.described(f"kit-probe-{machine.word}", machine)
    return push.push(client, notebook.of_cells([CELL]), described, machine=machine, timeout=TIMEOUT)


def _seen(told: dict[str, Any], machine: Accelerator, pushed: Pushed) -> Seen:
    try:
        packages = {images.normal(str(name)): str(version) for name, version in told["packages"].items()}
        python = str(told["python"])
        if not re.fullmatch(r"3\.\d+\.\d+", python):
            raise ValueError(f"its Python is {python!r}")
        seen = Image(
            machine.kind, records.now()[:10], f"kit kernel probe, {pushed.ref} {pushed.label}", python, packages
        )
        return Seen(
            image=seen,
            devices=tuple(map(str, told["devices"])),
            cores=int(told["cores"]),
            memory=int(told["memory"]),
            mounts=tuple(tuple(map(str, one)) for one in told["mounts"]),
            environment=tuple(map(str, told["environment"])),
            disk={str(place): dict(sizes) for place, sizes in told["disk"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KitError(
            f"The {FILE} of {pushed.ref} {pushed.label} is not whole: {json.dumps(str(error))}.",
            "The kernel writes it at its end.",
            pushed.url,
        ) from None
