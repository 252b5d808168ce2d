"""There are no WebSockets: a handshake is refused like any other request for what isn't there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from quart import Quart

from service.settings import Settings
from tests.support.serving import Served, serve
from tests.support.wire import exchange, head, speaking_http2

HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
Message = dict[str, Any]


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    with serve(settings, http2=True) as served:
        yield served


@pytest.mark.parametrize("path", ["/nope", "/api/v1/cart", "/", "/livez"])
@pytest.mark.parametrize(
    "fields",
    [
        HANDSHAKE,
        HANDSHAKE[:2],
        ("Upgrade: WebSocket", "Connection: keep-alive, upgrade"),
        ("Upgrade: h2c, websocket",),
        (*HANDSHAKE[:3], "Sec-WebSocket-Version: 99"),
    ],
)
def test_handshake_by_http1(served: Served, path: str, fields: tuple[str, ...]) -> None:
    """404 on every path, whole or not, with our headers, the request's id, and one line."""
    given = f"ws-{abs(hash((path, fields)))}"
    last = head(served, "GET", "/livez", "Connection: close")
    request = head(served, "GET", path, *fields, f"X-Request-Id: {given}")
    answer = exchange(served, request + last).decode()
    top, _, rest = answer.partition("\r\n\r\n")
    assert top.startswith("HTTP/1.1 404 ")
    assert f"x-request-id: {given}" in top.lower()
    assert "content-security-policy: " in top.lower()
    assert "HTTP/1.1 200 " in rest  # what comes after it is a request as ever
    assert served.log().count(f"request_id={given}") == (path != "/livez")
    assert "Traceback" not in served.log()


@pytest.mark.parametrize(
    ("field", "status", "code"),
    [
        ("Host: evil.example", 400, "bad_host"),
        ("Origin: https://evil.example", 403, "cross_site"),
        ("Sec-Fetch-Site: cross-site", 403, "cross_site"),
        ("Origin: null", 403, "cross_site"),
    ],
)
def test_handshake_for_others(served: Served, field: str, status: int, code: str) -> None:
    """A handshake of another host or site is refused as that, before anything else."""
    lines = ["GET /nope HTTP/1.1", f"Host: 127.0.0.1:{served.port}", *HANDSHAKE, field]
    if field.startswith("Host"):
        del lines[1]
    lines[lines.index("Connection: Upgrade")] = "Connection: Upgrade, close"
    answer = exchange(served, "\r\n".join([*lines, "", ""]).encode())
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(body)["code"] == code


@pytest.mark.parametrize("path", [b"/nope", b"/api/v1/cart", b"/"])
def test_handshake_by_http2(served: Served, path: bytes) -> None:
    """The same by HTTP/2's extended CONNECT, and its neighbours are answered."""
    with speaking_http2(served) as client:
        client.ask(1, [*client.fields(b"CONNECT", path), (b":protocol", b"websocket")], end=False)
        client.ask(3, client.fields())
        assert client.answer(1) == 404
        assert client.answer(3) == 200
    assert "Traceback" not in served.log()


@pytest.mark.parametrize("extensions", [{"websocket.http.response": {}}, {}, None])
async def test_handshake_by_another_server(app: Quart, extensions: Message | None) -> None:
    """Another server's handshake is refused: with our answer where it can take one."""
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "wss",
        "path": "/api/v1/cart",
        "raw_path": b"/api/v1/cart",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"origin", b"https://localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "subprotocols": [],
        "extensions": extensions,
    }
    coming = [{"type": "websocket.connect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return coming.pop() if coming else {"type": "websocket.disconnect", "code": 1006}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[arg-type]
    if extensions:
        assert sent[0]["type"] == "websocket.http.response.start"
        assert sent[0]["status"] == 404
        assert {message["type"] for message in sent[1:]} == {"websocket.http.response.body"}
    else:
        assert sent == [{"type": "websocket.close"}]
