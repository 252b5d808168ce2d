"""Lines of the log are written beside the requests, and hold up none of them."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from quart import Quart

from service.metrics import log_lines_dropped
from service.ops import configure_logging, init_logging
from service.ops.log_writer import AT_ONCE, MOST_WAITING, LogWriter
from service.settings import Settings
from tests.support.serving import serve


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe's end to read from, and its end to write to."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def dropped() -> float:
    (family,) = log_lines_dropped.collect()
    return family.samples[0].value


def fill(writing: int) -> int:
    """Fill a pipe; returns the bytes that it took."""
    os.set_blocking(writing, False)
    taken = 0
    try:
        while True:
            taken += os.write(writing, b"x" * AT_ONCE)
    except BlockingIOError:
        os.set_blocking(writing, True)
        return taken


def test_all_is_written_in_its_order(tmp_path: Path) -> None:
    """Lines come out whole and in their order, whatever their length, and all before the end."""
    lines = [b"%d %s\n" % (number, b"x" * (number * 7 % 6000)) for number in range(500)]
    path = tmp_path / "log"
    with path.open("wb") as file:
        writer = LogWriter(file.fileno())
        for line in lines:
            writer.put(line)
        writer.close()
    assert path.read_bytes() == b"".join(lines)


def test_no_line_is_torn(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written at once are whole lines, and no more than a pipe takes in one piece."""
    wrote: list[bytes] = []

    def note(_: int, content: bytes) -> int:
        wrote.append(content)
        return len(content)

    monkeypatch.setattr(os, "write", note)
    writer = LogWriter(pipe[1])
    for number in range(1000):
        writer.put(b"%d\n" % number)
    writer.close()
    assert b"".join(wrote) == b"".join(b"%d\n" % number for number in range(1000))
    for piece in wrote:
        assert piece.endswith(b"\n")
        assert len(piece) <= AT_ONCE


def test_who_takes_nothing_is_not_waited_for(pipe: tuple[int, int]) -> None:
    """Where nobody takes the lines, those beyond a bound are dropped and counted."""
    reading, writing = pipe
    before = dropped()
    writer = LogWriter(writing)
    line = b"x" * 999 + b"\n"
    count = MOST_WAITING // len(line)
    for _ in range(count + 7):
        writer.put(line)
    assert dropped() - before == 7
    # Then somebody does.
    left = count * len(line)
    while left:
        left -= len(os.read(reading, left))
    writer.close()


def test_lines_for_nobody_are_counted() -> None:
    """Where whoever took the lines is gone they are lost, and counted, and nothing fails."""
    before = dropped()
    reading, writing = os.pipe()
    os.close(reading)
    writer = LogWriter(writing)
    writer.put(b"lost\n")
    writer.close()
    os.close(writing)
    assert dropped() - before == 1


@pytest.mark.usefixtures("as_before")
async def test_a_log_that_nobody_takes_holds_up_no_request(
    production: Settings, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the service serves, a line that is not taken makes nobody wait."""
    reading, writing = pipe
    full = fill(writing)
    with os.fdopen(os.dup(writing), "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        configure_logging(production)
        app = Quart(__name__)
        init_logging(app, production)
        await app.startup()
        logging.getLogger("other").info("something")
        while full:
            full -= len(os.read(reading, full))
        await app.shutdown()
        assert json.loads(os.read(reading, AT_ONCE))["event"] == "something"
        logging.getLogger("other").info("the end")
        assert json.loads(os.read(reading, AT_ONCE))["event"] == "the end"


def test_a_line_waits_for_no_other(production: Settings) -> None:
    """A request's line is there soon after it, whatever comes next: an end by SIGKILL, say."""
    with serve(production, program="locker") as served:
        httpx.get(f"{served.url}/nothing")
        deadline = time.monotonic() + 10
        while "/nothing" not in served.log() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert served.stop(signal.SIGKILL) == -signal.SIGKILL
        assert "/nothing" in served.log()
