"""On a plain socket the service speaks HTTP/1.1, whatever it is asked to change to."""

from __future__ import annotations

import httpx
import pytest

from tests.support.serving import Served
from tests.support.wire import HTTP2_SETTINGS, PREFACE, SETTINGS, connected, exchange, head


@pytest.mark.parametrize(
    "fields",
    [
        ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", HTTP2_SETTINGS),
        ("Upgrade: h2c",),
        ("Upgrade: H2C", "Connection: upgrade, close"),
        ("Upgrade: h2c, h2", "Connection: Upgrade"),
        ("Upgrade: TLS/1.2", "Connection: Upgrade"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("fixture", ["plain", "http2"])
def test_no_upgrade(request: pytest.FixtureRequest, fixture: str, fields: tuple[str, ...]) -> None:
    """An upgrade to anything is not taken: the request is answered as it is, by HTTP/1.1."""
    served = request.getfixturevalue(fixture)
    last = head(served, "GET", "/livez", "Connection: close")
    answer = exchange(served, head(served, "GET", "/livez", *fields) + last)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 101" not in answer


@pytest.mark.parametrize(
    "opening",
    [
        PREFACE + SETTINGS,
        PREFACE,
        b"PRI * HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/3.0\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/0.9\r\n\r\n",
    ],
)
def test_no_prior_knowledge(plain: Served, opening: bytes) -> None:
    """Another version of HTTP is 505, and the connection ends."""
    answer = exchange(plain, opening)
    assert answer.startswith(b"HTTP/1.1 505 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_no_change_later(http2: Served) -> None:
    """HTTP/2 begins with a connection or not at all: after a request it is 505."""
    with connected(http2) as connection:
        connection.sendall(head(http2, "GET", "/livez"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
    answer = exchange(http2, head(http2, "GET", "/livez") + PREFACE + SETTINGS)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 505 " in answer


def test_prior_knowledge_where_it_is_wanted(http2: Served) -> None:
    """With `LOCKER_HTTP2` whoever knows gets HTTP/2, and the others HTTP/1.1 as ever."""
    with httpx.Client(http1=False, http2=True) as client:
        assert client.get(f"{http2.url}/livez").http_version == "HTTP/2"
    assert httpx.get(f"{http2.url}/livez").http_version == "HTTP/1.1"


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://evil.example/livez", "127.0.0.1", 400),
        ("HTTP://evil.example:80/livez", "127.0.0.1", 400),
        ("http://user@127.0.0.1/livez", "127.0.0.1", 400),
        ("https://127.0.0.1/api/v1/cart", "evil.example", 200),
        ("http://127.0.0.1", "evil.example", 200),
        ("http://127.0.0.1?q=tent", "evil.example", 200),
    ],
)
def test_host_of_an_absolute_target(plain: Served, target: str, host: str, status: int) -> None:
    """A target that is a URL says for which host it is, and `Host` doesn't (RFC 9112, 3.2.2)."""
    path = target.replace("/livez", "/api/v1/cart")
    answer = exchange(
        plain, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("target", ["?q=tent", "livez", "ftp://127.0.0.1/x", "http:///livez", "*"])
def test_target_that_is_none(plain: Served, target: str) -> None:
    """What is neither a path nor a URL is 400, and quietly so."""
    answer = exchange(plain, head(plain, "GET", target, "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert "Traceback" not in plain.log()
