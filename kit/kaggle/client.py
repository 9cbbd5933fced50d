"""The only importer of `kaggle`: lazy, silent, with timeouts, and with every refusal as one clear error."""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import os
import sys
import time
import typing
import urllib.request
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kit import places
from kit.errors import KitError
from kit.kaggle import credentials, failures
from kit.kaggle.failures import Failure

TIMEOUT = (10.0, 60.0)
"""Seconds to wait for a connection, and for the next bytes of an answer. The client itself waits for ever."""

ATTEMPTS = 5
"""How often a call is tried that may be repeated."""

FIRST_WAIT = 0.5
"""Seconds before the second attempt; each later wait is twice as long."""

LONGEST_WAIT = 60.0
"""Seconds of a Retry-After that are waited; a longer one is told to the user."""

SERVICES = {
    "competitions": "competition_api_client",
    "datasets": "dataset_api_client",
    "blobs": "blob_api_client",
    "kernels": "kernels_api_client",
}
"""Services of kagglesdk, and what their client is called there."""

_RULES = ("rule", "accept")

_TIMEOUTS: ContextVar[bool] = ContextVar("timeouts", default=False)


class Refusal(KitError):
    """The server said no, or nothing.

    `status` is its HTTP status, 0 where no answer arrived; `reason` its own words. `late` says that its answer was
    waited for in vain, so that it may act at any time; `cut` that the connection was lost after the request had left,
    so that it may be acting now.
    """

    def __init__(
        self,
        wrong: str,
        right: str = "",
        cure: str = "",
        *,
        status: int,
        reason: str,
        late: bool = False,
        cut: bool = False,
    ) -> None:
        super().__init__(*(credentials.redact(text) for text in (wrong, right, cure)))
        self.status, self.reason, self.late, self.cut = status, credentials.redact(reason), late, cut

    @property
    def unknown(self) -> bool:
        """Whether the server may have acted on the request all the same."""
        return self.status == 0 or self.status >= 500


@dataclass(frozen=True)
class Client:
    """A connection to Kaggle, or to an emulator. `api` is the official client's KaggleApi, authenticated; `source`
    says which credential won."""

    api: Any
    user: str
    source: str

    def call(
        self, what: str, function: Callable, /, *args: Any, safe: bool, slug: str | None = None, **kwargs: Any
    ) -> Any:
        """What one call of the API returns; nothing is printed.

        `what` says in an error what was tried, as in "Listing the files"; `safe` that the call may be repeated when
        its answer was lost; `slug` is the competition that it names. Raises Refusal, a KitError.
        """
        return _attempted(
            functools.partial(function, *args, **kwargs),
            safe=safe,
            explain=lambda failure: self._explain(what, failure, slug),
        )

    def ask(
        self,
        what: str,
        method: str,
        /,
        *,
        safe: bool,
        then: Any = None,
        **fields: Any,
    ) -> Any:
        """What a method of the API answers, as an object of kagglesdk.

        `method` is `service.method`, such as `competitions.get_submission_limits`; `fields` are those of its request,
        inner objects as dicts in the wire's own names, and enumerations by name. A method that answers with a file
        gives a requests.Response whose body is not read yet. `then` takes the answer, and what it returns is returned,
        so that a body that breaks off is asked for again. Raises Refusal, which knows of rules and near matches where
        the request has a `competition_name`.
        """
        service, _, name = method.partition(".")

        def asked() -> Any:
            with self.api.build_kaggle_client() as kaggle:
                function = getattr(getattr(getattr(kaggle, service), SERVICES[service]), name)
                kind = typing.get_type_hints(function)["request"]
                request = kind.from_dict({_camel(field): value for field, value in fields.items()})
                answer = function(request)
                return then(answer) if then else answer

        return self.call(what, asked, safe=safe, slug=fields.get("competition_name"))

    def _explain(self, what: str, failure: Failure, slug: str | None) -> Refusal:
        if failure.status == 401:
            return _refused(
                failure,
                f"{what}: {place()} does not accept the credentials from {self.source} (401).",
                _shadowed("They may be revoked or expired."),
                "https://www.kaggle.com/settings  # create a new token",
            )
        if failure.status in (403, 404) and slug:
            return self._denied(what, failure, slug)
        if failure.status == 403:
            return _refused(failure, f"{what}: {place()} denies it (403). {failure.reason}".strip())
        return _general(what, failure)

    def _denied(self, what: str, failure: Failure, slug: str) -> Refusal:
        """A competition was refused: its rules are not accepted, or there is none of that name."""
        page = f"{site()}/competitions/{slug}/rules"
        rules = _refused(
            failure,
            f"{what}: the rules of {slug} are not accepted ({failure.status}). {failure.reason}".strip(),
            "They can be accepted on its page only, signed in as the same user.",
            page,
        )
        if any(word in failure.reason.lower() for word in _RULES):
            return rules
        try:
            known = self._like(slug)
        except KitError:
            return _refused(
                failure,
                f"{what}: {place()} denies {slug} ({failure.status}). {failure.reason}".strip(),
                "Its rules are not accepted, or there is no competition of that name.",
                page,
            )
        if slug in known:
            if not known[slug]:
                return rules
            return _refused(failure, f"{what}: {place()} denies it ({failure.status}). {failure.reason}".strip())
        near = difflib.get_close_matches(slug, known, 3, 0.5)
        return _refused(
            failure,
            f"{what}: {place()} has no competition {slug!r} ({failure.status})."
            + (f" Did you mean {' or '.join(near)}?" if near else ""),
            "A slug is the last part of a competition's address, as in kaggle.com/competitions/titanic.",
            f"kit competitions {slug.split('-')[0]}",
        )

    def _like(self, slug: str) -> dict[str, bool]:
        """Competitions that a search for `slug` or its words finds, and the first hundred of all; whether the user has
        entered each."""
        entered: dict[str, bool] = {}
        words = sorted({slug, *slug.replace("_", "-").split("-")}, key=len, reverse=True)
        for word in (*words[:3], ""):
            answer = self.ask(
                "Searching competitions", "competitions.list_competitions", safe=False, search=word, page_size=100
            )
            for competition in answer.competitions or []:
                entered[competition.ref.rstrip("/").rpartition("/")[2]] = bool(competition.user_has_entered)
            if slug in entered:
                break
        return entered


