"""Nothing that a client sends makes an answer lead to another host."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from quart import Quart

from tests.shopping import API, PASSWORD, new_name

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
    """Not from a path, not from a parameter, not from a header, and not at log in."""
    client: Any = app.test_client()
    check(await client.get("/" + quote(payload, safe="/%")))
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    for parameter in NAMES:
        query = {parameter: payload}
        for path in ("/docs", f"{API}/cart", f"{API}/session", "/nothing"):
            check(await client.get(path, query_string=query))
        check(await client.post(f"{API}/session", json=body, query_string=query))
    check(await client.post(f"{API}/account", json=body, query_string={"next": payload}))
    headers = {
        "Referer": "https://evil.example",
        "X-Original-URL": payload.split("\r", maxsplit=1)[0],
    }
    check(await client.get("/docs", headers=headers))
