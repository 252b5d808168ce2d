"""What a request brings instead of a session: a bearer token (RFC 6750), or a cart's token."""

from __future__ import annotations

from quart import g
from quart.wrappers import BaseRequestWebsocket
from werkzeug.datastructures import Headers

CART_HEADER = "Locker-Cart"
LOGGING_IN = frozenset({"/api/v1/session", "/api/v1/account"})
"""Where a cart's token only names the cart to merge, and the answer may begin a session."""


def bearer_token(headers: Headers) -> str | None:
    """Return the token of ``Authorization: Bearer``; another scheme isn't ours to judge.

    It is read once for each request, or WebSocket.
    """
    kept: tuple[Headers, str | None] | None = g.get("bearer_token")
    if kept is None or kept[0] is not headers:
        kept = g.bearer_token = (headers, _read(headers))
    return kept[1]


def cart_token(received: BaseRequestWebsocket) -> str | None:
    """Return what a request to the API says in ``Locker-Cart``; pages take no notice of it.

    No page of another site can send it without being allowed to: it makes a browser ask first.
    """
    if not received.path.startswith("/api/"):
        return None
    return received.headers.get(CART_HEADER)


def acts_without_session(received: BaseRequestWebsocket) -> bool:
    """Return whether a token speaks for this request, so that the cookies beside it must not."""
    if bearer_token(received.headers) is not None:
        return True
    logs_in = received.method == "POST" and received.path in LOGGING_IN
    return cart_token(received) is not None and not logs_in


def _read(headers: Headers) -> str | None:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
