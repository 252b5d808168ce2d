"""Headers on every response, whatever became of the request."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import httpx
import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from service.settings import Settings
from tests.support.serving import serve
from tests.support.shopping import API, Product, make_token, register

StartApp = Callable[..., Awaitable[Quart]]


def break_down(app: Quart) -> None:
    """Add a view that fails, and one that answers on its own."""

    @app.get("/broken")
    async def broken() -> Response:
        raise RuntimeError("on purpose")

    @app.get("/plain")
    async def plain() -> Response:
        return Response("plain")


async def test_every_response_has_the_headers(start_app: StartApp, product: Product) -> None:
    """2xx, 304, 4xx and 5xx alike: CSP, HSTS, nosniff, framing, referrer, opener."""
    app = await start_app(prepare=break_down, secure_cookies=True)
    client: Any = app.test_client(use_cookies=False)
    tag = (await client.get(f"{API}/products/{product.handle}")).headers["ETag"]
    seen = set()
    for method, path, headers in (
        ("GET", f"{API}/cart", {}),
        ("DELETE", f"{API}/session", {}),
        ("GET", f"{API}/products/{product.handle}", {"If-None-Match": tag}),
        ("GET", f"{API}/cart", {"Host": "evil.example"}),
        ("GET", f"{API}/account", {}),
        ("DELETE", f"{API}/cart", {"Sec-Fetch-Site": "cross-site"}),
        ("GET", "/nothing", {}),
        ("BREW", f"{API}/cart", {}),
        ("POST", f"{API}/session", {"Content-Length": "999999999"}),
        ("POST", f"{API}/session", {}),
        ("GET", f"{API}/products?limit=0", {}),
        ("GET", "/broken", {}),
        ("GET", "/plain", {}),
        ("GET", "/livez", {}),
        ("GET", "/openapi.json", {}),
        ("GET", "/docs", {}),
        ("GET", "/static/docs.js", {}),
        ("OPTIONS", f"{API}/cart", {}),
    ):
        response = await client.open(path, method=method, headers=headers)
        where = (method, path, response.status_code)
        seen.add(response.status_code)
        csp = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in csp, where
        assert "frame-ancestors 'none'" in csp, where
        assert "object-src 'none'" in csp, where
        assert "base-uri 'none'" in csp, where
        assert "unsafe-inline" not in csp, where
        assert "unsafe-eval" not in csp, where
        assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000"), where
        assert response.headers["X-Content-Type-Options"] == "nosniff", where
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin", where
        assert response.headers["Referrer-Policy"] == "same-origin", where
        assert response.headers["X-Request-Id"], where
        assert "Server" not in response.headers, where
    assert seen == {200, 204, 304, 400, 401, 403, 404, 405, 413, 415, 422, 500}


async def test_hsts_is_for_https(client: Client) -> None:
    """Over http, in development, a browser isn't told to come back by https."""
    response = await client.get(f"{API}/cart")
    assert "Strict-Transport-Security" not in response.headers


async def test_private_answers_are_not_stored(app: Quart) -> None:
    """What depends on the caller is `no-store`, by cookie and by token alike, errors too."""
    client = app.test_client()
    await register(client)
    made = await make_token(client)
    token = {"Authorization": f"Bearer {made['token']}"}
    for path in ("/account", "/session", "/cart", "/account/sessions", "/account/tokens"):
        by_cookie = await client.get(f"{API}{path}")
        by_token = await app.test_client(use_cookies=False).get(f"{API}{path}", headers=token)
        for response, varies in ((by_cookie, "Cookie"), (by_token, "Authorization")):
            assert response.status_code == 200
            assert "no-store" in response.headers["Cache-Control"].split(", "), path
            assert varies in response.headers["Vary"], path
    refused = await app.test_client().get(f"{API}/account")
    assert refused.headers["Cache-Control"] == "no-store"


async def test_login_cookie_is_for_http_and_this_host_alone(start_app: StartApp) -> None:
    """`HttpOnly`, `SameSite=Lax`, `Secure`, `Path=/`, no `Domain`, and a `__Host-` name."""
    client = (await start_app(secure_cookies=True)).test_client()
    name = "header-user"
    response = await client.post(
        f"{API}/account",
        json={
            "username": f"{name}-{id(client)}",
            "email": f"{name}-{id(client)}@example.com",
            "password": "a long enough secret",
        },
    )
    cookies = response.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        named, *attributes = cookie.split("; ")
        assert named.startswith("__Host-")
        assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/"} <= set(attributes)
        assert not [each for each in attributes if each.lower().startswith("domain")]


@pytest.mark.parametrize(
    "path",
    [
        "/products/x%0d%0aSet-Cookie:%20evil=1",
        "/products?q=%0d%0aX-Evil:1",
        "/products?after=%0d%0aX-Evil:1",
        "/cart/lines/%0aX-Evil:1",
    ],
)
async def test_no_header_is_injected(client: Client, path: str) -> None:
    """Line breaks from a path or a query stay out of the headers."""
    response = await client.get(
        f"{API}{path}", headers={"X-Request-Id": "a b", "Accept-Language": "x"}
    )
    assert not [name for name, _ in response.headers if name.lower() == "x-evil"]
    assert "evil" not in str(response.headers.getlist("Set-Cookie"))
    assert response.headers["X-Request-Id"] != "a b"


def test_server_says_nothing_of_itself(settings: Settings) -> None:
    """No `Server` header, also where the server answers without the application."""
    with serve(settings) as served:
        response = httpx.get(f"{served.url}/livez")
        assert "server" not in response.headers
        with closing(socket.create_connection(("127.0.0.1", served.port), timeout=10)) as broken:
            broken.sendall(b"NONSENSE\r\n\r\n")
            answer = broken.recv(65_536).lower()
        assert answer.startswith(b"http/1.1 400")
        assert b"server:" not in answer


@pytest.mark.parametrize(
    ("sources", "policy"),
    [
        ((), "img-src 'self' data:;"),
        (("https:",), "img-src 'self' https: data:;"),
        (
            ("https://cdn.example", "https://*.b.example:8443"),
            "img-src 'self' https://cdn.example https://*.b.example:8443 data:;",
        ),
    ],
)
async def test_pictures_come_from_where_they_may(
    start_app: StartApp, sources: tuple[str, ...], policy: str
) -> None:
    """A page loads pictures from the shop itself, and from where the setting says."""
    app = await start_app(picture_sources=sources)
    response = await app.test_client().get("/livez")
    assert policy in response.headers["Content-Security-Policy"]
