"""The web pages: a front page of competitions, and for each its data, its rules to accept and its leaderboard.

Plain HTML that needs no script. All that it shows is escaped by the templates, and the browser is told to load nothing
but the style sheet and to let no other page frame it.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import math
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit import places
from kit.emulator import clock, standings, submissions, wire
from kit.emulator.hosting import Hosted
from kit.emulator.site import Site

if TYPE_CHECKING:
    import jinja2

PLACES = 100
"""Rows of a leaderboard on one page."""

FILES = 50
"""Files of a competition that its page lists."""

SENT = 10
"""Submissions of a user that a page lists, the newest first."""

_HERE = Path(__file__).parent
_ASSETS = {
    "/style.css": (places.KIT / "page.css", "text/css; charset=utf-8"),
    "/icon.svg": (_HERE / "icon.svg", "image/svg+xml"),
}
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True)
class Page:
    """An answer to a browser."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    type: str = "text/html; charset=utf-8"


def show(site: Site, path: str, query: dict[str, str], user: str) -> Page:
    """The page at a path: `/` lists competitions, `/competitions/<slug>` (and `/rules` below it) shows one."""
    if path in _ASSETS:
        file, kind = _ASSETS[path]
        return Page(200, file.read_text(encoding="utf-8"), {"Cache-Control": "max-age=300"}, kind)
    user = user if user in site.store.users() else ""
    if path == "/":
        return _page(site, "front", "Competitions", path, user, cards=_cards(site, user))
    named = re.fullmatch(r"/(?:c|competitions)/([\w-]+)(?:/rules|/leaderboard|)", path)
    hosted = site.hosted.get(named[1]) if named else None
    if hosted is None:
        return _message(site, 404, "Not found", "There is no such page.", user)
    shown = _competition(site, hosted, user, query.get("page", ""))
    return _page(site, "competition", hosted.title, path, user, **shown)


def act(site: Site, path: str, form: dict[str, str], user: str) -> Page:
    """A form that was sent: choose who you are, or accept a competition's rules."""
    wanted = form.get("user", user)
    if not wire.same(form.get("proof", ""), _proof(site, path)):
        return _message(site, 403, "Refused", "This form was not sent from the emulator's own page.", "")
    known = wanted in site.store.users()
    if path == "/user" and known:
        return _back(form.get("back", "/"), wanted)
    named = re.fullmatch(r"/competitions/([\w-]+)/rules", path)
    if named and named[1] in site.hosted and known:
        site.store.accept(named[1], wanted, site.now)
        return _back(f"/competitions/{named[1]}", wanted)
    return _message(site, 404, "Not found", "There is no such form, or no such user.", "")


def _cards(site: Site, user: str) -> list[dict[str, Any]]:
    return [
        {
            "hosted": hosted,
            "over": site.over(hosted),
            "accepted": bool(user) and site.store.has_accepted(hosted.slug, user),
            "teams": standings.count(site.store, hosted),
            "deadline": _date(hosted.deadline),
        }
        for hosted in site.hosted.values()
    ]


def _competition(site: Site, hosted: Hosted, user: str, asked: str) -> dict[str, Any]:
    over = site.over(hosted)
    places = standings.board(site.store, hosted, private=over, now=site.now)
    ranked = [place for place in places if place.rank]
    pages = max(math.ceil(len(places) / PLACES), 1)
    page = min(max(int(asked), 1), pages) if re.fullmatch(r"\d{1,6}", asked, re.ASCII) else 1
    public = hosted.public_files
    return {
        "hosted": hosted,
        "over": over,
        "accepted": bool(user) and site.store.has_accepted(hosted.slug, user),
        "rules": f"/competitions/{hosted.slug}/rules",
        "deadline": _date(hosted.deadline),
        "longest": _span(hosted.code.seconds) if hosted.code else "",
        "left": _left(clock.moment(hosted.deadline) - site.clock.now()),
        "teams": standings.count(site.store, hosted),
        "sample": _beginning(hosted.files / hosted.form.sample),
        "files": [(name, path.stat().st_size) for name, path in public[:FILES]],
        "more": max(len(public) - FILES, 0),
        "share": f"{hosted.answers.public.mean():.0%}",
        "mine": next((place for place in ranked if place.name == user), None),
        "ranked": len(ranked),
        "places": places[(page - 1) * PLACES : page * PLACES],
        "page": page,
        "pages": pages,
        "sent": submissions.lately(site, hosted, user, SENT) if user else [],
    }


def _beginning(path: Path, lines: int = 4, most: int = 200) -> str:
    """The first lines of a text file, each cut at `most` characters; empty where there is no such file."""
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        texts = [file.readline(10_000).rstrip("\n") for _ in range(lines)]
    return "\n".join(text if len(text) <= most else f"{text[:most]}..." for text in texts if text)


def _span(seconds: float) -> str:
    """A span of time in words: `9 hours`, `90 seconds`."""
    for unit, of in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * of or seconds == of:
            return f"{seconds / of:g} {unit}{'' if seconds == of else 's'}"
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def _date(moment: str) -> str:
    at = clock.moment(moment)
    return f"{at.day} {at:%b %Y}"


def _left(span: timedelta) -> str:
    """How far off a deadline is, in words; empty where it is years away."""
    if span < timedelta():
        return "it has passed"
    if span < timedelta(days=2):
        return f"in {span / timedelta(hours=1):.0f} hours"
    return f"in {span.days} days" if span < timedelta(days=400) else ""


def _proof(site: Site, action: str) -> str:
    """What only this server's own forms hold: another site's page cannot accept rules in the user's name."""
    return hmac.new(site.store.secret, f"form {action}".encode(), hashlib.sha256).hexdigest()


def _back(path: str, user: str) -> Page:
    path = path if re.fullmatch(r"/[\w/-]*", path, re.ASCII) and not path.startswith("//") else "/"
    return Page(303, "", {"Location": path, "Set-Cookie": f"user={user}; Path=/; SameSite=Strict; HttpOnly"})


@functools.cache
def _templates() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _message(site: Site, status: int, title: str, message: str, user: str) -> Page:
    return _page(site, "message", title, "/", user, status, message=message)


def _page(site: Site, template: str, title: str, path: str, user: str, status: int = 200, **shown: Any) -> Page:
    html = _templates().get_template(f"{template}.html")
    about = {"title": title, "path": path, "user": user, "users": site.store.users()}
    return Page(status, html.render(proof=functools.partial(_proof, site), **about, **shown), _SAFE)
