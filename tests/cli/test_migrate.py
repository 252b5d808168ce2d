"""`locker migrate`."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import quote

import asyncpg
import pytest

from service.migrations import migrations
from tests.support.commands import Locker, development

NAMES = [migration.name for migration in migrations()]


def test_migrate(make_locker: Callable[..., Locker], empty_url: str) -> None:
    """`locker migrate` names what it applied, then has nothing to do; --check changes nothing."""
    locker = make_locker(**development(empty_url))
    checked = locker("migrate", "--check")
    assert (checked.status, checked.output.split()) == (
        1,
        [word for name in NAMES for word in ("pending", name)],
    )
    applied = locker("migrate")
    assert (applied.status, applied.output.split()) == (
        0,
        [word for name in NAMES for word in ("applied", name)],
    )
    for again in (locker("migrate"), locker("migrate", "--check")):
        assert (again.status, again.output) == (0, "The schema is up to date.\n")


def test_search_language(make_locker: Callable[..., Locker], url: str) -> None:
    """`locker migrate` makes the words anew in another language, which --check misses before."""
    german = make_locker(**development(url), SEARCH_LANGUAGE="german")
    assert (
        "warn search: in english, but LOCKER_SEARCH_LANGUAGE is german" in german("doctor").output
    )
    checked = german("migrate", "--check")
    assert (checked.status, checked.output) == (1, "pending search in german\n")
    assert german("migrate").output == "applied search in german\n"
    assert german("migrate", "--check").status == 0
    assert "good search: in german" in german("doctor").output
    unknown = make_locker(**development(url), SEARCH_LANGUAGE="klingon")("migrate")
    assert (unknown.status, unknown.errors.count("\n")) == (1, 1)
    assert "LOCKER_SEARCH_LANGUAGE" in unknown.errors


def test_two_at_once(make_locker: Callable[..., Locker], empty_url: str) -> None:
    """Started by every replica at once, one does the work and none fails."""
    ended = make_locker(**development(empty_url)).at_once(3, ["migrate"])
    assert [run.status for run in ended] == [0, 0, 0]
    assert sorted(run.output.count("applied") for run in ended) == [0, 0, len(NAMES)]


async def test_newer_database(locker: Locker, url: str) -> None:
    """An older version leaves the database of a newer one alone, and says why."""
    db = await asyncpg.connect(url)
    await db.execute("insert into migrations values (9999, '9999_later', '')")
    await db.close()
    for arguments in (["migrate"], ["migrate", "--check"]):
        ended = locker(*arguments)
        assert (ended.status, ended.errors.count("\n")) == (1, 1)
        assert "newer than this Locker, which doesn't know 9999_later" in ended.errors


@asynccontextmanager
async def new_role(
    role: str, server_url: str, url: str
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Make a role, which the tests' own may act as; gives a connection to this database."""
    if "//locker@" not in server_url:
        pytest.skip("roles are made on a server of our own alone")
    server = await asyncpg.connect(server_url.replace("//locker@", "//postgres@"))
    await server.execute(f'create role "{role}"; grant "{role}" to locker')
    db = await asyncpg.connect(url)
    try:
        yield db
    finally:
        await db.execute("reset role")
        await db.execute(f'drop owned by "{role}"')
        await db.close()
        await server.execute(f'drop role "{role}"')
        await server.close()


async def test_grant(make_locker: Callable[..., Locker], url: str, server_url: str) -> None:
    """A role that is granted may serve, and neither change a table nor what was recorded."""
    role = f"serving {secrets.token_hex(4)}"  # a blank: whatever a role may be called
    as_role = make_locker(
        **development(f"{url}&options=-crole%3D{quote(role)}".replace("%20", "%5C%20"))
    )
    async with new_role(role, server_url, url) as db:
        told = as_role("doctor")
        assert told.status == 1
        assert f"{role} lacks delete on accounts" in told.output
        granted = make_locker(**development(url))("migrate", "--grant", role)
        assert (granted.status, granted.errors) == (0, "")
        assert f"{role} may do what serving takes." in granted.output
        assert as_role("doctor").status == 0
        await db.execute(f'set role "{role}"')
        for forbidden in (
            "update audit set ip = ip",
            "delete from orders",
            "truncate carts",
            "alter table carts add extra int",
            "insert into migrations (number, name, checksum) values (9999, 'x', 'x')",
            "create table more ()",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(forbidden)


async def test_grant_reading(make_locker: Callable[..., Locker], url: str, server_url: str) -> None:
    """A role that may read may read what is for everybody, and nothing of anybody."""
    role = f"reading_{secrets.token_hex(4)}"
    async with new_role(role, server_url, url) as db:
        await db.execute(f"grant select on accounts to {role}")
        granted = make_locker(**development(url))("migrate", "--grant-reading", role)
        assert (granted.status, granted.errors) == (0, "")
        assert f"{role} may read the public catalogue." in granted.output
        await db.execute(f"set role {role}")
        await db.fetch("select handle from catalogue")
        for forbidden in (
            "select id from accounts",
            "select id from orders",
            "update variants set stock = 1",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(forbidden)


def test_grant_to_nobody(make_locker: Callable[..., Locker], url: str) -> None:
    """A role that there isn't, or that owns the tables, is told in a line."""
    locker = make_locker(**development(url))
    for role, why in (("nobody here", "there is no role"), ("locker", "owns the tables")):
        ended = locker("migrate", "--grant", role)
        assert (ended.status, ended.errors.count("\n")) == (1, 1)
        assert why in ended.errors
    for arguments in (
        ("--grant", "x", "--check"),
        ("--grant-reading", "x", "--check"),
        ("--grant", "x", "--grant-reading", "x"),
    ):
        assert locker("migrate", *arguments).status == 2
