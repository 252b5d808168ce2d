"""Errors as pages."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

import msgspec
from quart import Response, g, render_template, request, session
from werkzeug.wrappers import Response as WerkzeugResponse

from service.errors import LockerError, Unauthenticated
from service.http.prefix import place_links
from service.sessions import read_as, read_section

from .context import PageContext
from .links import back, local_path

logger = logging.getLogger(__name__)

HEADLINES = {
    403: "That door stays closed",
    404: "Nothing on this shelf",
    400: "We could not read that",
    405: "There is no page at this address",
    413: "That is too much at once",
    415: "We could not read that",
    422: "We could not read that",
    429: "Slow down a little",
    500: "Something broke on our side",
    503: "The till is busy",
}


async def error_page(error: LockerError) -> Response | WerkzeugResponse:
    """Show an error. It needs no database: that may be what is away."""
    if isinstance(error, Unauthenticated):
        here = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return back("/login?" + urlencode({"next": local_path(here)}))
    body = await render_template(
        "error.html",
        shopper=g.get("page_context") or _read_page_context(),
        said={},
        failed=True,
        path="",
        request_id=g.request_id,
        error=error,
        headline=HEADLINES.get(error.status, error.title),
    )
    response = Response(place_links(body), error.status, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


class _CartSection(msgspec.Struct):
    """As much as is needed here of what carts keep in their section."""

    lines: list[tuple[int, int]] | None = None


def _read_page_context() -> PageContext:
    """Return who the cookies say is there.

    They are signed; whether a login has ended since, or a cart changed elsewhere, only the
    database knows.
    """
    username, theme = session.get("username"), read_section("preferences").get("theme")
    cart = read_as(session.get("cart", {"lines": []}), _CartSection)
    lines = cart.lines if cart else []
    return PageContext(
        username=username if isinstance(username, str) else None,
        theme=theme if theme in ("light", "dark") else "system",
        # A cart that is too large for its cookie is not known without the database.
        cart_quantity=None if lines is None else sum(count for _, count in lines),
    )
