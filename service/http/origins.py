"""Pages of other origins that may use the API from a browser: CORS, for those that are trusted.

A page on a subdomain of the service's site has the browser's session; one of another site has
none, as the cookies are ``SameSite=Lax``, and uses tokens. What isn't trusted gets no header.
"""

from __future__ import annotations

from functools import cache

from quart import Request, Response

from service.hosts import read_origin
from service.settings import Settings

AREA = "/api/"
"""What other origins may use: never the pages, whose forms are the shop's alone."""

SENT = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Locker-Cart, "
    "Locker-Order-Key, X-Request-Id"
)
READ = "ETag, Idempotent-Replayed, Location, Locker-Stale, Retry-After, X-Request-Id"
KEPT = "7200"
"""Seconds for which a browser need not ask again; none keeps it longer than that (Chromium)."""


@cache
def _trusted(origins: tuple[str, ...]) -> frozenset[str | None]:
    return frozenset(map(read_origin, origins))


def is_trusted(origin: str, path: str, settings: Settings) -> bool:
    """Return whether a page of this origin may use what is at the path."""
    if not settings.trusted_origins or not path.startswith(AREA):
        return False
    canonical = read_origin(origin)
    return canonical is not None and canonical in _trusted(settings.trusted_origins)


def allow_origin(response: Response, request: Request, settings: Settings) -> None:
    """Say in an answer that the page which asked may read it (Fetch, "CORS protocol").

    A preflight is an ``OPTIONS`` like any other, so its answer names the route's methods.
    """
    if not settings.trusted_origins or not request.path.startswith(AREA):
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if not is_trusted(origin, request.path, settings):
        return
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = origin
    headers["Access-Control-Allow-Credentials"] = "true"
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        headers["Access-Control-Allow-Methods"] = headers.get("Allow", "")
        headers["Access-Control-Allow-Headers"] = SENT
        headers["Access-Control-Max-Age"] = KEPT
    else:
        headers["Access-Control-Expose-Headers"] = READ
