"""`locker purge`."""

from __future__ import annotations

import asyncio
import sys

import click

from service import housekeeping
from service.database import Connection
from service.settings import Settings

from .database import direct, require_schema
from .output import echo_json, json_option


@click.command(short_help="Delete what is past its time.")
@click.option("--dry-run", is_flag=True, help="Delete nothing, but say how much would go.")
@json_option
def purge(*, dry_run: bool, as_json: bool) -> None:
    """Delete what is past its time: carts of guests, logins, events, idempotency keys, records.

    Made for a cron job: it deletes in small batches that block nobody, and several can run at
    once.
    """
    asyncio.run(_purge(Settings.from_env(serving=False), dry_run=dry_run, as_json=as_json))


async def _purge(settings: Settings, *, dry_run: bool, as_json: bool) -> None:
    async with direct(settings) as db:
        await require_schema(db)
        for rule in housekeeping.rules(settings):
            if dry_run:
                number = await housekeeping.count(db, rule)
            else:
                number = await _delete(db, rule)
            if as_json:
                echo_json({"what": rule.what, "number": number, "deleted": not dry_run})
            else:
                click.echo(f"{'Would delete' if dry_run else 'Deleted'} {number} {rule.what}.")


async def _delete(db: Connection, rule: housekeeping.Rule) -> int:
    number = 0
    async for part in housekeeping.purge(db, rule):
        number += part
        if sys.stderr.isatty():
            click.echo(f"\r{rule.what}: {number}", nl=False, err=True)
    if number and sys.stderr.isatty():
        click.echo(err=True)
    return number
