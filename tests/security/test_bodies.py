"""Bodies too large and too slow, against a real server."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from select import select

import httpx
import pytest
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)

from service.settings import Settings
from tests.support.serving import Served, serve
from tests.support.shopping import API

MIB = 1 << 20
SENT = 200 * MIB
MOST_MEMORY = 25 * MIB

READS = ("POST", f"{API}/session")
READS_NOT = ("DELETE", f"{API}/session")


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    with serve(settings, body_timeout=1, http2=True) as served:
        httpx.get(f"{served.url}/readyz")
        yield served


def head(served: Served, method: str, path: str, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{served.port}", *more, "", ""]
    return "\r\n".join(lines).encode()


def send_and_read(served: Served, opening: bytes, pieces: Iterator[bytes]) -> bytes:
    """Send until the server has enough, and return what it answered until it closed."""
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=30)) as connection:
        try:
            connection.sendall(opening)
            for piece in pieces:
                connection.sendall(piece)
        except ConnectionError:
            pass  # it has answered, and closed
        answer = b""
        try:
            while data := connection.recv(65_536):
                answer += data
        except ConnectionError:
            pass
    return answer


def check_refused(answer: bytes, status: int, code: str) -> None:
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(f"HTTP/1.1 {status} ".encode()), answer[:300]
    assert b"connection: close" in top.lower()
    assert json.loads(body)["code"] == code


@pytest.mark.parametrize("chunked", [True, False])
def test_200_mib_are_refused_in_little_memory(served: Served, *, chunked: bool) -> None:
    """413, in chunks and by Content-Length, on routes that read and on those that don't."""
    before = served.peak_memory()
    piece = b" " * 65_536
    framed = b"10000\r\n" + piece + b"\r\n" if chunked else piece
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SENT}"
    for method, path in (READS, READS_NOT, ("GET", f"{API}/cart"), ("GET", "/livez")):
        opening = head(served, method, path, "Content-Type: application/json", length)
        pieces = (framed for _ in range(SENT // len(piece)))
        check_refused(send_and_read(served, opening, pieces), 413, "too_large")
    assert served.peak_memory() - before < MOST_MEMORY


@pytest.mark.parametrize(("method", "path"), [READS, READS_NOT])
def test_200_mib_by_http2_are_refused_in_little_memory(
    served: Served, method: str, path: str
) -> None:
    """The same without a length, as HTTP/2 may."""
    before = served.peak_memory()
    statuses: list[bytes] = []
    http2, sent, over = H2Connection(), 0, False
    http2.initiate_connection()
    http2.send_headers(
        1,
        [
            (":method", method),
            (":path", path),
            (":scheme", "http"),
            (":authority", f"127.0.0.1:{served.port}"),
            ("content-type", "application/json"),
        ],
    )
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=30)) as connection:
        while not over:
            room = min(http2.local_flow_control_window(1), http2.max_outbound_frame_size)
            if room and not statuses and sent < SENT:
                http2.send_data(1, b" " * room, end_stream=sent + room >= SENT)
                sent += room
            connection.sendall(http2.data_to_send())
            if room and not statuses and sent < SENT and not select([connection], [], [], 0)[0]:
                continue
            for event in http2.receive_data(connection.recv(65_536)):
                if isinstance(event, ResponseReceived):
                    statuses.append(dict(event.headers)[b":status"])
                elif isinstance(event, DataReceived):
                    http2.acknowledge_received_data(event.flow_controlled_length, 1)
                over = over or isinstance(event, StreamEnded | StreamReset | ConnectionTerminated)
    assert statuses == [b"413"]
    assert served.peak_memory() - before < MOST_MEMORY


def test_slow_body_is_given_up(served: Served) -> None:
    """A body that doesn't come in time is 408, and the connection ends, read or not."""
    openings = [
        head(served, *route, "Content-Type: application/json", length)
        for route in (READS, READS_NOT)
        for length in ("Content-Length: 100", "Transfer-Encoding: chunked")
    ]
    with ThreadPoolExecutor(len(openings)) as threads:
        for answer in threads.map(lambda o: send_and_read(served, o, iter(())), openings):
            check_refused(answer, 408, "request_timeout")


def test_dripping_body_is_given_up(served: Served) -> None:
    """The time is for the whole body: a byte now and then doesn't extend it."""
    opening = head(served, *READS, "Content-Type: application/json", "Content-Length: 1000")

    def drip() -> Iterator[bytes]:
        for _ in range(25):
            yield b" "
            time.sleep(0.1)

    check_refused(send_and_read(served, opening, drip()), 408, "request_timeout")


def test_answer_before_the_body_ends_the_connection(served: Served) -> None:
    """An answer that doesn't wait for the body says that the connection ends."""
    opening = head(served, "POST", "/nothing", "Content-Length: 1000")
    check_refused(send_and_read(served, opening, iter(())), 404, "not_found")


def test_answer_after_the_body_keeps_the_connection(served: Served) -> None:
    """With the body read, whoever sent it may go on, also after an error and without a view."""
    with httpx.Client(base_url=served.url) as client:
        for method, path in (READS, READS_NOT, ("POST", f"{API}/cart/lines")):
            response = client.request(method, path, content=b"{}" * 30_000)
            assert response.status_code < 500
            assert "connection" not in response.headers


def test_body_of_the_allowed_size_is_read(served: Served, settings: Settings) -> None:
    """The limit is what may be sent, not the first size refused."""
    body = b'{"username": "x", "password": "x"}'
    with httpx.Client(base_url=served.url) as client:
        for size, status in ((settings.max_body, 401), (settings.max_body + 1, 413)):
            response = client.post(
                f"{API}/session",
                content=body.ljust(size),
                headers={"Content-Type": "application/json"},
            )
            assert response.status_code == status
