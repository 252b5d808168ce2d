"""`locker purge`."""

from __future__ import annotations

from uuid import uuid4

import asyncpg

from tests.support.commands import Locker


async def insert_old_carts(url: str, number: int) -> None:
    db = await asyncpg.connect(url)
    await db.executemany(
        "insert into carts (id, revision, lines, created_at, updated_at)"
        " values ($1, 1, '[1]', now(), now() - interval '91 days')",
        [(uuid4(),) for _ in range(number)],
    )
    await db.close()


async def test_purge(locker: Locker, url: str) -> None:
    """A dry run of a purge says what would go and deletes nothing; then it goes, once."""
    await insert_old_carts(url, 3)
    for _ in range(2):
        dry = locker("purge", "--dry-run")
        assert (dry.status, dry.errors) == (0, "")
        assert "Would delete 3 guests' carts.\n" in dry.output
    assert "Deleted 3 guests' carts.\n" in locker("purge").output
    assert "Deleted 0 guests' carts.\n" in locker("purge").output


async def test_purges_at_once(locker: Locker, url: str) -> None:
    """Two cron jobs at the same time both succeed, and delete each row once between them."""
    await insert_old_carts(url, 2_500)
    ended = locker.at_once(2, ["purge"])
    assert [each.status for each in ended] == [0, 0]
    deleted = [int(each.output.split()[1]) for each in ended]
    assert sum(deleted) == 2_500
