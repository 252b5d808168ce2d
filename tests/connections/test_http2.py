"""With HTTP/2, a stream's fault stays its own, and what a connection takes has bounds."""

from __future__ import annotations

from contextlib import ExitStack

import asyncpg
import pytest
from h2.events import ConnectionTerminated

from tests.support.serving import Served
from tests.support.shopping import API
from tests.support.wire import (
    PREFACE,
    SETTINGS,
    Fields,
    connected,
    exchange,
    frame,
    never_end,
    speaking_http2,
)

HOST = (b":authority", b"127.0.0.1")
GET, HTTP = (b":method", b"GET"), (b":scheme", b"http")


@pytest.mark.parametrize(
    "fields",
    [
        [GET, HTTP, HOST, (b":path", b"/caf\xc3\xa9")],
        [GET, HTTP, HOST, (b":path", b"/\xff?q=\xff")],
        [GET, HTTP, HOST, (b":path", b"?q=tent")],
        [GET, HTTP, HOST, (b":path", b"livez")],
        [(b":method", b"G\xc9T"), HTTP, HOST, (b":path", b"/livez")],
        [(b":method", b"GET /x"), HTTP, HOST, (b":path", b"/livez")],
        [GET, HTTP, (b":authority", b"caf\xc3\xa9.example"), (b":path", b"/livez")],
        [(b":method", b"CONNECT"), HOST],
    ],
    ids=str,
)
def test_fields_that_http1_could_not_have(http2: Served, fields: Fields) -> None:
    """Such a request is 400 by itself: its neighbours are answered, and nothing is logged."""
    with speaking_http2(http2) as client:
        client.ask(1, client.fields(b"GET", f"{API}/products".encode()))
        client.ask(3, fields)
        client.ask(5, client.fields())
        assert [client.answer(stream) for stream in (1, 3, 5)] == [200, 400, 200]
    assert "Traceback" not in http2.log()


@pytest.mark.parametrize(
    "fields",
    [
        [HTTP, HOST, (b":path", b"/livez")],
        [GET, HTTP, HOST, (b":path", b"")],
        [GET, HTTP, HOST, (b":path", b"/livez"), (b":path", b"/livez")],
        [GET, HTTP, HOST, (b":path", b"/livez"), (b":foo", b"x")],
        [GET, HTTP, HOST, (b":path", b"/livez"), (b"connection", b"close")],
        [GET, HTTP, HOST, (b":path", b"/livez"), (b"Upper", b"x")],
    ],
    ids=str,
)
def test_fields_that_http2_forbids(http2: Served, fields: Fields) -> None:
    """Fields that HTTP/2 forbids end the connection, and quietly."""
    with speaking_http2(http2) as client:
        client.ask(1, fields)
        assert client.answer(1) in {"none", "reset"}
    assert "Traceback" not in http2.log()


async def test_neighbour_in_flight(
    http2: Served, observer: asyncpg.Connection[asyncpg.Record]
) -> None:
    """A request that waits for the database is answered, whatever else comes meanwhile."""
    async with observer.transaction():
        await observer.execute("lock table products in access exclusive mode")
        with speaking_http2(http2) as client:
            client.ask(1, client.fields(b"GET", f"{API}/products".encode()))
            client.ask(3, [GET, HTTP, HOST, (b":path", b"/caf\xc3\xa9")])
            assert client.answer(3) == 400
            await observer.execute("rollback; begin")
            assert client.answer(1) == 200


def test_body_after_the_answer(http2: Served) -> None:
    """What of a body comes after its answer disturbs nobody."""
    with speaking_http2(http2) as client:
        client.ask(1, client.fields(b"POST", b"/nothing"), end=False)
        assert client.answer(1) == 404
        client.socket.sendall(frame(0, 0, 1, b"x" * 100) + frame(0, 1, 1, b"x"))
        client.ask(3, client.fields())
        assert client.answer(3) == 200
    assert "Traceback" not in http2.log()


@pytest.mark.parametrize(
    "flood",
    [
        frame(6, payload=bytes(8)),  # PING
        SETTINGS,
        frame(2, stream=3, payload=bytes(5)),  # PRIORITY
        frame(8, payload=b"\x00\x00\x00\x01"),  # WINDOW_UPDATE
        frame(0x20),  # of a kind that nobody knows
    ],
    ids=["ping", "settings", "priority", "window update", "unknown"],
)
def test_flood_of_frames(http2: Served, flood: bytes) -> None:
    """A connection with thousands of frames that ask for nothing is closed."""
    with connected(http2) as connection:
        try:
            connection.sendall(PREFACE + SETTINGS + flood * 20_000)
            while connection.recv(65_536):
                pass
        except ConnectionError:
            pass


def test_flood_of_resets(http2: Served) -> None:
    """A connection that opens streams to reset them, thousands of times, is closed."""
    with speaking_http2(http2) as client:
        for stream in range(1, 2001, 2):
            client.ask(stream, client.fields())
            client.state.reset_stream(stream)
        client.read(lambda: False)
        assert any(isinstance(event, ConnectionTerminated) for event in client.events)


def test_many_requests(http2: Served) -> None:
    """A connection that asks for a lot, one after the other, is no flood."""
    with speaking_http2(http2) as client:
        for stream in range(1, 1001, 2):
            client.ask(stream, client.fields())
            assert client.answer(stream) == 200


def test_junk(http2: Served) -> None:
    """What isn't HTTP/2 after its preface ends the connection, and quietly."""
    too_long = (16_385).to_bytes(3, "big") + bytes(6)
    for junk in (
        too_long,
        b"\xff" * 9,
        b"GET / HTTP/1.1\r\n\r\n" * 9,
        frame(1, 4, 1, b"\xff" * 20),
    ):
        exchange(http2, PREFACE + SETTINGS + junk)
    assert "Traceback" not in http2.log()


@pytest.mark.parametrize("name", ["window 0", "unread answers"])
def test_answers_not_taken_take_little_memory(http2: Served, name: str) -> None:
    """Answers of 1.7 MB each, for whoever takes none of them, aren't kept ready."""
    never_end(http2, name).close()
    before = http2.peak_memory()
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(never_end(http2, name))
        with speaking_http2(http2) as client:
            for stream in range(1, 200, 2):
                client.ask(stream, client.fields())
                assert client.answer(stream) == 200
        assert http2.peak_memory() - before < 20_000_000
