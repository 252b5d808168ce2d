"""A request and its answer as the server sees them: few events, an end where a client leaves."""

from __future__ import annotations

import asyncio
from typing import Any

from quart import Quart

from service.http.exchange import Exchange
from service.http.requests import BoundedRequest

SCOPE: Any = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/livez",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "client": ("127.0.0.1", 1),
}


async def test_an_answer_is_two_events(app: Quart) -> None:
    """An answer whose body is known begins with its head, and ends with all of the body."""
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {**SCOPE}
    await app(scope, receive, send)
    head, body = sent
    assert (head["type"], head["status"]) == ("http.response.start", 200)
    assert body == {
        "type": "http.response.body",
        "body": b'{"status":"ok"}',
        "more_body": False,
    }


async def test_a_client_that_leaves_cancels_the_view() -> None:
    """Where a server tells that the client has left the view is cancelled, and nothing is sent."""
    app = Quart(__name__)
    app.asgi_http_class, app.request_class = Exchange, BoundedRequest
    has_begun, ended = asyncio.Event(), asyncio.Event()

    @app.get("/livez")
    async def wait() -> str:
        has_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "never"

    async def receive() -> Any:
        await has_begun.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        raise AssertionError

    scope: Any = {**SCOPE}
    await app(scope, receive, send)
    assert ended.is_set()
