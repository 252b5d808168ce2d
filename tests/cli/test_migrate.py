"""`locker migrate`."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

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
