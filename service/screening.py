"""What a request must pass before any view: the right host, the right site, a bounded body."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from quart import request

from .auth import SAFE_METHODS
from .errors import BadHost, CrossSite, Malformed, SlowBody
from .hosts import is_allowed, same_origin
from .sessions import bearer_token

if TYPE_CHECKING:
    from .bodies import BoundedRequest
    from .settings import Settings

PROBED = frozenset({"/livez", "/readyz", "/metrics"})
"""What orchestrators and scrapers ask for by a pod's address. No link is made there, and no cookie
read or set, so any host will do."""


async def screen(settings: Settings) -> None:
    """Check the request in the contract's order (http-api, "Order of checks").

    The body is received here, for views that read it and for those that don't, so that one too
    large is refused by all of them, and none is answered before its end.
    """
    host = request.headers.get("Host", "")
    if request.path not in PROBED and not is_allowed(host, settings.allowed_hosts):
        raise BadHost
    _check_site()
    received = cast("BoundedRequest", request)
    if received.may_have_body:
        try:
            await asyncio.wait_for(received.body, settings.body_timeout)
        except TimeoutError:
            raise SlowBody from None
    if "\x00" in request.path:
        raise Malformed("NUL characters are not accepted.")


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
    elif origin is not None and not same_origin(
        origin, request.scheme, request.headers.get("Host", "")
    ):
        raise CrossSite
