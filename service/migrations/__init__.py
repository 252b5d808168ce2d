"""The database's schema: migrations in plain SQL, forward only.

``migrations/NNNN_name.sql`` are applied in order, each recorded in the table ``migrations``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import asyncpg

from service.database import Connection
from service.statements import Statement

from .rights import READING, TURN, NoSuchRole, find_missing_rights, grant, grant_reading

__all__ = [
    "READING",
    "Migration",
    "NoSuchRole",
    "SchemaError",
    "find_missing_rights",
    "grant",
    "grant_reading",
    "is_current",
    "migrate",
    "migrations",
    "pending",
]

LOCK_TIMEOUT = "3s"
"""How long a migration waits for a table's lock. Requests that use the table meanwhile wait behind
the migration, so this must be less than what a request waits before it gives up."""

_TABLE = """
    create table if not exists migrations (
        number integer primary key,
        name text not null,
        checksum text not null,
        applied_at timestamptz not null default now()
    )
"""


_RECORD = Statement(
    "insert into migrations (number, name, checksum) values (:number, :name, :checksum)"
)


class SchemaError(Exception):
    """The schema and this version of Locker don't fit; the message is one line."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; ``checksum`` is the SHA-256 of its text."""

    number: int
    name: str
    sql: str
    checksum: str


@cache
def migrations() -> tuple[Migration, ...]:
    """Return the migrations that this version has, in order."""
    found = []
    for file in resources.files(__name__).iterdir():
        name, dot, suffix = file.name.rpartition(".")
        if dot and suffix == "sql":
            sql = file.read_text(encoding="utf-8")
            checksum = hashlib.sha256(sql.encode()).hexdigest()
            found.append(Migration(int(name.split("_", 1)[0]), name, sql, checksum))
    return tuple(sorted(found, key=lambda migration: migration.number))


async def migrate(db: Connection) -> list[str]:
    """Apply what is pending, and return its names; raises `SchemaError`.

    All in one transaction: when one fails, the schema is still the one that the running service
    was made for. A second one meanwhile waits, and then finds nothing to do.
    """
    # Read committed, because a stricter level would read the table `migrations` as it was when the
    # wait for the lock below began, without what the other migration has just applied.
    async with db.transaction(isolation="read_committed"):
        # The role or the database may have defaults that are meant for requests. A migration takes
        # as long as it takes, and so does waiting for another one.
        await db.execute("set local statement_timeout = 0; set local lock_timeout = 0")
        await db.execute(TURN)
        await db.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        await db.execute(_TABLE)
        todo = _compare(await _select_applied(db))
        for migration in todo:
            try:
                await db.execute(migration.sql)
            except asyncpg.LockNotAvailableError as error:
                raise SchemaError(
                    f"{migration.name}: a table was in use for {LOCK_TIMEOUT};"
                    " nothing was changed, try again"
                ) from error
            await db.execute(
                *_RECORD(number=migration.number, name=migration.name, checksum=migration.checksum)
            )
    return [migration.name for migration in todo]


async def pending(db: Connection) -> list[str]:
    """Return the names of the migrations still to be applied.

    Raises `SchemaError` where one that was applied has changed since or isn't known here.
    """
    return [migration.name for migration in _compare(await _find_applied(db))]


async def is_current(db: Connection) -> bool:
    """Return whether no migration is pending, from one statement.

    A newer schema counts as current: while a new version is rolled out, its migrations come
    first and the old version goes on serving.
    """
    applied = await _find_applied(db)
    return all(migration.number in applied for migration in migrations())


async def _find_applied(db: Connection) -> dict[int, tuple[str, str]]:
    try:
        return await _select_applied(db)
    except asyncpg.UndefinedTableError:
        return {}


async def _select_applied(db: Connection) -> dict[int, tuple[str, str]]:
    rows = await db.fetch("select number, name, checksum from migrations")
    return {row["number"]: (row["name"], row["checksum"]) for row in rows}


def _compare(applied: dict[int, tuple[str, str]]) -> list[Migration]:
    known = {migration.number: migration for migration in migrations()}
    for number, (name, checksum) in sorted(applied.items()):
        if number not in known:
            raise SchemaError(
                f"the database is newer than this Locker, which doesn't know {name}:"
                " run the version that made it"
            )
        if (name, checksum) != (known[number].name, known[number].checksum):
            raise SchemaError(
                f"{name} was changed after it was applied:"
                " put the file back as it was, and write a new migration"
            )
    return [migration for migration in migrations() if migration.number not in applied]
