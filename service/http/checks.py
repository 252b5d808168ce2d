"""What a request must pass before any view: the right host, the right site, a bounded body."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from service.errors import BadHost, CrossSite, Malformed, NotFound, SlowBody
from service.hosts import is_allowed, same_origin
from service.http.requests import SAFE_METHODS
from service.sessions import TokenRequest
from service.settings import Settings

from .handshakes import SCHEMES
from .origins import is_trusted
from .requests import BoundedRequest

PROBED = frozenset({"/livez", "/readyz", "/metrics"})
"""What orchestrators and scrapers ask for by a pod's address. No link is made there, and no cookie
read or set, so any host will do."""


async def check_request(received: BoundedRequest, settings: Settings) -> None:
    """Check the request in the contract's order (http-api, "Order of checks").

    The body is received here, for views that read it and for those that don't, so that one too
    large is refused by all of them, and none is answered before its end.
    """
    if received.path not in PROBED:
        _check_host(received, settings)
    if received.method not in SAFE_METHODS:
        _check_site(received, settings)
    if received.may_have_body:
        try:
            async with asyncio.timeout(settings.body_timeout):
                await received.body
        except TimeoutError:
            raise SlowBody from None
    # It is all here. Quart would wait for it again with `asyncio.wait_for`, which makes a task in
    # Python 3.11, and takes no notice there of a client that leaves at that moment.
    received.body_timeout = None
    if "\x00" in received.path:
        raise Malformed("NUL characters are not accepted.")


def refuse_handshake(received: TokenRequest, settings: Settings) -> NoReturn:
    """Refuse a WebSocket, to another site as what it is: browsers let any page ask for one."""
    _check_host(received, settings)
    _check_site(received, settings)
    raise NotFound


def check_websocket(received: TokenRequest, settings: Settings) -> None:
    """Check a WebSocket of an application that has some; raises as a request's checks do."""
    _check_host(received, settings)
    _check_site(received, settings)


def _check_host(received: TokenRequest, settings: Settings) -> None:
    if not is_allowed(received.headers.get("Host", ""), settings.allowed_hosts):
        raise BadHost


def _check_site(received: TokenRequest, settings: Settings) -> None:
    """Refuse what a browser sends for another site, unless that one is trusted.

    As Go's ``CrossOriginProtection``: ``Sec-Fetch-Site`` decides; without it, ``Origin``
    against the host; without either it isn't a browser. No browser sends a token on
    its own.
    """
    if received.bearer_token is not None or received.cart_token is not None:
        return
    site = received.headers.get("Sec-Fetch-Site")
    origin = received.headers.get("Origin")
    if origin is not None and is_trusted(origin, received.path, settings):
        return
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise CrossSite
    elif origin is not None and not same_origin(
        origin, SCHEMES.get(received.scheme, received.scheme), received.headers.get("Host", "")
    ):
        raise CrossSite
