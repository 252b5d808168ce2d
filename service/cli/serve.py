"""`locker serve`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from service.ops import configure_logging
from service.settings import Settings

from .database import direct
from .hosting import host, open_sockets

if TYPE_CHECKING:
    from hypercorn.config import Config


@click.command()
def serve() -> None:
    """Serve on LOCKER_BIND, until SIGTERM or Ctrl-C."""
    settings = Settings.from_env()
    configure_logging(settings)
    asyncio.run(_serve(settings, open_sockets(settings.bind)))


async def _serve(settings: Settings, config: Config) -> None:
    if settings.pool_min:
        # Such a start needs the database. Without it this is one line, and later a traceback.
        async with direct(settings.database_url):
            pass
    await host(settings, config)
