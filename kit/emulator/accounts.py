"""Who calls: tokens looked up for the client. One function for each method of the service that it uses."""

from __future__ import annotations

from typing import Any

from kit.emulator.site import Call
from kit.emulator.wire import Refusal


def introspect_token(call: Call) -> dict[str, Any]:
    """Whose token that is; the client asks before its first call, without credentials."""
    user = call.store.by_token(call.text("token"))
    if user is None:
        return {"active": False}
    return {"active": True, "username": user.name, "userId": user.id, "scope": "resources.admin:*"}


def hello(call: Call) -> dict[str, Any]:
    """Who calls: `kagglehub.whoami` and `kagglehub.login` ask for it. Source: kagglehub 1.0.3, `auth.py`."""
    return {"userName": call.user.name}


def generate_access_token(call: Call) -> dict[str, Any]:
    """An access token for a refresh token; here both are one."""
    user = call.store.by_token(call.text("refreshToken"))
    if user is None:
        raise Refusal(401, "Unauthenticated")
    return {"token": user.token, "expiresIn": 12 * 3600, "userName": user.name, "userId": user.id}
