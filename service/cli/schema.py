"""`locker migrate`."""

from __future__ import annotations

import asyncio

import click

from service import accounts, schema
from service.settings import Settings

from .database import direct


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail if there is something to do.")
def migrate(*, check: bool) -> None:
    """Bring the database's schema up to date.

    Safe to run while the service runs, and twice at once.
    """
    names, alike = asyncio.run(_migrate(Settings.from_env(serving=False).database_url, check=check))
    for name in alike:
        click.echo(f"The user name {name} looks like an older account's, and stays as it is.")
    for name in names:
        click.echo(f"{'pending' if check else 'applied'} {name}")
    if not names:
        click.echo("The schema is up to date.")
    elif check:
        raise SystemExit(1)


async def _migrate(url: str, *, check: bool) -> tuple[list[str], list[str]]:
    async with direct(url) as db:
        if check:
            return await schema.pending(db), []
        return await schema.migrate(db), await accounts.fill_skeletons(db)
