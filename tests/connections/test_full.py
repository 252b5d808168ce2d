"""Connections have a number; when they are full, the idlest goes, and nobody waits for it."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import ssl
import time
from contextlib import ExitStack, closing, suppress
from typing import Any

import httpx
import pytest
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config

from service.connections import hosting
from service.connections.registry import Bounds, Connections
from service.connections.server import NEWCOMER, Connection, Conversation
from service.settings import Settings
from tests.support.serving import serve
from tests.support.shopping import API, PASSWORD
from tests.support.wire import (
    NEVER_ENDING,
    await_closed,
    connected,
    head,
    never_end,
    read_all,
    speaking_http2,
)

MOST = 8


def test_served_although_full(settings: Settings) -> None:
    """With more connections than there may be, of whatever kind, a shopper is served at once."""
    with serve(settings, max_connections=MOST, http2=True) as served, ExitStack() as stack:
        for name in [*NEVER_ENDING] * 3:
            stack.enter_context(never_end(served, name))
            assert httpx.get(f"{served.url}{API}/cart", timeout=5).status_code == 200
        log = served.log()
        assert log.count("connections ended") == 1  # and not a line for each
        assert "Traceback" not in log


async def test_one_that_has_closed_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose client has just left can be the one to go, and the newcomer has its place."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    bounds = Bounds(connections=1, idle=75, head=1, send=1, drain=1, stop=1, plain_http2=True)
    connections = Connections(bounds)
    loop, context = asyncio.get_running_loop(), WorkerContext(None)
    about: tuple[Any, ...] = (None, loop, Config(), context, {}, reader, writer)
    left, newcomer = Connection(connections, *about), Connection(connections, *about)
    assert connections.admit(left)
    left.has_asked = True  # so that it is no newcomer
    monkeypatch.setattr(Conversation, "held", 1)  # of an answer, by HTTP/2
    writer.transport.abort()
    theirs.close()
    await asyncio.sleep(0.01)
    assert connections.admit(newcomer)
    connections.close()


@pytest.mark.parametrize("http2", [False, True])
def test_log_ins_that_are_refused_give_way(settings: Settings, *, http2: bool) -> None:
    """Log ins without a place before the hasher are kept waiting, and keep nobody else out."""
    with (
        serve(
            settings, max_connections=MOST, hash_queue=0, trusted_proxies=1, http2=True
        ) as served,
        ExitStack() as stack,
    ):
        body = json.dumps({"username": "nobody", "password": PASSWORD})
        for _ in range(MOST * 2):
            if http2:
                client = stack.enter_context(speaking_http2(served))
                fields = client.fields(b"POST", f"{API}/session".encode())
                client.ask(1, [*fields, (b"content-type", b"application/json")], end=False)
                client.state.send_data(1, body.encode(), end_stream=True)
                client.flush()
            else:
                connection = stack.enter_context(connected(served))
                length = f"Content-Length: {len(body)}"
                kind = "Content-Type: application/json"
                request = head(served, "POST", f"{API}/session", kind, length)
                connection.sendall(request + body.encode())
        for _ in range(3):
            assert httpx.get(f"{served.url}{API}/cart", timeout=5).status_code == 200


@pytest.mark.parametrize("name", ["silence", "half a head", "HTTP/2 preface", "pings"])
def test_newcomer_in_a_crowd(settings: Settings, name: str) -> None:
    """A request that comes a moment after its connection is read, though a crowd came between."""
    with serve(settings, max_connections=MOST, http2=True) as served, ExitStack() as stack:
        shopper = stack.enter_context(connected(served))
        crowd = [stack.enter_context(never_end(served, name)) for _ in range(MOST + MOST // 2)]
        shopper.sendall(head(served, "GET", "/livez"))
        assert shopper.recv(65_536).startswith(b"HTTP/1.1 200 ")
        # Nobody is new for long: as many go as are too many, and who asked isn't among them.
        for connection in crowd[: len(crowd) + 1 - MOST]:
            await_closed(connection)
        shopper.sendall(head(served, "GET", "/livez", "Connection: close"))
        assert b"HTTP/1.1 200 " in read_all(shopper)


def test_newcomers_have_a_number(settings: Settings) -> None:
    """Of more newcomers than may come on top, the one goes that has waited longest."""
    with serve(settings, max_connections=MOST) as served, ExitStack() as stack:
        crowd = [stack.enter_context(connected(served)) for _ in range(2 * MOST + 1)]
        assert crowd[0].recv(1) == b""
        crowd[-1].sendall(head(served, "GET", "/livez"))
        assert crowd[-1].recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_newcomers_take_no_place(settings: Settings) -> None:
    """A crowd that has only just come doesn't close a connection that had an answer."""
    with serve(settings, max_connections=MOST) as served, ExitStack() as stack:
        shopper = stack.enter_context(connected(served))
        shopper.sendall(head(served, "GET", "/livez"))
        assert shopper.recv(65_536).startswith(b"HTTP/1.1 200 ")
        for _ in range(MOST + MOST // 2):
            stack.enter_context(connected(served))
        shopper.sendall(head(served, "GET", "/livez", "Connection: close"))
        assert b"HTTP/1.1 200 " in read_all(shopper)


def test_who_is_asking_stays(settings: Settings) -> None:
    """While a body is on its way, whoever had an answer and asks nothing goes first."""
    with serve(settings, max_connections=MOST) as served, ExitStack() as stack:
        kept = [stack.enter_context(connected(served)) for _ in range(MOST - 1)]
        shopper = stack.enter_context(connected(served))
        for connection in kept:
            connection.sendall(head(served, "GET", "/livez"))
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        about = ("Content-Type: application/json", "Content-Length: 2", "Connection: close")
        shopper.sendall(head(served, "POST", f"{API}/session", *about))
        another = stack.enter_context(connected(served))
        another.sendall(head(served, "GET", "/livez"))
        assert another.recv(65_536).startswith(b"HTTP/1.1 200 ")
        await_closed(kept[0])
        shopper.sendall(b"{}")
        assert b"HTTP/1.1 422 " in read_all(shopper)


def test_who_asked_stays(settings: Settings) -> None:
    """A connection that had an answer is kept while others said nothing in their time."""
    with serve(settings, max_connections=MOST) as served, ExitStack() as stack:
        shopper = stack.enter_context(connected(served))
        shopper.sendall(head(served, "GET", "/livez"))
        assert shopper.recv(65_536).startswith(b"HTTP/1.1 200 ")
        for _ in range(MOST - 1):
            stack.enter_context(connected(served))
        time.sleep(NEWCOMER + 0.5)
        for _ in range(MOST - 2):
            stack.enter_context(connected(served))
        last = stack.enter_context(connected(served))
        for connection in (last, shopper):
            connection.sendall(head(served, "GET", "/livez", "Connection: close"))
            assert b"HTTP/1.1 200 " in read_all(connection)


async def test_tls_that_does_not_begin_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that connect and say nothing of TLS are bounded; of too many the oldest goes."""
    monkeypatch.setattr(hosting, "FEWEST_HANDSHAKES", 2)
    bounds = Bounds(connections=2, idle=75, head=1, send=1, drain=1, stop=1, plain_http2=False)
    loop = asyncio.get_running_loop()
    hosting.bound_handshakes(loop, Connections(bounds))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(20):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        for reader, _ in silent[:2]:
            assert await reader.read() == b""
        assert not any(reader.at_eof() for reader, _ in silent[2:])
        for _, writer in silent:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def test_no_descriptors_left(settings: Settings) -> None:
    """Where the system has no descriptor left, it is said once a minute, and served afterwards."""
    with serve(settings, max_connections=1000) as served, ExitStack() as stack:
        resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (48, 48))
        crowd = [stack.enter_context(closing(socket.socket())) for _ in range(100)]
        for connection in crowd:
            connection.connect(("127.0.0.1", served.port))
        # Its answer can't come, so it takes as long as one is willing to wait.
        with connected(served) as another:
            another.settimeout(3)
            another.sendall(head(served, "GET", "/livez"))
            with suppress(TimeoutError):
                another.recv(1)
        stack.close()
        assert httpx.get(f"{served.url}/livez", timeout=20).status_code == 200
        assert served.log().count("out of system resource") == 1
        assert len(served.log()) < 10_000
