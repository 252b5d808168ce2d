"""What went wrong, as an answer: problem details for programs, a page for browsers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import msgspec
from quart import Quart, Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, RequestTimeout, Unauthorized
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed
from werkzeug.exceptions import NotFound as WerkzeugNotFound
from werkzeug.wrappers import Response as WerkzeugResponse

from quart_locker import incoming
from service import database
from service.errors import (
    LockerError,
    Malformed,
    MethodNotAllowed,
    NotFound,
    SlowBody,
    TooLarge,
    Unauthenticated,
)

from . import record
from .requests import ensure_request_id

logger = logging.getLogger(__name__)


ErrorPage = Callable[[LockerError], Awaitable[Response | WerkzeugResponse]]


def init_app(app: Quart, show_page: ErrorPage) -> None:
    """Answer every error in one way, the framework's own among them."""
    answers = Answers(show_page)
    app.register_error_handler(LockerError, answers.respond)
    app.register_error_handler(HTTPException, answers.respond_to_framework)
    app.register_error_handler(Exception, answers.respond_to_unexpected)


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


async def problem(error: LockerError) -> Response:
    """Answer an error as ``application/problem+json``."""
    body: dict[str, Any] = {
        "type": problem_type(error.code),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": ensure_request_id(),
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


class Answers:
    """The handlers of errors; ``show_page`` makes the page of one, for browsers."""

    def __init__(self, show_page: ErrorPage) -> None:
        self._show_page = show_page

    async def respond(self, error: LockerError) -> Response | WerkzeugResponse:
        """Answer an error as a page where a browser asks for one, else as `problem`."""
        record.note(error)
        if not _wants_page():
            return await problem(error)
        response = await self._show_page(error)
        response.headers.update(error.headers)
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    async def respond_to_framework(self, error: HTTPException) -> Response | WerkzeugResponse:
        """Answer what the framework raised on its own, in our words."""
        if (error.code or 500) >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return await self.respond_to_unexpected(error)
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
        response = await self.respond(ours)
        if isinstance(error, WerkzeugMethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response

    async def respond_to_unexpected(self, error: Exception) -> Response | WerkzeugResponse:
        """Answer what nobody foresaw, or what the database is to blame for."""
        known = database.translate(error)
        if known is not None:
            logger.warning("database: %s", type(error).__name__)
            return await self.respond(known)
        logger.error("unexpected error", exc_info=error)
        return await self.respond(LockerError())
