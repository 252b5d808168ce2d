"""How commands get at the database."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Concatenate, ParamSpec, TypeVar

import asyncpg

from service import create_app, database
from service.database import Connection, get_db
from service.migrations import SchemaError, is_current
from service.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_WITHIN = 10.0
"""Seconds."""


@asynccontextmanager
async def direct(settings: Settings) -> AsyncIterator[Connection]:
    """Connect without the service's limits, or anything else of it that may not work."""
    async with AsyncExitStack() as stack:
        with _usable_url():
            db = await stack.enter_async_context(database.direct(settings, CONNECT_WITHIN))
        yield db


async def require_schema(db: Connection) -> None:
    """Raise `SchemaError` where a migration is missing. A newer schema is good, as for serving."""
    if not await is_current(db):
        raise SchemaError("the database is to be migrated first; run: locker migrate")


@asynccontextmanager
async def through_app(settings: Settings) -> AsyncIterator[Connection]:
    """Take a connection as a request does; only this one is opened."""
    # What was done stands in the command's own words; what is logged is for the service.
    few = dataclasses.replace(
        settings, pool_min=0, pool_max=1, standby_url="", catalogue_memory=0, log_level="ERROR"
    )
    app = create_app(few)
    await app.startup()
    try:
        async with app.app_context():
            with _usable_url():
                db = await get_db()
            await require_schema(db)
            yield db
    finally:
        await app.shutdown()


def run_through_app(
    settings: Settings,
    action: Callable[Concatenate[Connection, P], Awaitable[T]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Start the service, run the action with its arguments, and stop the service."""

    async def run() -> T:
        async with through_app(settings) as db:
            return await action(db, *args, **kwargs)

    return asyncio.run(run())


@contextmanager
def _usable_url() -> Iterator[None]:
    """Let asyncpg mean what it says elsewhere when a port isn't a number."""
    try:
        yield
    except ValueError as error:
        raise asyncpg.ClientConfigurationError(str(error)) from error
