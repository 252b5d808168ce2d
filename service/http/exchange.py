"""A request and its answer, between the server and the framework."""

from __future__ import annotations

import asyncio
from typing import Any

from quart import Response
from quart.asgi import ASGIHTTPConnection
from quart.debug import traceback_response
from quart.utils import encode_headers
from quart.wrappers.response import DataBody
from werkzeug.datastructures import Headers
from werkzeug.datastructures.mixins import ImmutableHeadersMixin

from service.connections import listen

from .requests import BoundedRequest


class ReceivedHeaders(ImmutableHeadersMixin, Headers):  # type: ignore[misc]
    """A request's, which nobody changes: each is found by its name, however many are looked up.

    Werkzeug's goes through all of them for each, and raises within for one that isn't there.
    """

    def __init__(self, received: Headers) -> None:
        super().__init__()
        self._list = list(received)
        # The first of a name, as with Werkzeug's.
        self._first = {name.lower(): value for name, value in reversed(self._list)}

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]  # noqa: A002 - its name
        if type is not None:
            return super().get(key, default, type)
        return self._first.get(key.lower(), default)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._first


class Exchange(ASGIHTTPConnection):
    """Quart's, in one task where it has three, with an answer in two events where it has three.

    Our own server tells it of what is received; of another a second task receives it. A client
    that leaves cancels the view, as with Quart's.
    """

    _left = False

    async def __call__(self, receive: Any, send: Any) -> None:
        request: Any = self._create_request_from_scope(send)
        request.headers = ReceivedHeaders(request.headers)
        task = asyncio.current_task()
        assert task  # noqa: S101 - for the type checker

        def take(message: Any) -> None:
            if message["type"] == "http.request":
                request.body.append(message.get("body", b""))
                if not message.get("more_body", False):
                    request.body.set_complete()
            elif message["type"] == "http.disconnect" and not self._left:
                self._left = True
                request.body.disconnect()
                task.cancel()

        receiver = None
        if not listen(self.scope, take):
            receiver = asyncio.create_task(_receive(receive, take))
        try:
            await self.handle_request(request, send)
        except asyncio.CancelledError:
            if not self._left or task.uncancel():
                raise
        finally:
            if receiver is not None:
                receiver.cancel()

    async def handle_request(self, request: BoundedRequest, send: Any) -> None:  # type: ignore[override]
        try:
            response = await self.app.handle_request(request)
        except Exception as error:
            if not (self.app.debug or self.app.testing):
                raise
            response = await traceback_response(error)
        timeout = self.app.config["RESPONSE_TIMEOUT"]
        if isinstance(response, Response) and response.timeout is not ...:
            timeout = response.timeout
        try:
            async with asyncio.timeout(timeout):
                await self._send_response(send, response)
        except TimeoutError:
            pass

    async def _send_response(self, send: Any, response: Any) -> None:
        body = response.response
        if not isinstance(body, DataBody):
            await super()._send_response(send, response)
            return
        await send(
            {
                "type": "http.response.start",
                "status": response.status_code,
                "headers": encode_headers(response.headers),
            }
        )
        content = body.data[body.begin : body.end]
        await send({"type": "http.response.body", "body": content, "more_body": False})


async def _receive(receive: Any, take: Any) -> None:
    while True:
        message = await receive()
        take(message)
        if message["type"] == "http.disconnect":
            return
