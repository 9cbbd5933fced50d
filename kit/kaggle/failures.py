"""What an exception of the client means: a status, the server's own words, whether it may act all the same."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from typing import Any

_GATEWAY = (408, 502, 504)
"""What a gateway answers when it no longer waits for the server behind it, which may go on all the same."""


@dataclass(frozen=True)
class Failure:
    """What came instead of an answer. `wait` is the Retry-After in seconds; `late` and `cut` as in client.Refusal."""

    status: int
    reason: str
    wait: float | None = None
    late: bool = False
    cut: bool = False
    hint: str = ""

    @property
    def passing(self) -> bool:
        """Whether another attempt may fare better."""
        return self.status in (0, 408, 429) or self.status >= 500


def read(error: Exception) -> Failure:
    """What an exception of the client means; exceptions that are no refusal are raised again."""
    import requests
    import urllib3

    response = getattr(error, "response", None)
    if isinstance(error, requests.HTTPError) and response is not None:
        status = response.status_code
        return Failure(status, _reason(response), _retry_after(response), late=status in _GATEWAY)
    if isinstance(error, requests.exceptions.SSLError):
        return Failure(-1, str(error), hint="The certificate is not trusted: is a proxy in between?")
    if isinstance(error, requests.exceptions.ProxyError) and "tunnel" in str(error).lower():
        return Failure(-1, "the proxy does not let it through")
    if isinstance(error, (requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError)):
        return Failure(0, "no answer in time", late=not isinstance(error, requests.exceptions.ConnectTimeout))
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return Failure(502, "the answer is damaged", cut=True)
    if isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError)):
        why, left = _short(error)
        return Failure(0, why, cut=left)
    if isinstance(error, ValueError):  # the client's own check of its arguments
        return Failure(400, str(error))
    raise error


def _reason(response: Any) -> str:
    """The server's own words: at the top of the body or, as production sends them, one level below."""
    try:
        body = response.json()
    except ValueError:
        return "" if "<" in response.text[:200] else " ".join(response.text.split())[:300]
    if not isinstance(body, dict):
        return ""
    inner = body.get("error", body)
    said = inner.get("message") if isinstance(inner, dict) else inner
    return " ".join(str(said or body.get("message") or "").split())[:500]


def _retry_after(response: Any) -> float | None:
    """Seconds to wait: the header holds seconds, or the date of the end (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _short(error: Exception) -> tuple[str, bool]:
    """What became of a connection in a few words, and whether the request had left, so that it may yet be acted on."""
    text = str(error).lower()
    for sign, words, left in (
        ("refused", "connection refused", False),
        ("resolve", "the name cannot be resolved", False),
        ("unreachable", "the network is unreachable", False),
        ("remotedisconnected", "the connection was cut", True),
        ("reset", "the connection was cut", True),
        ("incomplete", "the answer was cut off", True),
        ("broken", "the answer was cut off", True),
    ):
        if sign in text:
            return words, left
    return type(error).__name__, True
