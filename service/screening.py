"""What a request must pass before any view: the right host, the right site, a bounded body."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from quart import request

from .auth import SAFE_METHODS
from .errors import BadHost, CrossSite, Malformed, SlowBody
from .sessions import bearer_token

if TYPE_CHECKING:
    from .bodies import BoundedRequest
    from .settings import Settings

AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?")
"""A host and perhaps a port, and nothing more: what goes into links must not smuggle a path, a
user or a second host (RFC 9112, 3.2)."""


async def screen(settings: Settings) -> None:
    """Check the request in the contract's order (http-api, "Order of checks").

    The body is received here, for views that read it and for those that don't, so that one too
    large is refused by all of them, and none is answered before its end.
    """
    check_host(request.headers.get("Host", ""), settings.allowed_hosts)
    _check_site()
    received = cast("BoundedRequest", request)
    if received.may_have_body:
        try:
            await asyncio.wait_for(received.body, settings.body_timeout)
        except TimeoutError:
            raise SlowBody from None
    if "\x00" in request.path:
        raise Malformed("NUL characters are not accepted.")


def check_host(authority: str, allowed: tuple[str, ...]) -> None:
    """Raise `BadHost` for a ``Host`` that is not among the allowed ones; the port is free."""
    form = AUTHORITY.fullmatch(authority)
    host = form["host"].lower() if form else ""
    for pattern in allowed:
        name = pattern.lower()
        if host == name or (name.startswith("*.") and host.endswith(name[1:])):
            return
    raise BadHost


def _check_site() -> None:
    """Refuse unsafe requests that a browser sends for another site.

    As Go's ``CrossOriginProtection``: ``Sec-Fetch-Site`` decides; without it, ``Origin``
    against the host; without either it isn't a browser. No browser sends a bearer token on
    its own.
    """
    if request.method in SAFE_METHODS or bearer_token(request.headers) is not None:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise CrossSite
    elif origin is not None and _host_of(origin) != request.headers.get("Host", "").lower():
        raise CrossSite


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