_clients: dict[tuple, Client] = {}


def connect(*, tries: int | None = None) -> Client:
    """The client for the environment as it is now; made once, and kept while the environment stays.

    `tries` is how often signing in is tried, ATTEMPTS where it is not given. Raises KitError when there are no
    credentials, or they are refused, or the package cannot be imported.
    """
    key = tuple(sorted(item for item in os.environ.items() if item[0].startswith("KAGGLE_") or _routes(item[0])))
    if key not in _clients:
        _clients[key] = _connected(tries or ATTEMPTS)
    return _clients[key]


def emulated() -> bool:
    """Whether the environment points at a server on loopback instead of Kaggle.

    `KAGGLE_API_ENVIRONMENT=LOCALHOST` makes the client call http://localhost; a proxy may lead that elsewhere.
    """
    if os.environ.get("KAGGLE_API_ENVIRONMENT") != "LOCALHOST":
        return False
    proxy = _proxy("http")
    return not proxy or urlsplit(proxy).hostname in ("127.0.0.1", "localhost", "::1")


def server() -> str:
    """`kaggle.com`, or the address of the emulator."""
    if not emulated():
        return "kaggle.com"
    parts = urlsplit(_proxy("http") or "http://localhost")
    return f"http://{parts.netloc.rpartition('@')[2]}"  # a proxy's user and password stay out of files and messages


def site() -> str:
    """The address of the web pages."""
    return server() if emulated() else "https://www.kaggle.com"


def place() -> str:
    """What to call the server in a message."""
    return "the emulator" if emulated() else "Kaggle"


@contextlib.contextmanager
def timed() -> Iterator[None]:
    """Requests in this block that name no timeout get TIMEOUT, those that the client makes among them."""
    _install_timeouts()
    token = _TIMEOUTS.set(True)
    try:
        yield
    finally:
        _TIMEOUTS.reset(token)


def session() -> Any:
    """A requests.Session without credentials, for addresses that carry their own right of access. Use it in `timed`."""
    import requests

    bare = requests.Session()
    bare.headers.update({"User-Agent": "", "Accept-Encoding": "identity"})
    return bare


def failed(what: str, error: Exception) -> Refusal:
    """The Refusal for an exception of a request beside the API; exceptions that are no refusal are raised again."""
    return _general(what, failures.read(error))


def attempted(what: str, function: Callable[[], Any], *, safe: bool) -> Any:
    """What `function` returns; retried, timed and refused as `Client.call` does, for addresses beside the API."""
    return _attempted(function, safe=safe, explain=lambda failure: _general(what, failure))


