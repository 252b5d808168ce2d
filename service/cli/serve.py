"""`locker serve`."""

from __future__ import annotations

import asyncio
import logging

import asyncpg
import click
from hypercorn.config import Config

from service.database import PoolerFound
from service.migrations import is_current
from service.ops import configure_logging
from service.settings import Settings, misspelt

from .database import direct
from .hosting import host, open_sockets

logger = logging.getLogger(__name__)

ASKED_WITHIN = 2.0
"""Seconds; a database that is away must not keep the service from starting."""


@click.command()
def serve() -> None:
    """Serve on LOCKER_BIND, until SIGTERM or Ctrl-C."""
    settings = Settings.from_env()
    configure_logging(settings)
    for name, nearest in misspelt().items():
        logger.warning("%s is no setting%s", name, f"; is it {nearest}?" if nearest else "")
    asyncio.run(_serve(settings, open_sockets(settings.bind, "name another in LOCKER_BIND")))


async def _serve(settings: Settings, config: Config) -> None:
    if settings.pool_min:
        # Such a start needs the database. Without it this is one line, and later a traceback.
        async with direct(settings):
            pass
    await _warn_of_schema(settings)
    await host(settings, config)


async def _warn_of_schema(settings: Settings) -> None:
    """Say what only `/readyz` would say. It is no error: the migration may come later."""
    try:
        async with asyncio.timeout(ASKED_WITHIN), direct(settings) as db:
            if not await is_current(db):
                logger.warning("the database is to be migrated first; run: locker migrate")
    except PoolerFound:
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        logger.warning("the database can't be reached; until it can, /readyz fails")
