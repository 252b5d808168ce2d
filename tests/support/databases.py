"""Databases for tests that need one to themselves."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.conftest import drop_database, with_database


@asynccontextmanager
async def empty_database(server_url: str) -> AsyncIterator[str]:
    """Make a database without tables, and drop it at the end."""
    name = f"locker_test_{secrets.token_hex(6)}"
    server = await asyncpg.connect(server_url)
    try:
        await server.execute(f"create database {name}")
        try:
            yield with_database(server_url, name)
        finally:
            await drop_database(server, name)
    finally:
        await server.close()
