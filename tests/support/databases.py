"""Databases of a server: the run's, and those that a test has to itself."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg


@asynccontextmanager
async def new_database(server_url: str, template: str | None = None) -> AsyncIterator[str]:
    """Make a database, as a copy of another one or else without tables; drop it at the end."""
    name = f"locker_test_{secrets.token_hex(6)}"
    server = await asyncpg.connect(server_url)
    copy = f" template {template}" if template else ""
    await server.execute(f"create database {name}{copy}")
    await server.close()
    try:
        yield with_database(server_url, name)
    finally:
        server = await asyncpg.connect(server_url)
        await drop_database(server, name)
        await server.close()


@contextmanager
def lasting_database(
    server_url: str,
    template: str | None = None,
    prepare: Callable[[str], Coroutine[Any, Any, None]] | None = None,
) -> Iterator[str]:
    """Do as `new_database`, for fixtures of a module or a run; ``prepare`` is given the URL."""
    with asyncio.Runner() as runner:
        database = new_database(server_url, template)
        url = runner.run(database.__aenter__())
        if prepare is not None:
            runner.run(prepare(url))
        yield url
        runner.run(database.__aexit__(None, None, None))


def with_database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    parts = url.split("?", 1)
    return "?".join([parts[0].rsplit("/", 1)[0] + f"/{name}", *parts[1:]])


def name_of(url: str) -> str:
    """Return the name of a URL's database."""
    return url.split("?", 1)[0].rpartition("/")[2]


async def drop_database(server: asyncpg.Connection[asyncpg.Record], name: str) -> None:
    """Drop it, whoever of us is still connected.

    Without FORCE, which fails now and then: it would end autovacuum too, and may not.
    """
    await server.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = $1 and usename = current_user",
        name,
    )
    await server.execute(f"drop database {name}")
