"""The published sources of the official client, fetched once into a cache folder. None of them is kept in git."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

VERSION = "2.2.4"
SHA256 = "28a58f6c1b9f46ce2afdfb439e0c4e91219e818b377ea4254f4e479456d8cb78"


def fetch() -> Path:
    """The unpacked sdist of kaggle 2.2.4; SystemExit where it cannot be had or is another file."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kaggle-kit" / "client-suite"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"kaggle-{VERSION}.tar.gz"
    if not archive.is_file():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "kaggle"]
        subprocess.run([*pip, "--dest", str(cache), f"kaggle=={VERSION}"], check=True)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SHA256:
        archive.unlink()
        raise SystemExit(f"{archive} has sha256 {found}, not {SHA256}; it was removed.")
    with tarfile.open(archive) as packed:
        packed.extractall(cache, filter="data")
    return cache / f"kaggle-{VERSION}"
