"""What every handler is given: the site with its state and rules, and the call that it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kit.emulator import clock, wire
from kit.emulator.clock import Clock
from kit.emulator.grading import Grader
from kit.emulator.hosting import Hosted
from kit.emulator.reruns import Reruns
from kit.emulator.sessions import Sessions
from kit.emulator.store import Store, User
from kit.emulator.wire import Refusal


@dataclass
class Site:
    """A running Kaggle: what it hosts, remembers, grades and runs.

    `private_scores` shows private scores before the deadline too; `new_mounts` puts a notebook's inputs where Kaggle
    does today (`/kaggle/input/competitions/<slug>`), not where it did before (`/kaggle/input/<slug>`).
    """

    store: Store
    hosted: dict[str, Hosted]
    clock: Clock
    grader: Grader
    sessions: Sessions
    reruns: Reruns
    private_scores: bool = False
    new_mounts: bool = True

    @property
    def now(self) -> str:
        """The present moment as Kaggle writes it."""
        return clock.text(self.clock.now())

    def over(self, hosted: Hosted) -> bool:
        """Whether a competition's deadline has passed."""
        return self.now > clock.text(clock.moment(hosted.deadline))


@dataclass
class Call:
    """A call of a method: who calls, with what, and where the server is reached by that caller.

    `body` holds the known fields only, each of its kind and within its bounds (`fields.read`).
    """

    site: Site
    user: User
    body: dict[str, Any]
    base: str

    @property
    def store(self) -> Store:
        """The site's memory."""
        return self.site.store

    @property
    def now(self) -> str:
        """The present moment as Kaggle writes it."""
        return self.site.now

    def text(self, key: str) -> str:
        """A text of the request; empty where it is not given."""
        return str(self.body.get(key, ""))

    def number(self, key: str) -> int:
        """A number of the request; 0 where it is not given."""
        return int(self.body.get(key, 0))

    def flag(self, key: str, default: bool = False) -> bool:
        """A flag of the request."""
        return bool(self.body.get(key, default))

    def texts(self, key: str) -> list[str]:
        """A list of texts of the request; empty where it is not given."""
        return list(self.body.get(key, ()))

    def inner(self, key: str) -> Call:
        """The call with an object of the request in place of the request; an empty one where it is not given."""
        return replace(self, body=self.body.get(key, {}))

    def link(self, folder: Path, name: str) -> str:
        """The address below this server from which the file `name` of `folder` can be fetched without credentials."""
        return wire.link(self.store.secret, folder, name)

    def competition(self, *, entered: bool = False) -> Hosted:
        """The competition that the request names; `entered` asks that the caller accepted its rules.

        An unknown slug is a 403, as Kaggle answers (kaggle-cli#488, #530).
        """
        hosted = self.site.hosted.get(self.text("competitionName"))
        if hosted is None:
            raise Refusal(403, "Permission 'competitions.get' was denied")
        if entered and not self.store.has_accepted(hosted.slug, self.user.name):
            raise Refusal(403, "You must accept this competition's rules before you'll be able to download files.")
        return hosted
