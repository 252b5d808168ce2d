"""`locker doctor` names what is wrong and how to fix it, and shows no secret."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from typing import cast

import asyncpg
import pytest

from service.catalogue import SAMPLE
from service.cli.doctor import _examine_access
from service.migrations import migrations
from service.settings import Settings
from tests.support.commands import Ended, Locker, development
from tests.support.keys import KEY

Make = Callable[..., Locker]


def examine(locker: Locker) -> Ended:
    ended = locker("doctor")
    assert ended.errors == ""
    assert ended.status == ("BAD" in ended.output)
    for secret in ("secret-word", KEY):
        assert secret not in ended.output
    return ended


def test_well(locker: Locker) -> None:
    """`locker doctor` finds a service that can start well."""
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
    """A schema that is behind is told, with the command that fixes it, which does."""
    locker = make_locker(**development(empty_url))
    output = examine(locker).output
    assert f"BAD  schema: pending: {migrations()[0].name}" in output
    assert "locker migrate" in output
    locker("migrate")
    assert examine(locker).status == 0


async def test_newer_database(locker: Locker, url: str) -> None:
    """`locker doctor` tells a database that is newer than the code."""
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
    fixed = examine(make_locker(**development(url), MAX_CONNECTIONS=number))
    assert "good connections" in fixed.output


async def test_too_few_connections(make_locker: Make, url: str) -> None:
    """A pool that the server has no room for is told before it is needed."""
    output = examine(make_locker(**development(url), POOL_MAX="9999")).output
    assert "BAD  database" in output
    assert "LOCKER_POOL_MAX" in output


async def test_encoding(make_locker: Make, server_url: str) -> None:
    """`locker doctor` tells a database that isn't UTF-8, as only that can keep every name."""
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


def test_all_settings_at_once(make_locker: Make) -> None:
    """Each bad setting has its line, and so has one that nothing reads."""
    wrong = {"SECRET_KEY": "secret-word", "POOL_MAX": "many", "CURRENCY": "x", "ALOWED_HOSTS": "x"}
    output = examine(make_locker(**development("postgresql:///x") | wrong)).output
    assert output.count("BAD  settings: ") == 3
    assert "warn settings: LOCKER_ALOWED_HOSTS is none, and nothing reads it" in output
    assert "Is it LOCKER_ALLOWED_HOSTS?" in output


def production(url: str) -> dict[str, str]:
    return {"DATABASE_URL": url, "SECRET_KEY": KEY, "ALLOWED_HOSTS": "shop.example"}


def test_weak_fallback(make_locker: Make, url: str) -> None:
    """A fallback that can be guessed is told, and stops nobody who is turning away from it."""
    weak = {"SECRET_KEY_FALLBACKS": "thisisasecretkeythatisverysecret!"}
    ended = examine(make_locker(**production(url), **weak))
    assert ended.status == 0
    assert "warn settings: one of LOCKER_SECRET_KEY_FALLBACKS" in ended.output
    assert "verysecret" not in ended.output


def test_owner(make_locker: Make, url: str) -> None:
    """Serving as the owner of the tables is told in production, and not on one's own machine."""
    assert "owns the tables" in examine(make_locker(**production(url))).output
    assert "owns the tables" not in examine(make_locker(**development(url))).output


@pytest.mark.parametrize(
    ("mode", "local", "told"),
    [
        ("", False, True),
        ("?sslmode=prefer", False, True),
        ("?sslmode=disable", False, True),
        ("?sslmode=require", False, False),
        ("?application_name=x&sslmode=verify-full", False, False),
        ("", True, False),
    ],
)
def test_tls_to_the_database(mode: str, *, local: bool, told: bool) -> None:
    """A database elsewhere without TLS required is told."""
    settings = Settings(
        database_url=f"postgresql://db.example/shop{mode}",
        secret_key=KEY,
        allowed_hosts=("shop.example",),
    )
    server = {"local": local, "encrypted": False, "owner": False, "role": "x"}
    findings = list(_examine_access(cast("asyncpg.Record", server), settings))
    assert bool(findings) is told
    assert all("sslmode" in finding.fix and finding.runs for finding in findings)


def test_doctor_names_what_the_server_does_not_know(make_locker: Make, empty_url: str) -> None:
    """`locker doctor` names a parameter that the server doesn't know, and did without."""
    query = "keepalives=1&pgbouncer=true&no_such_thing=1"
    ended = make_locker(
        **development(f"{empty_url}&{query}" if "?" in empty_url else f"{empty_url}?{query}")
    )("doctor")
    assert ended.status == 1
    assert "does without keepalives, pgbouncer" in ended.output
    assert "no_such_thing" in ended.output
    assert "Take that out of LOCKER_DATABASE_URL." in ended.output
