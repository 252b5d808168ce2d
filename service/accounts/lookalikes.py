"""Accounts from before names that look alike were refused."""

from __future__ import annotations

import asyncpg

from service.database import Connection
from service.statements import Statement

from .names import skeleton

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


SELECT_WITHOUT = Statement(
    """
    select id, username, created_at from accounts
    where username_skeleton is null
        and (:created_at::timestamptz is null or (created_at, id) > (:created_at, :id::uuid))
    order by created_at, id limit :batch
    """
)


async def _select_without(db: Connection, after: asyncpg.Record | None) -> list[asyncpg.Record]:
    """Return the oldest accounts without, from after that one."""
    created_at, account_id = (after["created_at"], after["id"]) if after else (None, None)
    return await db.fetch(*SELECT_WITHOUT(created_at=created_at, id=account_id, batch=BATCH))


UPDATE_SKELETON = Statement("update accounts set username_skeleton = :skeleton where id = :id")


async def _update(db: Connection, row: asyncpg.Record) -> bool:
    """Return whether nobody else's name looks like this one."""
    try:
        await db.execute(*UPDATE_SKELETON(id=row["id"], skeleton=skeleton(row["username"])))
    except asyncpg.UniqueViolationError:
        return False
    return True
