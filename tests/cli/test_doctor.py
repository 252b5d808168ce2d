"""`locker doctor` names what is wrong and how to mend it, and shows no secret."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable

import asyncpg

from service.catalogue import SAMPLE
from service.schema import migrations
from tests.cli.conftest import Ended, Locker, development

Make = Callable[..., Locker]


def examine(locker: Locker) -> Ended:
    ended = locker("doctor")
    assert ended.errors == ""
    assert ended.status == ("BAD" in ended.output)
    for secret in ("secret-word", "the key of nobody"):
        assert secret not in ended.output
    return ended


def test_well(locker: Locker) -> None:
    """A service that can start is well."""
    ended = examine(locker)
    assert ended.status == 0
    for subject in ("settings", "database", "schema"):
        assert f"good {subject}: " in ended.output


def test_settings(make_locker: Make) -> None:
    """A missing or bad setting is named."""
    assert "BAD  settings: set LOCKER_DATABASE_URL" in examine(make_locker()).output
    short = development("postgresql:///x") | {"SECRET_KEY": "secret-word"}
    assert "BAD  settings: LOCKER_SECRET_KEY" in examine(make_locker(**short)).output


def test_database_away(make_locker: Make) -> None:
    """A database that can't be reached is told, with what to set."""
    away = development("postgresql://x:secret-word@127.0.0.1:1/x")
    output = examine(make_locker(**away)).output
    assert "BAD  database: the database can't be reached" in output
    assert "LOCKER_DATABASE_URL" in output


def test_not_migrated(make_locker: Make, empty_url: str) -> None:
    """A schema that is behind is told, with the command that mends it, which does."""
    locker = make_locker(**development(empty_url))
    output = examine(locker).output
    assert f"BAD  schema: pending: {migrations()[0].name}" in output
    assert "locker migrate" in output
    locker("migrate")
    assert examine(locker).status == 0


async def test_newer_database(locker: Locker, url: str) -> None:
    """So is one that is ahead."""
    db = await asyncpg.connect(url)
    await db.execute("insert into migrations values (9999, '9999_later', '')")
    await db.close()
    assert "BAD  schema: the database is newer" in examine(locker).output


async def test_replica(locker: Locker, url: str) -> None:
    """A database that takes no writes can't be the service's."""
    db = await asyncpg.connect(url)
    name = await db.fetchval("select current_database()")
    await db.execute(f"alter database {name} set default_transaction_read_only = on")
    await db.close()
    output = examine(locker).output
    assert "read-only" in output
    assert "primary" in output


def test_too_few_files(make_locker: Make, url: str) -> None:
    """More connections than may be open at once are told, with a number that would do."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    output = examine(make_locker(**development(url), MAX_CONNECTIONS=str(files))).output
    assert "BAD  connections" in output
    [number] = re.findall(r"LOCKER_MAX_CONNECTIONS to (\d+)", output)
    mended = examine(make_locker(**development(url), MAX_CONNECTIONS=number))
    assert "good connections" in mended.output


async def test_too_few_connections(make_locker: Make, url: str) -> None:
    """A pool that the server has no room for is told before it is needed."""
    output = examine(make_locker(**development(url), POOL_MAX="9999")).output
    assert "BAD  database" in output
    assert "LOCKER_POOL_MAX" in output


async def test_encoding(make_locker: Make, server_url: str) -> None:
    """Only UTF-8 can keep every name."""
    server = await asyncpg.connect(server_url)
    name = "locker_test_latin"
    await server.execute(
        f"create database {name} encoding 'LATIN1' locale_provider libc locale 'C'"
        " template template0"
    )
    url = server_url.replace("/locker?", f"/{name}?", 1)
    try:
        output = examine(make_locker(**development(url))).output
    finally:
        await server.execute(f"drop database {name} with (force)")
        await server.close()
    assert "BAD  database" in output
    assert "createdb --encoding=UTF8" in output


async def test_currency(locker: Locker, make_locker: Make, url: str) -> None:
    """A setting that isn't the catalogue's currency is told, and so is a second currency in it."""
    locker("catalogue", "import", str(SAMPLE))
    assert "good catalogue: priced in USD" in examine(locker).output
    euro = make_locker(**development(url) | {"CURRENCY": "EUR"})
    output = examine(euro).output
    assert "BAD  catalogue: priced in USD, but LOCKER_CURRENCY is EUR" in output
    assert "Set LOCKER_CURRENCY=USD" in output
    db = await asyncpg.connect(url)
    await db.execute("update variants set currency = 'JPY' where sku = 'TENT-2P-GREEN'")
    await db.close()
    assert "1 variants in another currency" in examine(locker).output
    locker("catalogue", "currency", "USD")
    assert "good catalogue: priced in USD" in examine(locker).output
