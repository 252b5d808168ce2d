"""Where a request ends is read in one way, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.settings import Settings
from tests.support.serving import Served, serve
from tests.support.shopping import API
from tests.support.wire import exchange, head

CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    with serve(settings, body_timeout=2) as served:
        yield served


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 4", CHUNKED),
        (CHUNKED, "Content-Length: 4"),
        ("Content-Length: 0", CHUNKED),
        ("content-length: 5", "transfer-encoding: Chunked"),
        ("Content-Length: 5, 5", CHUNKED),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", f"{API}/cart/lines"), ("GET", "/livez"), ("POST", "/nothing")]
)
def test_two_lengths(served: Served, method: str, path: str, fields: tuple[str, ...]) -> None:
    """A length and chunks together are 400 on every route, and nothing after them is read."""
    opening = head(served, method, path, "Content-Type: application/json", *fields)
    answer = exchange(served, opening + b"0\r\n\r\n" + head(served, "GET", "/livez"))
    top, *others = answer.split(b"HTTP/1.1 ")[1:]
    assert top.startswith(b"400 ")
    assert b"connection: close" in top.lower()
    assert not others


def test_chunks_before_http_1_1(served: Served) -> None:
    """HTTP/1.0 has no chunks: whoever passed them on didn't look (RFC 9112, 6.1)."""
    opening = head(served, "POST", f"{API}/session", CHUNKED, "Connection: keep-alive")
    answer = exchange(served, opening.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "field",
    [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Content-Length: +4",
        "Content-Length: 4, 5",
        "Content-Length : 4",
        "Content-Length: 0x4",
    ],
)
def test_lengths_that_are_none(served: Served, field: str) -> None:
    """What is neither a length nor chunks is refused, and the connection ends."""
    answer = exchange(
        served, head(served, "POST", f"{API}/session", field) + head(served, "GET", "/livez")
    )
    assert answer[9:12] in {b"400", b"501"}
    assert answer.count(b"HTTP/1.1 ") == 1
