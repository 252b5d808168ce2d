"""What every request passes: an id, the checks that need no view, and headers.

The order of the checks is part of the contract (http-api, "Order of checks").
"""

from __future__ import annotations

import time
from typing import cast

from quart import Quart, Response, g, websocket
from werkzeug.routing import BaseConverter

from service.errors import Malformed, NotFound
from service.sessions import CART_HEADER
from service.settings import Settings

from . import problems, record
from .arrival import Arrival
from .checks import check_request, check_websocket, refuse_handshake
from .exchange import Exchange
from .handshakes import Handshakes, is_handshake
from .operators import admit
from .origins import allow_origin
from .problems import ErrorPage
from .requests import BoundedRequest, ShopSocket, current_request, ensure_request_id
from .validation import compose

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
POLICY = (
    "default-src 'self'; img-src {}; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HSTS = "max-age=31536000; includeSubDomains"


class AnyText(BaseConverter):
    """A path's last part, slashes and all, for skus and handles (http-api, "Conventions").

    It is in NFC, as they are stored.
    """

    regex = ".+?"
    part_isolating = False
    weight = 200

    def to_python(self, value: str) -> str:
        return str(compose(value))


def init_app(app: Quart, settings: Settings, show_error: ErrorPage) -> None:
    """Put the checks before, the headers after, and the error handlers around every view.

    ``show_error`` makes the page of an error, for browsers.
    """
    app.url_map.converters["text"] = AnyText
    # A sku may hold two slashes in a row.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.config["BODY_TIMEOUT"] = settings.body_timeout
    app.request_class = BoundedRequest
    app.asgi_http_class = Exchange
    app.websocket_class = ShopSocket
    record.init_app(app)
    app.asgi_app = Arrival(  # type: ignore[assignment,method-assign]
        app.asgi_app, settings.trusted_proxies, settings.prefix
    )

    app.asgi_app = Handshakes(app.asgi_app, lambda: app.url_map)  # type: ignore[arg-type, assignment, method-assign]

    pictures = " ".join(("'self'", *settings.picture_sources, "data:"))
    headers = [*HEADERS.items(), ("Content-Security-Policy", POLICY.format(pictures))]

    @app.before_request
    async def check() -> None:
        g.started = time.perf_counter()
        ensure_request_id()
        await _admit(settings)

    @app.before_websocket
    async def check_handshake() -> None:
        g.started = time.perf_counter()
        ensure_request_id()
        check_websocket(cast("ShopSocket", websocket), settings)

    @app.after_request
    async def finish(response: Response) -> Response:
        received = current_request()
        # Each by `setdefault` would look through all that are there, twice.
        given = {name.lower() for name, _ in response.headers}
        response.headers.extend(
            [(name, value) for name, value in headers if name.lower() not in given]
        )
        if settings.secure_cookies:
            response.headers["Strict-Transport-Security"] = HSTS
        allow_origin(response, received, settings)
        _bound_caching(response, received, settings)
        if received.http_version.startswith("1") and (received.is_unread or received.is_ambiguous):
            # Hypercorn closes the connection then, and a client that would send another request
            # on it must know.
            response.headers["Connection"] = "close"
        response.headers["X-Request-Id"] = ensure_request_id()
        await record.record(received, response.status_code)
        return response

    problems.init_app(app, show_error)


async def _admit(settings: Settings) -> None:
    received = current_request()
    if received.is_ambiguous:
        raise Malformed("Its length can be read in two ways.")
    if is_handshake(received):
        refuse_handshake(received, settings)
    await admit()
    if received.routing_exception is not None:
        raise received.routing_exception
    if received.scope["path"].removeprefix(received.root_path).startswith("//"):
        # Werkzeug would find the route of one slash, which a proxy's rule for it doesn't see.
        raise NotFound
    await check_request(received, settings)


def _bound_caching(response: Response, received: BoundedRequest, settings: Settings) -> None:
    if received.root_path != settings.prefix and response.cache_control.public:
        # A cache in between doesn't know for which prefix this is, nor who really said it.
        response.cache_control.public = False
        response.cache_control.private = True
    for header, token in (
        ("Authorization", received.bearer_token),
        (CART_HEADER, received.cart_token),
    ):
        if token is not None:
            if "no-store" not in response.cache_control:
                response.headers["Cache-Control"] = "no-store"
            response.vary.add(header)
