"""Nothing that a client sends makes an answer lead to another host."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import Any

import pytest
from quart import Quart

from service.settings import Settings
from tests.support.serving import serve
from tests.support.shopping import API, PASSWORD, new_name

PAYLOADS = (
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "https:evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/%09/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "@evil.example",
    "/.evil.example",
    "//localhost@evil.example",
    "//evil.example%23.localhost",
)
NAMES = ("next", "url", "return_to", "redirect", "continue")


def check(response: Any) -> None:
    location = response.headers.get("Location", "/")
    assert location.startswith("/"), location
    assert not location.startswith(("//", "/\\")), location
    assert "Refresh" not in response.headers


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_no_redirect_leaves_this_host(app: Quart, payload: str) -> None:
    """No redirect leaves this host, by a parameter, by a header, or at log in."""
    client: Any = app.test_client()
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    for parameter in NAMES:
        query = {parameter: payload}
        for path in ("/docs", f"{API}/cart", f"{API}/session", "/nothing"):
            check(await client.get(path, query_string=query))
        check(await client.post(f"{API}/session", json=body, query_string=query))
    check(await client.post(f"{API}/account", json=body, query_string={"next": payload}))
    entered = {"username": name, "password": PASSWORD, "next": payload}
    response = await client.post("/login", form=entered)
    assert response.status_code == 303
    check(response)
    headers = {
        "Referer": "https://evil.example",
        "X-Original-URL": payload.split("\r", maxsplit=1)[0],
    }
    check(await client.get("/docs", headers=headers))


def test_no_path_leads_to_another_host(settings: Settings) -> None:
    """No path leads to another host, also if the client doesn't tidy up what it sends."""
    with serve(settings) as served:
        for payload in PAYLOADS:
            for target in (f"/{payload}", payload, f"/docs/{payload}", f"/static/{payload}"):
                answer = get(served.port, target)
                assert b" 5" not in answer[8:11], target
                assert b"location:" not in answer.lower(), target


def get(port: int, target: str) -> bytes:
    """Return the answer's head to a request for exactly this."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        request = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = b""
        while data := connection.recv(65_536):
            answer += data
    return answer.partition(b"\r\n\r\n")[0]
