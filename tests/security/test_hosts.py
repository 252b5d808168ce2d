"""Hosts and forwarded headers: what is believed, and from whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest
from quart import Quart, Response, jsonify, request

from service.auth.extension import address
from service.errors import BadHost
from service.screening import check_host
from tests.shopping import API

if TYPE_CHECKING:
    from quart.typing import TestClientProtocol

StartApp = Callable[..., Awaitable[Quart]]

ALLOWED = ("shop.example", "*.shops.example", "[::1]")


@pytest.mark.parametrize(
    "host",
    [
        "shop.example",
        "SHOP.example",
        "shop.example:8443",
        "one.shops.example",
        "a.b.shops.example:80",
        "[::1]",
        "[::1]:8000",
    ],
)
def test_allowed_host(host: str) -> None:
    """The port and the case are free; `*.` stands for any name below."""
    check_host(host, ALLOWED)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "shop.example.evil.example",
        "evilshop.example",
        "shops.example",
        "evilshops.example",
        ".shops.example.evil.example",
        "shop.example@evil.example",
        "evil.example@shop.example",
        "evil.example:80@shop.example",
        "evil.example/shop.example",
        "shop.example/evil",
        "shop.example#evil",
        "shop.example?evil",
        "shop.example, evil.example",
        "shop.example evil.example",
        "shop.example:evil",
        "shop.example:80:80",
        "shop.example:123456",
        "shop.example:",
        "shop.example.",
        "shop.example\t",
        "shop.example\x00",
        "shop.example\r\nX-Evil: 1",
        "xn--shop-example",
        "ѕhop.example",
        "shop。example",
        "[::1",
        "::1",
        "[::1]evil",
        "127.0.0.1",
        "2130706433",
    ],
)
def test_other_host(host: str) -> None:
    """Whatever isn't exactly an allowed host, with perhaps a port, is refused."""
    with pytest.raises(BadHost):
        check_host(host, ALLOWED)


async def test_other_host_is_400(client: TestClientProtocol) -> None:
    """`bad_host`, before anything else is looked at but method and path."""
    for path, status in ((f"{API}/cart", 400), ("/livez", 400), ("/nothing", 404)):
        response = await client.get(path, headers={"Host": "evil.example"})
        assert response.status_code == status
        code = (await response.get_json())["code"]
        assert code == ("bad_host" if status == 400 else "not_found")


def tell(app: Quart) -> None:
    """Add a view that tells what is believed of a request."""

    @app.get("/told")
    async def told() -> Response:
        return jsonify([request.remote_addr, request.scheme, request.host])


@pytest.mark.parametrize(
    ("hops", "headers", "believed"),
    [
        # Nobody is trusted: nothing is believed.
        (
            0,
            {
                "X-Forwarded-For": "192.0.2.1",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "evil.example",
                "Forwarded": "for=192.0.2.1;proto=https;host=evil.example",
                "X-Real-Ip": "192.0.2.1",
            },
            ["<local>", "http", "localhost"],
        ),
        # One: what it added last, and nothing that the client wrote before it.
        (
            1,
            {
                "X-Forwarded-For": "203.0.113.66, 192.0.2.1",
                "X-Forwarded-Proto": "javascript, https",
                "X-Forwarded-Host": "evil.example, 127.0.0.1",
            },
            ["192.0.2.1", "https", "127.0.0.1"],
        ),
        (1, {"X-Forwarded-For": "192.0.2.1"}, ["192.0.2.1", "http", "localhost"]),
        (1, {"Forwarded": "for=192.0.2.1;proto=https"}, ["<local>", "http", "localhost"]),
        (1, {"X-Real-Ip": "192.0.2.1"}, ["<local>", "http", "localhost"]),
        # Two: the last but one.
        (
            2,
            {
                "X-Forwarded-For": "203.0.113.66, 192.0.2.1, 10.0.0.1",
                "X-Forwarded-Proto": "gopher, https, http",
                "X-Forwarded-Host": "evil.example, 127.0.0.1, internal.example",
            },
            ["192.0.2.1", "https", "127.0.0.1"],
        ),
        # Fewer than there are proxies: it can't have come by all of them.
        (
            2,
            {
                "X-Forwarded-For": "203.0.113.66",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "127.0.0.1",
            },
            ["<local>", "http", "localhost"],
        ),
    ],
)
async def test_forwarded_headers(
    start_app: StartApp, hops: int, headers: dict[str, str], believed: list[str]
) -> None:
    """Address, scheme and host alike are believed from the trusted proxies and no further."""
    app = await start_app(prepare=tell, trusted_proxies=hops)
    client = app.test_client()
    response = await client.get("/told", headers={"Host": "localhost", **headers})
    assert await response.get_json() == believed


async def test_forwarded_host_has_to_be_allowed(start_app: StartApp) -> None:
    """What a proxy says of the host is checked as the host itself."""
    client = (await start_app(trusted_proxies=1)).test_client()
    for host in ("evil.example", "localhost@evil.example", "localhost/evil", ""):
        response = await client.get(f"{API}/cart", headers={"X-Forwarded-Host": host})
        assert response.status_code == 400, host


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:55123", "192.0.2.1"),
        ("[2001:db8::1]:55123", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("<local>", "<local>"),
    ],
)
def test_port_of_an_address_does_not_count(text: str, plain: str) -> None:
    """Some proxies add the client's port; a new one is no new address."""
    assert address(text) == plain
