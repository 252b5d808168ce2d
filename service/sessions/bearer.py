"""What a request brings instead of a session: a bearer token (RFC 6750)."""

from __future__ import annotations

from quart import g
from werkzeug.datastructures import Headers


def bearer_token(headers: Headers) -> str | None:
    """Return the token of ``Authorization: Bearer``; another scheme isn't ours to judge.

    It is read once for each request, or WebSocket.
    """
    kept: tuple[Headers, str | None] | None = g.get("bearer_token")
    if kept is None or kept[0] is not headers:
        kept = g.bearer_token = (headers, _read(headers))
    return kept[1]


def _read(headers: Headers) -> str | None:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
