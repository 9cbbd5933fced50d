"""The published sources of the official client, fetched once into a cache folder. None of them is kept in git."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

from kit import records

SHA256 = {
    "2.2.4": "28a58f6c1b9f46ce2afdfb439e0c4e91219e818b377ea4254f4e479456d8cb78",
    "2.2.5": "edb4298fbfddbdfcf020072a8971bd335e247191ebb4ab70ee4c6d30f6ecb9fa",
}
"""Versions of kaggle whose suites are known, with the sha256 of their sdists on PyPI."""


def installed() -> str:
    """The version of kaggle that is installed, whose suites are run; SystemExit where they are not known."""
    here = version("kaggle")
    if here not in SHA256:
        raise SystemExit(f"kaggle {here} is installed; the suites of {' and '.join(SHA256)} are known.")
    return here


def fetch() -> Path:
    """The unpacked sdist of the installed version; SystemExit where it cannot be had or is another file."""
    number = installed()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kaggle-kit" / "client-suite"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"kaggle-{number}.tar.gz"
    if not archive.is_file():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "kaggle"]
        subprocess.run([*pip, "--dest", str(cache), f"kaggle=={number}"], check=True)
    sha256 = records.sha256(archive)
    if sha256 != SHA256[number]:
        archive.unlink()
        raise SystemExit(f"{archive} has sha256 {sha256}, not {SHA256[number]}; it was removed.")
    with tarfile.open(archive) as packed:
        packed.extractall(cache, filter="data")
    return cache / f"kaggle-{number}"
