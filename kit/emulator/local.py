"""A Kaggle of one's own: put together, started, and pointed at."""

from __future__ import annotations

import json
import os
import re
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kit import places
from kit.emulator import described, hidden, hosting
from kit.emulator.clock import Clock
from kit.emulator.faults import Fault, Faults
from kit.emulator.grading import Grader
from kit.emulator.hosting import Hosted
from kit.emulator.reruns import Reruns
from kit.emulator.server import Seen, Server
from kit.emulator.sessions import Mode, Sessions
from kit.emulator.site import Site
from kit.emulator.store import Store, User
from kit.errors import KitError
from kit.sandbox import environments, images, walls
from kit.sandbox.limits import Limits

_NOTE = "server.json"


@dataclass(frozen=True)
class Emulator:
    """A running emulator: `env` points a client at it, the rest is for those who look inside.

    `home` is an empty folder that stands for the user's own, so that no real credentials are found.
    """

    server: Server
    user: User
    home: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.server.url

    @property
    def site(self) -> Site:
        """Its state: `store`, `hosted`, `grader`, `sessions`."""
        return self.server.site

    @property
    def store(self) -> Store:
        """Its memory."""
        return self.site.store

    @property
    def clock(self) -> Clock:
        """Its time."""
        return self.site.clock

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self.server.faults

    @property
    def seen(self) -> list[Seen]:
        """The requests that it answered, oldest first."""
        return list(self.server.seen)

    def steps(self, name: str) -> int:
        """How many requests of that step it answered, those whose answer was lost among them."""
        return sum(seen.step == name for seen in self.server.seen)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a client in a process of its own: to be laid over `os.environ`."""
        return variables(self.url, self.user) | {
            "HOME": str(self.home),
            "KAGGLE_CONFIG_DIR": str(self.home / ".kaggle"),
        }

    def env_of(self, name: str) -> dict[str, str]:
        """The environment of another user's client."""
        return self.env | variables(self.url, account(self.store, name))

    def accept(self, slug: str, user: str = "") -> None:
        """Accept a competition's rules, as a user does on the web page."""
        self.store.accept(slug, user or self.user.name, self.site.now)

    def settle(self) -> None:
        """Wait until nothing is pending and no notebook runs, nor runs again."""
        self.site.sessions.settle()
        self.site.reruns.settle()
        self.site.grader.settle()


def variables(url: str, user: User) -> dict[str, str]:
    """The variables that point any client of Kaggle's at `url`.

    The client knows `http://localhost/api` only, so the emulator stands in as the proxy to it. `no_proxy` is emptied
    because CI images often list localhost there; `https_proxy` catches a client that would leave for kaggle.com.
    Source: seen with kaggle 2.2.3 to 2.2.5.
    """
    return {
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        **{name: url for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY")},
        "no_proxy": "",
        "NO_PROXY": "",
        "KAGGLE_API_TOKEN": user.token,
        "KAGGLE_USERNAME": user.name,
        "KAGGLE_KEY": user.key,
    }


def account(store: Store, name: str) -> User:
    """The account of that name, made where there is none.

    Raises KitError for a name that is none.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]", name):
        raise KitError(
            f"{name!r} is no user name.", "It has 3 to 50 of a-z, 0-9 and hyphens.", "kit emulator serve --user me"
        )
    return store.user(name)


def address(state: Path) -> str:
    """The address of the server that runs on the state folder `state`.

    Raises KitError when none runs.
    """
    try:
        url = str(json.loads((state / _NOTE).read_text())["url"])
        port = urlsplit(url).port
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return url
    except (OSError, ValueError, KeyError):
        raise KitError(
            f"No emulator runs on {state}.", "It must run while clients talk to it.", "kit emulator serve &"
        ) from None


@contextmanager
def announced(state: Path, emulator: Emulator) -> Iterator[None]:
    """Let `address` find this server until the block ends."""
    with places.whole(state / _NOTE) as part:
        part.write_text(json.dumps({"url": emulator.url, "pid": os.getpid()}))
    try:
        yield
    finally:
        (state / _NOTE).unlink(missing_ok=True)


@contextmanager
def opened(
    state: Path,
    hosted: Sequence[Hosted],
    *,
    user: str = "kit",
    port: int = 0,
    faults: Sequence[Fault] = (),
    clock: Clock | None = None,
    grading_seconds: float = 0.0,
    kernels: Mode = "off",
    limits: Limits | None = None,
    image: bool = False,
    private_scores: bool = False,
    new_mounts: bool = True,
    flat_errors: bool = False,
    code: Sequence[str] = (),
) -> Iterator[Emulator]:
    """A server on a free port of 127.0.0.1 (or `port`), with its state in the folder `state`; it serves until the
    block ends.

    `code` names competitions that are hosted as code competitions, with few of their test rows shown. `limits` are
    those of each notebook that is run; with `image` by the packages of Kaggle's image for its machine.
    Raises KitError when the port is taken, when `kernels` are to be run in a sandbox that this machine cannot make, and
    when it cannot make environments of images.
    """
    if unknown := [slug for slug in code if slug not in {one.slug for one in hosted}]:
        raise KitError(
            f"{unknown[0]} is not hosted.",
            f"It must be one of: {', '.join(one.slug for one in hosted)}.",
            "kit emulator serve --code " + next(one.slug for one in hosted),
        )
    if image and (why := environments.lacking(images.known("cpu"))):
        raise why
    if kernels == "sandbox" and not walls.available():
        raise KitError(
            "This machine cannot make a sandbox: it has no namespaces that this user may make.",
            "Pushed code would run with your own rights, and see your files and the network.",
            "kit emulator serve --unsafe-kernels  # if you trust what you push",
        )
    with tempfile.TemporaryDirectory(prefix="kit-emulator-home-") as home:
        store = Store(state)
        try:
            owner = account(store, user)
            slugs = {one.slug: hidden.laid_out(one, state / "faces", as_code=one.slug in code) for one in hosted}
            grader, sessions = Grader(store, slugs, grading_seconds), Sessions(store, kernels, limits, image=image)
            reruns = Reruns(store, slugs, sessions, grader)
            site = Site(store, slugs, clock or Clock(), grader, sessions, reruns, private_scores, new_mounts)
            try:
                server = Server(site, port, Faults(list(faults)), flat_errors=flat_errors)
            except OSError as error:
                raise KitError(
                    f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}.",
                    "With --port 0 a free one is taken.",
                    "kit emulator serve --port 0",
                ) from None
            with server.serving():
                yield Emulator(server, owner, Path(home))
            sessions.stop()
            reruns.stop()
            grader.stop()
        finally:
            store.close()


@contextmanager
def running(
    competitions: Path | None = None,
    *,
    state: Path | None = None,
    sample: bool = False,
    user: str = "tester",
    accepted: bool = True,
    **options: Any,
) -> Iterator[Emulator]:
    """An emulator for a test: on a port of its own, forgotten at the end unless `state` names a folder.

    It hosts what is below the folder `competitions`, and without one what the catalog has prepared, `sample` data or
    real. `accepted` spares the user the rules. Other options as in `opened`.
    """
    hosted = described.user_made(competitions) if competitions else hosting.catalogued(sample=sample)
    with (
        tempfile.TemporaryDirectory(prefix="kit-emulator-") as folder,
        opened(state or Path(folder), hosted, user=user, **options) as emulator,
    ):
        if accepted:
            for one in hosted:
                emulator.accept(one.slug)
        yield emulator
