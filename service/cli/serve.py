"""`locker serve`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from service.ops import configure_logging
from service.settings import Settings

from .hosting import host, open_sockets


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A hypercorn.toml of your own; LOCKER_BIND stays in force.",
)
def serve(config: Path | None) -> None:
    """Serve on LOCKER_BIND, until SIGTERM or Ctrl-C."""
    settings = Settings.from_env()
    configure_logging(settings)
    hosting = open_sockets(settings.bind, config)
    asyncio.run(host(settings, hosting))
