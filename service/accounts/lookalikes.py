"""Accounts from before names that look alike were refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from .names import skeleton

if TYPE_CHECKING:
    from service.database import Connection

BATCH = 1000


async def fill_skeletons(db: Connection) -> list[str]:
    """Note what each name looks like; returns those that look like an older account's.

    These keep their names, and log in by them as before; nobody else can take one like them.
    Safe while the service runs, and again.
    """
    alike: list[str] = []
    after = None
    while rows := await _select_without(db, after):
        alike += [row["username"] for row in rows if not await _update(db, row)]
        after = rows[-1]
    return alike


async def _select_without(db: Connection, after: asyncpg.Record | None) -> list[asyncpg.Record]:
    """Return the oldest accounts without, from after that one."""
    return await db.fetch(
        """
        select id, username, created_at from accounts
        where username_skeleton is null
            and ($1::timestamptz is null or (created_at, id) > ($1, $2::uuid))
        order by created_at, id limit $3
        """,
        after and after["created_at"],
        after and after["id"],
        BATCH,
    )


async def _update(db: Connection, row: asyncpg.Record) -> bool:
    """Return whether nobody else's name looks like this one."""
    try:
        await db.execute(
            "update accounts set username_skeleton = $2 where id = $1",
            row["id"],
            skeleton(row["username"]),
        )
    except asyncpg.UniqueViolationError:
        return False
    return True
