"""What Hypercorn does by itself, without which service/connections would not be needed.

When one of these fails, a new version does better: take out what is here for it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import hypercorn.asyncio
import pytest
from hypercorn.config import Config

from tests.support.wire import PREFACE, SETTINGS


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def speaking_to_hypercorn(
    config: Config | None = None,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = config or Config()
    config.bind = [f"fd://{listener.detach()}"]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield reader, writer
        writer.close()
        stop.set()


def test_version() -> None:
    """Hypercorn is of the version whose code was read; another one's is to be read first."""
    assert version("hypercorn").startswith("0.18.")


async def test_upgrade_to_h2c_is_taken() -> None:
    """`Upgrade: h2c` is answered with 101, and no option is there to say no."""
    async with speaking_to_hypercorn() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 101")
    assert not any("h2c" in name for name in dir(Config))


async def test_prior_knowledge_is_taken() -> None:
    """HTTP/2 begins on a plain socket for whoever says so."""
    async with speaking_to_hypercorn() as (reader, writer):
        writer.write(PREFACE + SETTINGS)
        assert (await reader.readexactly(9))[3] == 4  # SETTINGS


async def test_silence_in_http2_has_no_end() -> None:
    """After the preface of HTTP/2, `keep_alive_timeout` no longer counts."""
    config = Config()
    config.keep_alive_timeout = 0.1
    async with speaking_to_hypercorn(config) as (reader, writer):
        writer.write(PREFACE + SETTINGS)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 1)
