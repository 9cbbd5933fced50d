"""The emulator's memory: SQLite and files in one folder, so that a restart forgets nothing."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT UNIQUE, key TEXT, token TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS accepted (slug TEXT, user TEXT, at TEXT, PRIMARY KEY (slug, user));
CREATE TABLE IF NOT EXISTS blobs (token TEXT PRIMARY KEY, user TEXT, name TEXT, bytes INTEGER, at TEXT);
CREATE TABLE IF NOT EXISTS submissions (
    ref INTEGER PRIMARY KEY AUTOINCREMENT, slug TEXT, user TEXT, name TEXT, description TEXT, bytes INTEGER,
    path TEXT, at TEXT, status TEXT, error TEXT DEFAULT '', public TEXT DEFAULT '', private TEXT DEFAULT '');
CREATE TABLE IF NOT EXISTS reruns (ref INTEGER PRIMARY KEY, session TEXT, text TEXT, kind TEXT DEFAULT '');
CREATE INDEX IF NOT EXISTS submissions_of ON submissions (slug, user, at);
CREATE TABLE IF NOT EXISTS teams (
    id INTEGER PRIMARY KEY AUTOINCREMENT, slug TEXT, name TEXT, member TEXT, kind TEXT, public TEXT, private TEXT,
    count INTEGER, at TEXT, UNIQUE (slug, name));
CREATE TABLE IF NOT EXISTS documents (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS numbers (last INTEGER PRIMARY KEY AUTOINCREMENT);
"""
# A row of `reruns` stands beside that of a submission for which a notebook is run again: the version as it was, and the
# kind of error that it ended with.
# Team kinds: 'user' (scores come from submissions), 'rival' and 'baseline' (scores are stored).

_FIRST_NUMBER = 1000
"""Ids start above the small numbers, so that an id is not taken for a count or a version by mistake."""


@dataclass(frozen=True)
class User:
    """An account: `key` goes with Basic authentication, `token` with bearer."""

    id: int
    name: str
    key: str = field(repr=False)
    token: str = field(repr=False)


class Store:
    """State under `folder`: `emulator.db`, and files in `blobs/`, `files/` and `sessions/`.

    One connection serves all threads under one lock: statements take microseconds, and a lock queues 200 clients
    fairly where SQLite's own would make them poll. A second process (`kit emulator accept`) waits for SQLite's lock.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("blobs", "files", "sessions"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(folder / "emulator.db", timeout=30, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)
        with self.change():
            if self.one("SELECT last FROM numbers") is None:
                self.run("INSERT INTO numbers VALUES (?)", _FIRST_NUMBER)
            if self.get("server", "secret") is None:
                self.put("server", "secret", {"hex": secrets.token_hex(32)})
        (folder / "emulator.db").chmod(0o600)
        self.secret = bytes.fromhex(self.document("server", "secret")["hex"])

    def close(self) -> None:
        """Close the database; the state stays on disk."""
        with self._lock:
            self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """A transaction: what is read and written in the block happens at once, or not at all."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    def run(self, sql: str, *values: Any) -> int:
        """Execute a statement; the rowid of an INSERT."""
        with self._lock:
            return int(self._db.execute(sql, values).lastrowid or 0)

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """The rows of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query."""
        with self._lock:
            row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return row

    def number(self) -> int:
        """A number that was never given before, for ids."""
        return self.run("INSERT INTO numbers VALUES (NULL)")

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """The document of that kind and key."""
        row = self.one("SELECT body FROM documents WHERE kind = ? AND key = ?", kind, key)
        return None if row is None else json.loads(row["body"])

    def document(self, kind: str, key: str) -> dict[str, Any]:
        """The document of that kind and key, which must be there: KeyError where it is not."""
        body = self.get(kind, key)
        if body is None:
            raise KeyError(f"{kind} {key}")
        return body

    def put(self, kind: str, key: str, body: dict[str, Any]) -> None:
        """Write a document, over an earlier one."""
        self.run("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", kind, key, json.dumps(body))

    def drop(self, kind: str, key: str) -> None:
        """Forget a document."""
        self.run("DELETE FROM documents WHERE kind = ? AND key = ?", kind, key)

    def documents(self, kind: str) -> list[dict[str, Any]]:
        """All documents of a kind, in order of keys."""
        return [
            json.loads(row["body"]) for row in self.all("SELECT body FROM documents WHERE kind = ? ORDER BY key", kind)
        ]

    def user(self, name: str) -> User:
        """The account called `name`, made with a fresh key and token where there is none."""
        with self.change():
            row = self.one("SELECT * FROM users WHERE name = ?", name)
            if row is None:
                key, token = secrets.token_hex(16), f"KGAT_{secrets.token_hex(16)}"
                self.run("INSERT INTO users (name, key, token) VALUES (?, ?, ?)", name, key, token)
                row = self.one("SELECT * FROM users WHERE name = ?", name)
            assert row is not None
            return User(**dict(row))

    def by_token(self, token: str) -> User | None:
        """The account whose token that is."""
        row = self.one("SELECT * FROM users WHERE token = ?", token)
        return None if row is None else User(**dict(row))

    def by_key(self, name: str, key: str) -> User | None:
        """The account of that name, when the key (or the token in its place) is right."""
        row = self.one("SELECT * FROM users WHERE name = ?", name)
        if row is None or not any(secrets.compare_digest(key.encode(), row[at].encode()) for at in ("key", "token")):
            return None
        return User(**dict(row))

    def users(self) -> list[str]:
        """The names of all accounts, in alphabetical order."""
        return [row["name"] for row in self.all("SELECT name FROM users ORDER BY name")]

    def accept(self, slug: str, user: str, at: str) -> None:
        """Note that a user accepts a competition's rules."""
        self.run("INSERT OR IGNORE INTO accepted VALUES (?, ?, ?)", slug, user, at)

    def has_accepted(self, slug: str, user: str) -> bool:
        """Whether a user accepted a competition's rules."""
        return self.one("SELECT 1 FROM accepted WHERE slug = ? AND user = ?", slug, user) is not None

    def blob(self, token: str) -> Path:
        """Where the bytes of an upload are, or will be."""
        return self.folder / "blobs" / token

    def keep(self, token: str, to: Path) -> None:
        """Give the bytes of an upload a name: a hard link where the file system can, since blobs never change."""
        to.parent.mkdir(parents=True, exist_ok=True)
        to.unlink(missing_ok=True)
        try:
            to.hardlink_to(self.blob(token))
        except OSError:
            shutil.copyfile(self.blob(token), to)
