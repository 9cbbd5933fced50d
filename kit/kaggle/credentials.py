"""Which credentials there are, and which of them the client sends. Values are read only to be kept out of texts.

The order is that of the official client 2.2: an access token outranks a legacy key, wherever either is kept.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from kit import places
from kit.errors import KitError

HIDDEN = "[hidden]"

SHORTEST = 6
"""Characters of a secret that is hidden: Kaggle's have 32 and more, and a single letter would be hidden everywhere."""

FOLDERS = ("~/.kaggle", "~/.config/kaggle")
"""Where a `kaggle.json` may lie, whether it is read or not."""

_QUERY = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]+")
"""The query of an address: signed links carry their right of access there."""


class Credential(NamedTuple):
    """One way to prove who the user is. `where` names a variable or a file; `secret` is never printed."""

    kind: str
    where: str
    secret: str

    def __repr__(self) -> str:
        return f"Credential({self.kind}, {self.where})"


def find() -> list[Credential]:
    """All credentials, the one that is sent first. Files that cannot be read count as absent."""
    return [credential for credential in (*_tokens(), *_keys(), *_oauth()) if credential.secret]


def folder() -> Path:
    """Where the client looks for `kaggle.json`."""
    if named := os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(named)
    home = places.named("~/.kaggle")
    if sys.platform.startswith("linux") and not home.exists():
        return Path(os.environ.get("XDG_CONFIG_HOME") or places.named("~/.config")) / "kaggle"
    return home


def missing() -> KitError:
    """The error for a user who has none."""
    return KitError(
        "There are no Kaggle credentials on this machine.",
        "Create a token at https://www.kaggle.com/settings (API), and keep it in ~/.kaggle/access_token.",
        "mkdir -p ~/.kaggle && cat > ~/.kaggle/access_token && chmod 600 ~/.kaggle/access_token",
    )


def secrets() -> set[str]:
    """Every secret that is kept on this machine, also one that another outranks and that is never sent."""
    held = [_json(place / "kaggle.json").get("key") for place in {folder(), *map(places.named, FOLDERS)}]
    known = {credential.secret for credential in find()} | {os.environ.get("KAGGLE_KEY", "")}
    return {text for text in known | {key for key in held if isinstance(key, str)} if len(text) >= SHORTEST}


def redact(text: str) -> str:
    """The text without secrets and without the queries of addresses."""
    for secret in sorted(secrets(), key=len, reverse=True):  # one may be a part of another
        text = text.replace(secret, HIDDEN)
    return _QUERY.sub(r"\1", text)


def _tokens() -> list[Credential]:
    tokens = []
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ and (path := os.environ.get("KAGGLE_API_V1_TOKEN")):
        tokens.append(Credential("access token", "KAGGLE_API_V1_TOKEN", _text(Path(path))))
    if value := os.environ.get("KAGGLE_API_TOKEN"):
        held = _text(Path(value)) or value  # the variable may hold a token or name a file that does
        tokens.append(Credential("access token", "KAGGLE_API_TOKEN", held))
    for name in ("~/.kaggle/access_token", "~/.kaggle/access_token.txt"):
        tokens.append(Credential("access token", name, _text(places.named(name))))
    return tokens


def _keys() -> list[Credential]:
    file = folder() / "kaggle.json"
    held = _json(file)
    user = os.environ.get("KAGGLE_USERNAME") or held.get("username")
    key = os.environ.get("KAGGLE_KEY") or held.get("key")
    if not user or not key:
        return []
    where = "KAGGLE_USERNAME and KAGGLE_KEY" if "KAGGLE_KEY" in os.environ else str(file)
    return [Credential("legacy key", where, str(key))]


def _oauth() -> list[Credential]:
    file = "~/.kaggle/credentials.json"
    held = _json(places.named(file))
    return [Credential("sign-in", file, str(held.get(name, ""))) for name in ("refresh_token", "access_token")]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _json(path: Path) -> dict:
    try:
        held = json.loads(_text(path))
    except ValueError:
        return {}
    return held if isinstance(held, dict) else {}
