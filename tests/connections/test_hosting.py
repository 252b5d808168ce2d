"""Connections are ours where Hypercorn hosts the service, and nowhere else."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import hypercorn.asyncio
import hypercorn.asyncio.run
import pytest
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config

from service import create_app
from service.settings import Settings
from tests.connections.test_hypercorn import app as another_app

UPGRADE = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def hosted(app: Any) -> AsyncIterator[int]:
    """Serve with Hypercorn in this process; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait))
        yield port
        stop.set()


async def status_of_upgrade(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(UPGRADE)
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


def test_others_are_left_alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service made by something else, such as a test, leaves Hypercorn as it is."""
    monkeypatch.setattr(hypercorn.asyncio.run, "TCPServer", TCPServer)
    create_app(settings)
    assert hypercorn.asyncio.run.TCPServer is TCPServer  # type: ignore[attr-defined]


async def test_its_own_connections_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hosted any number of times, it sees to its own, and not to another application's."""
    monkeypatch.setattr(hypercorn.asyncio.run, "TCPServer", TCPServer)
    one, two = create_app(settings), create_app(settings)
    async with hosted(one) as first, hosted(two) as second, hosted(another_app) as third:
        statuses = [await status_of_upgrade(port) for port in (first, second, third)]
    assert statuses == [200, 200, 101]


async def test_what_proxies_say_is_believed_under_hypercorn(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hypercorn copies what a request knows for that, and there is nothing that can't be copied."""
    monkeypatch.setattr(hypercorn.asyncio.run, "TCPServer", TCPServer)
    app = create_app(dataclasses.replace(settings, trusted_proxies=1))
    async with hosted(app) as port:
        for _ in range(2):
            assert await status_of_upgrade(port) == 200