def _connected(tries: int) -> Client:
    at_hand = credentials.find()
    if not at_hand:
        raise credentials.missing()
    first = at_hand[0]
    # The client looks whether its folder is there and then makes it, so that of two processes that start at once on a
    # fresh machine one would die of "File exists". A folder that cannot be made is left to the client to complain of.
    with contextlib.suppress(OSError):
        credentials.folder().mkdir(parents=True, exist_ok=True)
    with _silent(), timed():
        fresh = "kaggle" not in sys.modules
        try:
            import kaggle
            from kaggle.api.kaggle_api_extended import KaggleApi
        except ImportError as error:
            raise KitError(
                f"The package kaggle cannot be imported: {error}",
                "kaggle 2.2.5 with kagglesdk 0.1.38 and six is known to work.",
                places.install_tested("kaggle", "kagglesdk", "six"),
            ) from None
        except (SystemExit, OSError, ValueError) as error:
            said = credentials.redact(str(error))
            raise KitError(f"The package kaggle does not start: {said}", "", "kit doctor") from None
    # Importing kaggle authenticates its own instance once; a second introspection of the token would be a second call.
    api: Any = kaggle.api if fresh and getattr(kaggle.api, "_authenticated", False) else KaggleApi()
    # What the class read from the environment when it was imported may no longer hold. Without --verbose, which the
    # variable VERBOSE would add, nothing prints requests with their Authorization header.
    api.args = ["--local"] if os.environ.get("KAGGLE_API_ENVIRONMENT") == "LOCALHOST" else []
    api.config_dir = str(credentials.folder())
    api.config = str(credentials.folder() / api.config_file)
    source = f"{first.where} ({first.kind})"

    def explain(failure: Failure) -> Refusal:
        if failure.status in (0, 408, 429) or failure.status >= 500:
            return _general("Signing in", failure)
        return _refused(
            failure,
            f"Signing in: {place()} does not accept the credentials from {source}. {failure.reason}".strip(),
            _shadowed("They may be revoked, expired, or cut short."),
            "https://www.kaggle.com/settings  # create a new token",
        )

    if not getattr(api, "_authenticated", False):
        _attempted(api.authenticate, safe=True, explain=explain, tries=tries)
    # With a bad token the client falls back to a legacy key, and still sends the token with each request.
    if first.kind == "access token" and "LEGACY" in str(api.config_values.get("auth_method", "")):
        raise explain(Failure(401, "It is not active."))
    return Client(api, str(api.config_values.get("username", "")), source)


def _shadowed(right: str) -> str:
    others = list(dict.fromkeys(credential.where for credential in credentials.find()[1:]))
    return f"{right} They hide those from {', '.join(others)}." if others else right


def _attempted(
    function: Callable[[], Any], *, safe: bool, explain: Callable[[Failure], Refusal], tries: int | None = None
) -> Any:
    tries = tries or ATTEMPTS
    for attempt in range(1, tries + 1):
        try:
            with _silent(), timed():
                return function()
        except KitError:
            raise
        except SystemExit:
            failure = Failure(401, "")
        except Exception as error:
            failure = failures.read(error)
        wait = failure.wait if failure.wait is not None else FIRST_WAIT * 2 ** (attempt - 1)
        # 429 says that the server has not acted, so that even a call that must not be repeated may be.
        again = failure.passing and (safe or failure.status == 429)
        if not again or attempt == tries or wait > LONGEST_WAIT:
            break
        if wait > 5:
            print(f"{place().capitalize()} asks to wait {wait:.0f} s.", file=sys.stderr, flush=True)
        time.sleep(wait)
    raise explain(failure) from None


def _general(what: str, failure: Failure) -> Refusal:
    if failure.status == 429:
        wait = f"in {failure.wait:.0f} s" if failure.wait else "in some minutes"
        return _refused(
            failure, f"{what}: {place()} asks for fewer calls (429). {failure.reason}".strip(), f"Try again {wait}."
        )
    if failure.status == 0:
        return _refused(
            failure,
            f"{what}: {place()} cannot be reached: {failure.reason}.",
            _proxies() or "Is the network up?",
            "kit doctor --live",
        )
    if failure.status >= 500:
        return _refused(
            failure,
            f"{what}: {place()} has a problem of its own ({failure.status}). {failure.reason}".strip(),
            "It most likely passes: try again in some minutes.",
        )
    status = f" ({failure.status})" if failure.status > 0 else ""
    hint = failure.hint or (_proxies() if failure.status < 0 else "")
    return _refused(failure, f"{what}: {place()} refuses{status}: {failure.reason or 'no reason given'}", hint)


def _refused(failure: Failure, wrong: str, right: str = "", cure: str = "") -> Refusal:
    status = max(failure.status, 0)
    return Refusal(wrong, right, cure, status=status, reason=failure.reason, late=failure.late, cut=failure.cut)


def _proxies() -> str:
    proxy = _proxy("http" if emulated() else "https")
    return f"The proxy is {proxy.rpartition('@')[2]}." if proxy else ""


def _proxy(scheme: str) -> str:
    proxies = urllib.request.getproxies()
    return proxies.get(scheme) or proxies.get("all") or ""


def _camel(name: str) -> str:
    """`competition_name` as the wire calls it, `competitionName`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _routes(name: str) -> bool:
    return name == "HOME" or name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Standard output is the answer of a verb; what the client prints there, help and warnings, is no part of it."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


@functools.cache
def _install_timeouts() -> None:
    """Give `requests` a default timeout inside `timed`: the client's own sessions cannot be reached otherwise."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    @functools.wraps(send)
    def with_timeout(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _TIMEOUTS.get() and kwargs.get("timeout") is None:
            kwargs["timeout"] = TIMEOUT
        return send(self, *args, **kwargs)

    HTTPAdapter.send = with_timeout  # type: ignore[method-assign]
