"""The web page: competitions, rules to accept, leaderboards. Plain HTML that needs no script."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from html import escape

from kit.emulator import standings
from kit.emulator.hosting import Hosted
from kit.emulator.site import Site

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; }
.me { font-weight: bold; } .host { opacity: .7; } button, select { font: inherit; padding: .2rem .6rem; }
"""


@dataclass(frozen=True)
class Page:
    """An answer to a browser."""

    status: int
    html: str
    headers: dict[str, str] = field(default_factory=dict)


def show(site: Site, path: str, query: dict[str, str], user: str) -> Page:
    """The page at a path: `/` lists competitions, `/competitions/<slug>` (and `/rules` below it) shows one."""
    if path == "/":
        return _page("Competitions", _list(site, user))
    found = re.fullmatch(r"/(?:c|competitions)/([\w-]+)(/rules|/leaderboard|)", path)
    hosted = site.hosted.get(found[1]) if found else None
    if hosted is None:
        return _page("Not found", "<p>There is no such page.</p>", 404)
    return _page(hosted.title, _competition(site, hosted, user))


def act(site: Site, path: str, form: dict[str, str], user: str) -> Page:
    """A form that was sent: choose who you are, or accept a competition's rules."""
    wanted = form.get("user", user)
    if not hmac.compare_digest(form.get("proof", ""), _proof(site, path)):
        return _page("Refused", "<p>This form was not sent from the emulator's own page.</p>", 403)
    if path == "/user" and wanted in site.store.users():
        return _back(form.get("back", "/"), wanted)
    found = re.fullmatch(r"/competitions/([\w-]+)/rules", path)
    if found and found[1] in site.hosted and wanted in site.store.users():
        site.store.accept(found[1], wanted, site.now)
        return _back(f"/competitions/{found[1]}", wanted)
    return _page("Not found", "<p>There is no such form.</p>", 404)


def _list(site: Site, user: str) -> str:
    rows = []
    for hosted in site.hosted.values():
        entered = "rules accepted" if user and site.store.has_accepted(hosted.slug, user) else ""
        rows.append(
            f'<tr><td><a href="/competitions/{hosted.slug}">{escape(hosted.title)}</a></td>'
            f"<td>{escape(hosted.category)}</td><td>{escape(hosted.metric.name)}</td><td>{entered}</td></tr>"
        )
    table = "<tr><th>Competition<th>Category<th>Metric<th></tr>" + "".join(rows)
    return _who(site, user, "/") + f"<table>{table}</table>"


def _competition(site: Site, hosted: Hosted, user: str) -> str:
    over = site.over(hosted)
    facts = (
        f"<p>{escape(hosted.description)}</p><p>Scored by {escape(hosted.metric.name)}; at most {hosted.daily} "
        f"submissions a day; deadline {hosted.deadline[:10]}{' (over)' if over else ''}.</p>"
    )
    rules = f"<h2>Rules</h2><p>{escape(hosted.rules)}</p>"
    if user and site.store.has_accepted(hosted.slug, user):
        rules += f"<p>{escape(user)} has accepted the rules.</p>"
    else:
        action = f"/competitions/{hosted.slug}/rules"
        rules += (
            f'<form method="post" action="{action}">{_hidden(site, action)}'
            f"<label>User {_choice(site, user)}</label> <button>I understand and accept</button></form>"
        )
    rows = []
    for place in standings.board(site.store, hosted, private=over, now=site.now):
        mark = "host" if place.rank == 0 else "me" if place.name == user else ""
        rows.append(
            f'<tr class="{mark}"><td>{place.rank or ""}</td><td>{escape(place.name)}</td><td>{place.score}</td>'
            f"<td>{place.count}</td><td>{place.at[:16].replace('T', ' ')}</td></tr>"
        )
    table = "<tr><th>#<th>Team<th>Score<th>Entries<th>Last (UTC)</tr>" + "".join(rows)
    title = "Private" if over else "Public"
    return f'<p><a href="/">All competitions</a></p>{facts}{rules}<h2>{title} leaderboard</h2><table>{table}</table>'


def _who(site: Site, user: str, back: str) -> str:
    return (
        f'<form method="post" action="/user">{_hidden(site, "/user")}'
        f'<input type="hidden" name="back" value="{escape(back)}">'
        f"<label>You are {_choice(site, user)}</label> <button>Choose</button></form>"
    )


def _choice(site: Site, user: str) -> str:
    options = "".join(
        f"<option{' selected' if name == user else ''}>{escape(name)}</option>" for name in site.store.users()
    )
    return f'<select name="user">{options}</select>'


def _hidden(site: Site, action: str) -> str:
    return f'<input type="hidden" name="proof" value="{_proof(site, action)}">'


def _proof(site: Site, action: str) -> str:
    """What only this server's own forms hold: another site's page cannot accept rules in the user's name."""
    return hmac.new(site.store.secret, f"form {action}".encode(), hashlib.sha256).hexdigest()


def _back(path: str, user: str) -> Page:
    path = path if re.fullmatch(r"/[\w/-]*", path) and not path.startswith("//") else "/"
    return Page(303, "", {"Location": path, "Set-Cookie": f"user={user}; Path=/; SameSite=Strict; HttpOnly"})


def _page(title: str, body: str, status: int = 200) -> Page:
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{body}"
        "<p><small>The emulator of kaggle-kit. Nothing here is on kaggle.com.</small></p></html>"
    )
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"}
    return Page(status, html, headers)
