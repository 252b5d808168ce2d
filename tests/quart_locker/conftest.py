"""A database for applications of other people's."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator

import asyncpg
import pytest
from quart import Quart

from quart_locker import PooledConnection
from tests.support.databases import drop_database, with_database


@pytest.fixture(scope="session")
def dsn(server_url: str) -> Iterator[str]:
    """An empty database."""
    name = f"somebody_elses_{secrets.token_hex(6)}"

    async def create() -> None:
        server = await asyncpg.connect(server_url)
        await server.execute(f"create database {name}")
        await server.close()

    async def drop() -> None:
        server = await asyncpg.connect(server_url)
        await drop_database(server, name)
        await server.close()

    asyncio.run(create())
    yield with_database(server_url, name)
    asyncio.run(drop())


async def settle(app: Quart, db: PooledConnection) -> int:
    """Return how many connections are free, once those on their way back have arrived."""
    async with app.app_context():
        pool = db.pool
    await pool.settle()
    return pool.idle
