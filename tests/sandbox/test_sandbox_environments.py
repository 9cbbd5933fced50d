"""Environments of Kaggle's images: what they hold, that they are whole, and what they need of a machine."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from kit.errors import KitError
from kit.sandbox import environments, images
from kit.sandbox.images import Image

IMAGE = Image("cpu", "2026-01-02", "a test", "3.12", {"numpy": "2.0.2", "ipykernel": "6.17.1", "pip": "24.1.2"})

UV = """#!/bin/sh
echo "$@" >> {log}
case "$1 $2" in
    "venv "*) for place; do :; done; mkdir -p "$place/bin"; ln -s {python} "$place/bin/python";;
    "pip list") echo '[{{"name": "Num_Py", "version": "2.0.2"}}]';;
    *) {install};;
esac
"""


@pytest.fixture
def lacking():
    """The question itself, which other tests have answered for them."""
    return environments_lacking


environments_lacking = environments.lacking


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A uv of our own, which installs nothing: what it was told, line by line. `fails` is its word for a failure."""
    log = tmp_path / "uv.log"

    def put(fails: str = "") -> Path:
        program = tmp_path / "bin" / "uv"
        program.parent.mkdir(exist_ok=True)
        install = f"echo '{fails}' >&2; exit 1" if fails else ":"
        program.write_text(
            UV.format(log=log, python=environments.python("3.11") or "/usr/bin/python3", install=install)
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(environments, "program", lambda: program)
        monkeypatch.setattr(environments, "lacking", lambda image: None)
        monkeypatch.setattr(environments, "python", lambda version: Path("/usr/bin/python3"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        return log

    return put


def test_without_uv_there_are_no_environments(lacking, monkeypatch):
    monkeypatch.setattr(environments, "program", lambda: None)
    assert lacking(IMAGE).cure == "pip install uv"


def test_without_the_images_python_there_are_no_environments(lacking, monkeypatch):
    monkeypatch.setattr(environments, "program", lambda: Path("uv"))
    monkeypatch.setattr(environments, "python", lambda version: None)
    assert "has Python 3.12, which is not installed here" in lacking(IMAGE).wrong
    assert lacking(IMAGE).cure == "uv python install 3.12"


def test_an_environment_is_made_once_of_what_the_image_has(uv, told):
    log = uv()
    first = environments.made(IMAGE, ["NumPy", "skops"])
    assert environments.made(IMAGE, ["numpy"]) == first
    words = log.read_text().splitlines()
    assert [line.split()[0] for line in words] == ["venv", "pip", "pip"]
    assert words[1].split()[-4:] == ["ipykernel", "nbclient", "numpy", "pip"]
    pins = Path(words[1].split("--overrides ")[1].split()[0])
    assert pins.read_text() == "ipykernel==6.17.1\nnumpy==2.0.2\npip==24.1.2\n"
    assert environments.installed(first) == {"num-py": "2.0.2"}
    assert environments.described(first).startswith("Kaggle's cpu image of 2026-01-02 (Python 3.")
    assert len(told) == 1


@pytest.mark.parametrize(
    ("server", "proxy", "kept"),
    [
        ("LOCALHOST", "http://127.0.0.1:8123", ""),
        ("LOCALHOST", "http://proxy.example:3128", "http://proxy.example:3128"),
        ("", "http://127.0.0.1:8123", "http://127.0.0.1:8123"),
    ],
)
def test_the_emulator_is_no_proxy_to_a_package_index(server, proxy, kept, tmp_path, monkeypatch):
    program = tmp_path / "uv"
    program.write_text('#!/bin/sh\necho "$https_proxy"\n')
    program.chmod(0o755)
    monkeypatch.setattr(environments, "program", lambda: program)
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", server)
    monkeypatch.setenv("https_proxy", proxy)
    assert environments.uv("pip", "download").stdout.strip() == kept


def test_another_list_gives_another_environment(uv):
    uv()
    newer = Image("cpu", "2026-01-02", "a test", "3.12", {**IMAGE.packages, "numpy": "2.1.0"})
    assert environments.made(IMAGE, ["numpy"]) != environments.made(newer, ["numpy"])


def test_an_environment_that_fails_leaves_nothing(uv):
    uv(fails="error: dns error: no address")
    with pytest.raises(KitError, match="dns error: no address") as error:
        environments.made(IMAGE, ["numpy"])
    assert (error.value.right, error.value.cure.split("  #")[0]) == ("It needs a network, once.", "--image own")
    assert not [path for path in environments.home().iterdir() if path.is_dir()]


def test_an_environment_that_was_cut_short_is_made_anew(uv):
    uv()
    place = environments.made(IMAGE, ["numpy"])
    (place.parent.parent / environments.MADE).unlink()
    (place.parent / "left").write_text("")
    assert environments.made(IMAGE, ["numpy"]) == place
    assert not (place.parent / "left").exists()


def test_attached_wheels_bring_what_they_need_of_the_image(uv, tmp_path):
    log = uv()
    (tmp_path / "wheels.json").write_text(json.dumps({"needs": ["numpy", "not-there"]}))
    environments.of(IMAGE, json.dumps({"cells": []}), [tmp_path])
    assert log.read_text().splitlines()[1].split()[-4:] == ["ipykernel", "nbclient", "numpy", "pip"]


@pytest.mark.slow
def test_a_real_environment_has_the_images_versions(images_here):
    place = environments.made(images.known("cpu"), ["numpy"])
    done = subprocess.run([place, "-c", "import numpy; print(numpy.__version__)"], capture_output=True, text=True)
    assert done.stdout == "2.0.2\n"
    assert environments.installed(place)["ipykernel"] == "6.17.1"
