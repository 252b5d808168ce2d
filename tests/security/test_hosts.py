"""Hosts and forwarded headers: what is believed, and from whom."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import pytest
from quart import Quart, Response, jsonify, request
from quart.typing import TestClientProtocol as Client

from service.hosts import is_allowed, read_pattern
from service.http.arrival import read_address
from service.settings import Limit, Settings
from tests.support.serving import Served, serve
from tests.support.shopping import API, new_name

StartApp = Callable[..., Awaitable[Quart]]

ALLOWED = (
    "shop.example",
    "*.shops.example",
    "[0:0::0001]",
    "Bücher.example.",
    "xn--caf-dma.example",
    "*.straße.example",
    "192.0.2.1",
)


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
        "[0:0:0:0:0:0:0:1]",
        "[::0.0.0.1]:443",
        "shop.example.",
        "shop.example.:8443",
        "shop.example:",
        "shop.example:65535",
        "one.shops.example.",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.EXAMPLE.",
        "xn--caf-dma.example:443",
        "one.xn--strae-oqa.example",
        "192.0.2.1:80",
    ],
)
def test_allowed_host(host: str) -> None:
    """A host is allowed however it is written, on any port; `*.` stands for any name below."""
    assert is_allowed(host, ALLOWED)


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
        "shop.example:65536",
        "shop.example..",
        "shop..example",
        "shop.example:٣",
        "[::1%lo]",
        "[::1].",
        "192.0.2.1.5",
        "0xC0000201",
        "strasse.example",
        "a.strasse.example",
        "bücher.example",
        f"{'a' * 64}.shops.example",
        "a." * 127 + "shops.example",
        "a" * 30_000,
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
    assert not is_allowed(host, ALLOWED)


async def test_other_host_is_400(client: Client) -> None:
    """`bad_host`, before anything else is looked at but method and path."""
    for path, status in ((f"{API}/cart", 400), ("/login", 400), ("/nothing", 404)):
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


@pytest.mark.parametrize("host", ["10.42.0.7:8000", "[fd00::7]:8000", "evil.example", "", "a b"])
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_probes_may_use_any_host(client: Client, path: str, host: str) -> None:
    """Orchestrators and scrapers ask for a pod's address; no link is made of it."""
    response = await client.get(path, headers={"Host": host})
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert not host or host not in str(response.headers)


@pytest.mark.parametrize(
    ("pattern", "advice"),
    [
        ("https://shop.example", "without scheme"),
        ("shop.example/", "without scheme, path"),
        ("me@shop.example", "user"),
        ("shop.example:8000", "without the port"),
        ("shop.example:", "without the port"),
        ("*.shop.example:8000", "without the port"),
        ("shop.*", "names below a domain"),
        ("*shop.example", "names below a domain"),
        ("*.*.shop.example", "names below a domain"),
        (".shop.example", "write *.shop.example"),
        ("::1", "write an IPv6 address in brackets, as [::1]"),
        ("[::1]:8000", "without the port"),
        ("[::g]", "no host name or address"),
        ("*.[::1]", "no names below"),
        ("*.192.0.2.1", "no names below"),
        ("192.0.2", "no host name or address"),
        ("192.0.2.256", "no host name or address"),
        ("shop..example", "no host name or address"),
        ("shop example", "no host name or address"),
        ("-shop.example", "no host name or address"),
        (f"{'a' * 64}.example", "no host name or address"),
        ("*.", "no host name or address"),
        ("bü cher.example", "no host name"),
        ("ü" * 80, "no host name"),
    ],
)
def test_pattern_that_nothing_can_match(pattern: str, advice: str) -> None:
    """A pattern for hosts that nothing can match is refused, with a word on what to write."""
    with pytest.raises(ValueError, match=re.escape(advice)):
        read_pattern(pattern)


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    with serve(settings) as served:
        yield served


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://evil.example/livez", "localhost", 200),
        (f"http://evil.example{API}/cart", "localhost", 400),
        (f"HTTPS://user@localhost{API}/cart", "localhost", 400),
        (f"http://{API}/cart", "localhost", 400),
        (f"http://localhost{API}/cart", "evil.example", 200),
        (f"http://LOCALHOST.:80{API}/cart?a=1", "localhost", 200),
        ("http://localhost//livez", "localhost", 404),
        ("//livez", "localhost", 404),
        ("//metrics", "localhost", 404),
        ("///livez", "localhost", 404),
        ("/%2Flivez", "localhost", 404),
        ("/%2fapi/v1/cart", "localhost", 404),
        ("/livez", "localhost", 200),
        # Werkzeug's router raises at these.
        ("/livez", "a..b", 200),
        (f"{API}/cart", "a..b", 400),
        (f"{API}/cart", "a" * 5000, 400),
        ("/", "." * 300, 400),
        (f"http://a..b{API}/cart", "localhost", 400),
    ],
)
async def test_target(served: Served, target: str, host: str, status: int) -> None:
    """A target's own host is the one that counts (RFC 9112, 3.2.2), and a path has one spelling.

    Werkzeug takes leading slashes off; the rule of a proxy for `/metrics` doesn't.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:55123", "192.0.2.1"),
        ("[2001:db8::1]:55123", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("<b>not-an-ip</b>", None),
        ("192.0.2.256", None),
        ("192.0.2.1, 192.0.2.2", None),
        ("127.1", None),
        ("2130706433", None),
        ("192.0.2.1\n", "192.0.2.1"),
        ("x" * 3000, None),
    ],
)
def test_address_has_one_form(text: str, known: str | None) -> None:
    """Some proxies add the client's port; a new one is no new address. Other texts are none."""
    assert read_address(text) == known


@pytest.mark.parametrize("given", ["unknown", "<b>no</b>" * 300, "192.0.2.256", "_x", "0x7f.1"])
async def test_forwarded_text_that_is_no_address(
    start_app: StartApp,
    observer: asyncpg.Connection[asyncpg.Record],
    caplog: pytest.LogCaptureFixture,
    given: str,
) -> None:
    """A forwarded text that is no address counts as the peer's own, in log, audit, throttle."""
    caplog.set_level(logging.INFO)
    app = await start_app(trusted_proxies=1, throttle_address=Limit(2, 3600))
    peer = f"198.18.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    statuses = []
    for number in range(3):
        response = await app.test_client().post(
            f"{API}/session",
            json={"username": new_name(), "password": "not mine"},
            headers={"X-Forwarded-For": f"{given}{number}", "X-Request-Id": f"{peer}-{number}"},
            scope_base={"client": (peer, 1234)},
        )
        statuses.append(response.status_code)
    assert statuses == [401, 401, 429]
    addresses = await observer.fetch("select ip from audit where request_id like $1", f"{peer}-%")
    assert {row["ip"] for row in addresses} == {peer}
    logged = [vars(record)["ip"] for record in caplog.records if "ip" in vars(record)]
    assert set(logged) == {peer}
