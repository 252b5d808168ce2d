"""What was to be foreseen is one line on standard error, and the exit status is 1."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from service.migrations import migrate
from tests.support.commands import Locker, development
from tests.support.serving import ROOT

AWAY = "postgresql://nobody:secret-word@127.0.0.1:1/nothing"

COMMANDS = [
    ["serve"],
    ["migrate"],
    ["catalogue", "import", __file__],
    ["user", "create", "alice", "--email", "alice@example.com"],
    ["user", "disable", "alice"],
    ["user", "password", "alice"],
    ["sessions", "end", "--user", "alice"],
    ["user", "list"],
    ["orders", "list", "--json"],
    ["audit"],
    ["purge", "--dry-run"],
]


def assert_one_line(locker: Locker, arguments: list[str], *parts: str) -> None:
    ended = locker(*arguments, text="correct horse battery staple\n")
    assert (ended.status, ended.output) == (1, "")
    assert ended.errors.count("\n") == 1
    for part in parts:
        assert part in ended.errors
    assert "secret-word" not in ended.errors


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_settings_missing(make_locker: Callable[..., Locker], arguments: list[str]) -> None:
    """Every command but `dev` says which settings it lacks; only `serve` needs a key and hosts."""
    parts = ("LOCKER_DATABASE_URL", "LOCKER_SECRET_KEY", "LOCKER_ALLOWED_HOSTS")
    assert_one_line(make_locker(), arguments, *(parts if arguments == ["serve"] else parts[:1]))


@pytest.mark.parametrize("arguments", COMMANDS[1:], ids=" ".join)
def test_database_away(make_locker: Callable[..., Locker], arguments: list[str]) -> None:
    """Every command that needs the database says that it isn't there, and shows no password."""
    assert_one_line(
        make_locker(**development(AWAY), POOL_MIN="1"), arguments, "the database can't be reached"
    )


@pytest.mark.parametrize("arguments", COMMANDS[2:], ids=" ".join)
def test_not_migrated(
    make_locker: Callable[..., Locker], empty_url: str, arguments: list[str]
) -> None:
    """On a database without tables commands say in one line how to make them."""
    assert_one_line(make_locker(**development(empty_url)), arguments, "run: locker migrate")


async def test_a_migration_is_missing(make_locker: Callable[..., Locker], empty_url: str) -> None:
    """On a database that an older version migrated commands say in a line how to go on."""
    db = await asyncpg.connect(empty_url)
    await migrate(db)
    await db.execute("alter table variants drop column unpriced")
    await db.close()
    sample = str(ROOT / "service" / "catalogue" / "sample.csv")
    locker = make_locker(**development(empty_url))
    await asyncio.to_thread(
        assert_one_line, locker, ["catalogue", "import", sample], "run: locker migrate"
    )


@pytest.mark.parametrize(
    "arguments", [["orders", "list"], ["purge", "--dry-run"], ["user", "list"]], ids=" ".join
)
async def test_an_older_schema_stops_whatever_needs_tables(
    make_locker: Callable[..., Locker], own_url: str, arguments: list[str]
) -> None:
    """Where the last migration is to come a command stops, though its own tables are there."""
    db = await asyncpg.connect(own_url)
    await db.execute("delete from migrations where number = (select max(number) from migrations)")
    await db.close()
    locker = make_locker(**development(own_url))
    await asyncio.to_thread(assert_one_line, locker, arguments, "run: locker migrate")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("secret-word", "LOCKER_DATABASE_URL must be"),
        ("postgresql://x:secret-word/more@127.0.0.1/x", "LOCKER_DATABASE_URL must be"),
        ("postgresql://x:secret-word@127.0.0.1:port/x", "LOCKER_DATABASE_URL must be"),
        ("postgresql:///x?host=/nowhere", "the database can't be reached"),
    ],
)
def test_url_unusable(make_locker: Callable[..., Locker], url: str, reason: str) -> None:
    """A database URL that can't be one is told without showing it."""
    for arguments in (["migrate"], ["user", "disable", "alice"]):
        assert_one_line(make_locker(**development(url)), arguments, reason)


def test_database_unknown(make_locker: Callable[..., Locker], server_url: str) -> None:
    """A database that the server doesn't have is told by its name."""
    url = server_url.replace("/locker?", "/nothing?", 1)
    locker = make_locker(**development(url))
    for arguments in (["migrate"], ["user", "disable", "alice"]):
        assert_one_line(locker, arguments, 'database "nothing" does not exist', "createdb")
