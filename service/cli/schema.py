"""`locker migrate`."""

from __future__ import annotations

import asyncio

import click

from service import schema
from service.settings import Settings

from .database import direct


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail if there is something to do.")
def migrate(*, check: bool) -> None:
    """Bring the database's schema up to date.

    Safe to run while the service runs, and twice at once.
    """
    names = asyncio.run(_migrate(Settings.from_env(serving=False).database_url, check=check))
    for name in names:
        click.echo(f"{'pending' if check else 'applied'} {name}")
    if not names:
        click.echo("The schema is up to date.")
    elif check:
        raise SystemExit(1)


async def _migrate(url: str, *, check: bool) -> list[str]:
    async with direct(url) as db:
        return await (schema.pending if check else schema.migrate)(db)
