"""What every request passes: an id, the checks that need no view, headers, and errors.

The order of the checks is part of the contract (http-api, "Order of checks").
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import msgspec
from quart import Quart, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, RequestTimeout, Unauthorized
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed
from werkzeug.exceptions import NotFound as WerkzeugNotFound
from werkzeug.routing import BaseConverter

from . import database, record
from .arrival import Arrival
from .bodies import BoundedRequest
from .errors import (
    LockerError,
    Malformed,
    MethodNotAllowed,
    NotFound,
    SlowBody,
    TooLarge,
    Unauthenticated,
)
from .handshakes import Handshakes, is_handshake
from .screening import screen, screen_handshake, screen_socket
from .sessions import bearer_token
from .validation import compose
from .visits import incoming

if TYPE_CHECKING:
    from .settings import Settings

logger = logging.getLogger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

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


def init_app(app: Quart, settings: Settings) -> None:
    """Put the checks before, the headers after, and the error handlers around every view."""
    app.url_map.converters["text"] = AnyText
    # A sku may hold two slashes in a row.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.config["BODY_TIMEOUT"] = settings.body_timeout
    app.request_class = BoundedRequest
    record.init_app(app)
    app.asgi_app = Arrival(  # type: ignore[assignment,method-assign]
        app.asgi_app, settings.trusted_proxies
    )

    app.asgi_app = Handshakes(app.asgi_app, lambda: app.url_map)  # type: ignore[arg-type, assignment, method-assign]

    pictures = " ".join(("'self'", *settings.picture_sources, "data:"))
    headers = {**HEADERS, "Content-Security-Policy": POLICY.format(pictures)}

    @app.before_request
    async def check() -> None:
        g.started = time.perf_counter()
        g.request_id = _request_id()
        await _admit(settings)

    @app.before_websocket
    async def check_socket() -> None:
        g.started = time.perf_counter()
        g.request_id = _request_id()
        screen_socket(settings)

    @app.after_request
    async def finish(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if settings.secure_cookies:
            response.headers["Strict-Transport-Security"] = HSTS
        if bearer_token(request.headers) is not None:
            if "no-store" not in response.cache_control:
                response.headers["Cache-Control"] = "no-store"
            response.vary.add("Authorization")
        received = cast("BoundedRequest", request)
        if request.http_version.startswith("1") and (received.is_unread or received.is_ambiguous):
            # Hypercorn closes the connection then; whoever would send another request on it
            # must know.
            response.headers["Connection"] = "close"
        # A request that failed before `check` has no id yet.
        response.headers["X-Request-Id"] = g.setdefault("request_id", _request_id())
        await record.record(response.status_code)
        return response

    app.register_error_handler(LockerError, respond)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _unexpected)


async def _admit(settings: Settings) -> None:
    if cast("BoundedRequest", request).is_ambiguous:
        raise Malformed("Its length can be read in two ways.")
    if is_handshake(request):
        screen_handshake(settings)
    if request.routing_exception is not None:
        raise request.routing_exception
    if request.scope["path"].startswith("//"):
        # Werkzeug reads one slash, and a rule of the proxy's for the path doesn't.
        raise NotFound
    await screen(settings)


def current_settings() -> Settings:
    """Return the settings of the service that answers this request."""
    return cast("Settings", current_app.extensions["locker.settings"])


def _request_id() -> str:
    given = incoming().headers.get("X-Request-Id", "")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


class Problem(msgspec.Struct):
    """An error, as problem details (RFC 9457). `code` is stable, the texts are not."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


def problem_type(code: str) -> str:
    """Return the URI of a kind of error; it leads nowhere."""
    return f"urn:locker:{code.replace('_', '-')}"


def _wants_page() -> bool:
    received = incoming()
    return not received.path.startswith("/api/") and "text/html" in received.headers.get(
        "Accept", ""
    )


async def respond(error: LockerError) -> Response:
    """Answer an error as a page where a browser asks for one, else as `problem`."""
    record.note(error)
    if not _wants_page():
        return await problem(error)
    response: Response = await current_app.extensions["locker.error_page"](error)
    response.headers.update(error.headers)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def problem(error: LockerError) -> Response:
    """Answer an error as ``application/problem+json``."""
    body: dict[str, Any] = {
        "type": problem_type(error.code),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": g.setdefault("request_id", _request_id()),
        **error.members,
    }
    response = Response(
        msgspec.json.encode(body), error.status, content_type="application/problem+json"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(error.headers)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def _http_exception(error: HTTPException) -> Response:
    """Answer what the framework raised on its own, in our words."""
    if (error.code or 500) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return await _unexpected(error)
    match error:
        case WerkzeugMethodNotAllowed():
            ours: LockerError = MethodNotAllowed()
        case RequestEntityTooLarge():
            ours = TooLarge()
        case RequestTimeout():
            ours = SlowBody()
        case Unauthorized():
            ours = Unauthenticated()
        case WerkzeugNotFound():
            ours = NotFound()
        case _:
            ours = Malformed()
    response = await respond(ours)
    if isinstance(error, WerkzeugMethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


async def _unexpected(error: Exception) -> Response:
    """Answer what nobody foresaw, or what the database is to blame for."""
    known = database.translate(error)
    if known is not None:
        logger.warning("database: %s", type(error).__name__)
        return await respond(known)
    logger.error("unexpected error", exc_info=error)
    return await respond(LockerError())
