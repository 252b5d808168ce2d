"""`locker migrate`."""

from __future__ import annotations

import asyncio

import click

from service import accounts
from service import migrations as schema
from service.catalogue import change_search_language, select_search_language
from service.settings import Settings

from .database import direct
from .output import echo_json, json_option


@click.command(short_help="Bring the schema and the search up to date.")
@click.option("--check", is_flag=True, help="Change nothing; fail if there is something to do.")
@click.option("--grant", "role", metavar="ROLE", help="Let this role serve, and no more than that.")
@click.option(
    "--grant-reading",
    "reader",
    metavar="ROLE",
    help="Let this role read the public catalogue alone, as on a standby.",
)
@json_option
def migrate(*, check: bool, role: str | None, reader: str | None, as_json: bool) -> None:
    """Bring the database's schema up to date, and the search to LOCKER_SEARCH_LANGUAGE.

    Safe to run while the service runs, and twice at once. With --grant the role that serves may
    read and write rows as far as that takes, and do nothing else; the tables belong to the role
    that migrates.
    """
    if check and (role or reader):
        raise click.UsageError("--check changes nothing, and --grant does.")
    if role and role == reader:
        raise click.UsageError("What serves does more than read: name two roles.")
    settings = Settings.from_env(serving=False)
    names, alike = asyncio.run(_migrate(settings, check=check, role=role, reader=reader))
    if as_json:
        echo_json(
            {
                "pending" if check else "applied": names,
                "looks_alike": alike,
                "granted": role,
                "granted_reading": reader,
            }
        )
    else:
        _say(names, alike, check=check)
        if role:
            click.echo(f"{role} may do what serving takes.")
        if reader:
            click.echo(f"{reader} may read the public catalogue.")
    if check and names:
        raise SystemExit(1)


def _say(names: list[str], alike: list[str], *, check: bool) -> None:
    for name in alike:
        click.echo(f"The user name {name} looks like an older account's, and stays as it is.")
    for name in names:
        click.echo(f"{'pending' if check else 'applied'} {name}")
    if not names:
        click.echo("The schema is up to date.")


async def _migrate(
    settings: Settings, *, check: bool, role: str | None, reader: str | None
) -> tuple[list[str], list[str]]:
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
        if role:
            await schema.grant(db, role)
        if reader:
            await schema.grant_reading(db, reader)
        return names, alike
