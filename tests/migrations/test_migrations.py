"""Migrations are applied once, in order, and all or none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from service import migrations as schema
from service.migrations import Migration, SchemaError, is_current, migrate, migrations, pending
from tests.support.databases import new_database

NAMES = [migration.name for migration in migrations()]
NEXT = migrations()[-1].number + 1


@pytest.fixture
async def url(server_url: str) -> AsyncIterator[str]:
    """A database without tables."""
    async with new_database(server_url) as url:
        yield url


@pytest.fixture
async def db(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection to it."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


def pretend(monkeypatch: pytest.MonkeyPatch, *further: Migration) -> None:
    """Let the code have these migrations too."""
    known = (*migrations(), *further)
    monkeypatch.setattr(schema, "migrations", lambda: known)


async def tables(db: asyncpg.Connection[asyncpg.Record]) -> set[str]:
    rows = await db.fetch("select tablename from pg_tables where schemaname = 'public'")
    return {row["tablename"] for row in rows}


def test_numbers_are_unique() -> None:
    """No two migrations have the same number, which two branches could give them unseen."""
    numbers = [migration.number for migration in migrations()]
    assert numbers == sorted(set(numbers))


def test_files_leave_transactions_alone() -> None:
    """No migration ends the transaction that it and the others are applied in."""
    word = re.compile(r"^\s*(begin|commit|rollback)\b", re.IGNORECASE | re.MULTILINE)
    # The body of a function begins and ends as well.
    texts = {
        each.name: re.sub(r"\$\$.*?\$\$", "", each.sql, flags=re.DOTALL) for each in migrations()
    }
    assert [name for name, text in texts.items() if word.search(text)] == []


async def test_migrate(db: asyncpg.Connection[asyncpg.Record]) -> None:
    """An empty database gets every migration, in order, each with its record."""
    assert await pending(db) == NAMES
    assert not await is_current(db)
    assert await migrate(db) == NAMES
    assert await pending(db) == []
    assert await is_current(db)
    rows = await db.fetch("select name from migrations order by number")
    assert [row["name"] for row in rows] == NAMES


async def test_migrate_again(db: asyncpg.Connection[asyncpg.Record]) -> None:
    """A database up to date is left as it is."""
    await migrate(db)
    before = await db.fetch("select number, applied_at from migrations")
    assert await migrate(db) == []
    assert await db.fetch("select number, applied_at from migrations") == before


async def test_migrate_only_what_is_new(
    db: asyncpg.Connection[asyncpg.Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later version applies its own migrations, and those alone."""
    await migrate(db)
    pretend(monkeypatch, Migration(NEXT, "next", "create table fresh ()", "sum"))
    assert not await is_current(db)
    assert await pending(db) == ["next"]
    assert await migrate(db) == ["next"]
    assert "fresh" in await tables(db)


async def test_two_at_once(url: str) -> None:
    """Of several that migrate at once one does the work, the others find nothing to do."""

    async def one() -> list[str]:
        connection = await asyncpg.connect(url)
        try:
            return await migrate(connection)
        finally:
            await connection.close()

    done = await asyncio.gather(*(one() for _ in range(4)))
    assert sorted(done) == [[], [], [], NAMES]


async def test_failure_changes_nothing(
    db: asyncpg.Connection[asyncpg.Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a migration fails, those before it are not applied either."""
    pretend(monkeypatch, Migration(NEXT, "wrong", "create table fresh (); select 1/0", "sum"))
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(db)
    assert await tables(db) == set()


async def test_table_in_use(
    db: asyncpg.Connection[asyncpg.Record], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration gives up soon on a table in use, as every request would wait behind it."""
    await migrate(db)
    monkeypatch.setattr(schema, "LOCK_TIMEOUT", "50ms")
    pretend(monkeypatch, Migration(NEXT, "widen", "alter table carts add x int", "sum"))
    reader = await asyncpg.connect(url)
    async with reader.transaction():
        await reader.execute("select from carts")
        with pytest.raises(SchemaError, match="widen: a table was in use for 50ms"):
            await migrate(db)
    await reader.close()
    assert await migrate(db) == ["widen"]


async def test_patient_with_its_own_work(
    db: asyncpg.Connection[asyncpg.Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits meant for requests, given to the role or the database, don't cut a migration."""
    await db.execute("set statement_timeout = '20ms'; set lock_timeout = '10ms'")
    monkeypatch.setattr(
        schema, "migrations", lambda: (Migration(1, "slow", "select pg_sleep(0.1)", "sum"),)
    )
    assert await migrate(db) == ["slow"]


async def test_leaves_nothing_on_the_connection(
    db: asyncpg.Connection[asyncpg.Record],
) -> None:
    """The limits and the lock of a migration end with its transaction."""
    await db.execute("set lock_timeout = '7s'; set statement_timeout = '8s'")
    await migrate(db)
    assert await db.fetchval("show lock_timeout") == "7s"
    assert await db.fetchval("show statement_timeout") == "8s"
    assert await db.fetchval("select count(*) from pg_locks where locktype = 'advisory'") == 0


@pytest.mark.parametrize("change", ["name = 'other'", "checksum = 'other'"])
async def test_changed_file(db: asyncpg.Connection[asyncpg.Record], change: str) -> None:
    """A file changed after it was applied is noticed, and nothing is done."""
    await migrate(db)
    await db.execute(f"update migrations set {change} where number = 1")  # noqa: S608 - ours
    for ask in (migrate, pending):
        with pytest.raises(SchemaError, match="was changed after it was applied"):
            await ask(db)


async def test_newer_database(db: asyncpg.Connection[asyncpg.Record]) -> None:
    """A database newer than the code is left alone, but is served while a roll-out lasts."""
    await migrate(db)
    await db.execute("insert into migrations values ($1, 'later', '')", NEXT)
    for ask in (migrate, pending):
        with pytest.raises(SchemaError, match=r"newer than this Locker, .* later"):
            await ask(db)
    assert await is_current(db)


def test_no_account_comes_with_the_schema() -> None:
    """Nobody can log in by default, and nothing but the password is kept to log in by."""
    statements = "".join(migration.sql for migration in migrations())
    assert not re.search(r"insert\s+into\s+(accounts|logins)", statements)
    assert not re.search(r"(?<!has)hint|question|answer", statements)
