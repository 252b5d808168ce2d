"""Every connection ends, whatever its client does or doesn't, and so does the process."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from service.settings import Settings
from tests.support.serving import Served, serve
from tests.support.wire import (
    LARGE,
    NEVER_ENDING,
    connected,
    frame,
    head,
    never_end,
    read_all,
    speaking_http2,
)

SOON: dict[str, Any] = {"body_timeout": 1, "send_timeout": 1, "http2": True}


def open_files(served: Served) -> Callable[[], list[Path]]:
    """Return what lists the files that a service has open, connections among them."""
    files = Path(f"/proc/{served.process.pid}/fd")
    if not files.exists():
        pytest.skip("the open files of a process are read from /proc")
    return lambda: list(files.iterdir())


def await_as_few(files: Callable[[], list[Path]], most: int) -> None:
    """Wait until so few are open; pytest's own limit ends a wait in vain."""
    while len(files()) > most:
        time.sleep(0.02)


def test_waits_end(settings: Settings) -> None:
    """Waiting for a head, a body, or for a client to take its answer ends, by any protocol."""
    with serve(settings, options=["--keep-alive", "1"], **SOON) as served, ExitStack() as stack:
        files = open_files(served)
        before = len(files())
        for name in NEVER_ENDING:
            stack.enter_context(never_end(served, name))
        # Nobody reads what it has to say, and so nobody's reading ends the wait.
        await_as_few(files, before)
        assert httpx.get(f"{served.url}/livez").status_code == 200
        assert "Traceback" not in served.log()


def test_dripping_ends(settings: Settings) -> None:
    """A byte now and then prolongs nothing: of a head, of an answer taken; nor does a ping."""
    with serve(settings, options=["--keep-alive", "2"], **SOON) as served, ExitStack() as stack:
        before = len(open_files(served)())
        slow_head = stack.enter_context(never_end(served, "half a head"))
        slow_reader = stack.enter_context(never_end(served, "unread answers"))
        pings = stack.enter_context(never_end(served, "HTTP/2 preface"))
        files = open_files(served)
        while len(files()) > before:
            with suppress(OSError):
                slow_head.sendall(b"x")
            with suppress(OSError):
                pings.sendall(frame(6, payload=bytes(8)))
            with suppress(OSError):
                slow_reader.recv(1)
            time.sleep(0.1)  # as slowly as they drip
        assert len(read_all(slow_reader)) < 1_000_000


@pytest.mark.parametrize("program", ["hypercorn", "locker"])
def test_stops(settings: Settings, program: Literal["hypercorn", "locker"]) -> None:
    """SIGTERM ends the process with 0 while such clients are there, and after worse ones."""
    with serve(settings, program=program, **SOON) as served, ExitStack() as stack:
        for name in NEVER_ENDING:
            stack.enter_context(never_end(served, name))
        with speaking_http2(served) as client:
            client.ask(1, client.fields(b"GET", b"/caf\xc3\xa9"))
            client.ask(3, client.fields(b"GET", LARGE.encode()))
            client.flush()
        with connected(served) as connection:
            connection.sendall(head(served, "GET", "/nope", "Upgrade: websocket"))
        assert httpx.get(f"{served.url}/livez").status_code == 200
        assert served.stop() == 0
        assert "Traceback" not in served.log()


def test_stops_within_its_bound(settings: Settings) -> None:
    """At a stop `graceful_timeout` ends what a client might go on with for long."""
    options = ["--graceful-timeout", "2"]
    with serve(settings, options=options, http2=True, body_timeout=600) as served:
        with ExitStack() as stack:
            for name in NEVER_ENDING:
                stack.enter_context(never_end(served, name))
            assert httpx.get(f"{served.url}/livez").status_code == 200
            began = time.monotonic()
            assert served.stop() == 0
            assert time.monotonic() - began < 10
        assert "Traceback" not in served.log()


def test_what_the_client_closed(settings: Settings) -> None:
    """A connection that its client has closed is no more, whatever it was waiting for."""
    with serve(settings, http2=True) as served:
        files = open_files(served)
        before = len(files())
        for name in NEVER_ENDING:
            never_end(served, name).close()
        await_as_few(files, before)
