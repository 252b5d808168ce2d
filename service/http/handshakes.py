"""WebSocket handshakes: there is no such route, and a handshake is refused like any other request.

Hypercorn hands them over as requests (`service.connections`); for other servers `Handshakes` makes
requests of them, so that host, site, headers and the log are the same for both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from quart import Request
from werkzeug.routing import Map

ASGIApp = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

SCHEMES = {"ws": "http", "wss": "https"}
ANSWER = "websocket.http.response"
"""The extension by which a server lets a handshake be answered (ASGI, "Websocket Denial Response").
"""


def is_handshake(request: Request) -> bool:
    """Return whether it asks for a WebSocket (RFC 6455, 4.1), or for a tunnel (RFC 8441, 4)."""
    asked = map(str.strip, request.headers.get("Upgrade", "").lower().split(","))
    return "websocket" in asked or request.method == "CONNECT"


class Handshakes:
    """ASGI middleware: what comes as a WebSocket goes on as a request.

    But in an application that has WebSockets of its own, which answers it itself.
    """

    def __init__(self, app: ASGIApp, rules: Callable[[], Map]) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "websocket" or any(
            rule.websocket for rule in self._rules().iter_rules()
        ):
            await self._app(scope, receive, send)
            return
        handshake = {
            **scope,
            "type": "http",
            "method": "GET",
            "scheme": SCHEMES.get(scope.get("scheme", "ws"), "http"),
            "headers": [*scope["headers"], (b"upgrade", b"websocket")],
            "extensions": {},
        }
        can_answer = ANSWER in (scope.get("extensions") or {})

        async def receive_request() -> dict[str, Any]:
            if (await receive())["type"] == "websocket.connect":
                return {"type": "http.request", "body": b"", "more_body": False}
            return {"type": "http.disconnect"}

        async def send_refusal(message: dict[str, Any]) -> None:
            if can_answer:
                await send({**message, "type": f"websocket.{message['type']}"})
            elif message["type"] == "http.response.start":
                await send({"type": "websocket.close"})

        await self._app(handshake, receive_request, send_refusal)
