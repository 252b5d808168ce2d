"""Finding what is past its time, and deleting it in batches that block nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from functools import cache

from service import clock
from service.database import Connection
from service.statements import Statement

from .model import Rule

BATCH = 1_000
"""Rows deleted at a time: each batch is a transaction of its own, over in milliseconds."""


@cache
def _count(rule: Rule) -> Statement:
    return Statement(
        f"select count(*) from {rule.table} where {rule.condition} and {rule.column} <= :until"
    )


async def count(db: Connection, rule: Rule) -> int:
    """Return how many rows would go."""
    number: int = await db.fetchval(*_count(rule)(until=clock.now() - rule.after))
    return number


@cache
def _purge(rule: Rule) -> Statement:
    act = f"update {rule.table} set {rule.change}" if rule.change else f"delete from {rule.table}"
    return Statement(
        f"""
        with old as (
            select ctid as place, {rule.column} as time from {rule.table}
            where {rule.condition} and {rule.column} <= :until
                and {rule.column} >= coalesce(:since::timestamptz, '-infinity')
            order by {rule.column} limit :batch
            for update skip locked
        ),
        gone as (
            {act} where ctid = any(array(select place from old))
            returning 1
        )
        select (select count(*) from gone) as number, max(time) as last from old
        """
    )


async def purge(db: Connection, rule: Rule, batch: int = BATCH) -> AsyncIterator[int]:
    """Delete what the rule names, or change it, and say after each batch how many rows it was.

    Rows that someone holds are left for the next time, so several can do this at once.
    """
    statement = _purge(rule)
    until = clock.now() - rule.after
    # The oldest rows go first, and each batch begins where the last one ended: what was deleted
    # stays in the index until a vacuum, and isn't to be walked over again.
    since: datetime | None = None
    while True:
        (row,) = await db.fetch(*statement(until=until, since=since, batch=batch))
        if not row["number"]:
            return
        since = row["last"]
        yield row["number"]
