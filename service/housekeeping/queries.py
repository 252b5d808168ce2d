"""Finding what is past its time, and deleting it in batches that block nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service import clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from service.database import Connection

    from .model import Rule

BATCH = 1_000
"""Rows deleted at a time: each batch is a transaction of its own, over in milliseconds."""


async def count(db: Connection, rule: Rule) -> int:
    """Return how many rows would go."""
    number: int = await db.fetchval(
        f"select count(*) from {rule.table} where {rule.condition} and {rule.column} <= $1",
        clock.now() - rule.after,
    )
    return number


async def purge(db: Connection, rule: Rule, batch: int = BATCH) -> AsyncIterator[int]:
    """Delete what the rule names, and say after each batch how many rows went.

    Rows that someone holds are left for the next time, so several can do this at once.
    """
    until = clock.now() - rule.after
    # The oldest first, and each batch from where the last one ended: what was deleted stays in
    # the index until a vacuum, and isn't to be walked over again.
    since: datetime | None = None
    while True:
        (row,) = await db.fetch(
            f"""
            with old as (
                select ctid as place, {rule.column} as time from {rule.table}
                where {rule.condition} and {rule.column} <= $1
                    and {rule.column} >= coalesce($2::timestamptz, '-infinity')
                order by {rule.column} limit $3
                for update skip locked
            ),
            gone as (
                delete from {rule.table} where ctid = any(array(select place from old))
                returning 1
            )
            select (select count(*) from gone) as number, max(time) as last from old
            """,
            until,
            since,
            batch,
        )
        if not row["number"]:
            return
        since = row["last"]
        yield row["number"]
