"""`locker migrate`."""

from __future__ import annotations

import asyncio

import click

from service import accounts
from service import migrations as schema
from service.catalogue import change_search_language, select_search_language
from service.settings import Settings

from .database import direct


@click.command(short_help="Bring the schema and the search up to date.")
@click.option("--check", is_flag=True, help="Change nothing; fail if there is something to do.")
def migrate(*, check: bool) -> None:
    """Bring the database's schema up to date, and the search to LOCKER_SEARCH_LANGUAGE.

    Safe to run while the service runs, and twice at once.
    """
    names, alike = asyncio.run(_migrate(Settings.from_env(serving=False), check=check))
    for name in alike:
        click.echo(f"The user name {name} looks like an older account's, and stays as it is.")
    for name in names:
        click.echo(f"{'pending' if check else 'applied'} {name}")
    if not names:
        click.echo("The schema is up to date.")
    elif check:
        raise SystemExit(1)


async def _migrate(settings: Settings, *, check: bool) -> tuple[list[str], list[str]]:
    language = settings.search_language
    search = [f"search in {language}"]
    async with direct(settings) as db:
        if check:
            names = await schema.pending(db)
            if not names and await select_search_language(db) != language:
                names = search
            return names, []
        names = await schema.migrate(db)
        alike = await accounts.fill_skeletons(db)
        if await change_search_language(db, language):
            names += search
        return names, alike
