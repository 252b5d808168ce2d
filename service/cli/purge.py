"""`locker purge`."""

from __future__ import annotations

import asyncio

import click

from service import housekeeping
from service.settings import Settings

from .database import direct, require_schema


@click.command()
@click.option("--dry-run", is_flag=True, help="Delete nothing, but say how much would go.")
def purge(*, dry_run: bool) -> None:
    """Delete what is past its time: guests' carts, logins, idempotency keys, audit records.

    Made for a cron job: it deletes in small batches that block nobody, and several can run at
    once.
    """
    asyncio.run(_purge(Settings.from_env(serving=False), dry_run=dry_run))


async def _purge(settings: Settings, *, dry_run: bool) -> None:
    async with direct(settings.database_url) as db:
        await require_schema(db)
        for rule in housekeeping.rules(settings):
            if dry_run:
                number = await housekeeping.count(db, rule)
            else:
                number = sum([part async for part in housekeeping.purge(db, rule)])
            click.echo(f"{'Would delete' if dry_run else 'Deleted'} {number} {rule.what}.")
