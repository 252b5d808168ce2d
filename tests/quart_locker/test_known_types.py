"""Types are looked up once in a process."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from quart_locker.connection import known_types
from quart_locker.connection.known_types import LearnedConnection


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What the server is asked for, by a process that knows nothing yet."""
    seen: list[list[int]] = []
    ask = asyncpg.Connection._introspect_types  # type: ignore[attr-defined]

    async def note(self: Any, typeoids: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - asyncpg's
        seen.append(sorted(typeoids))
        return await ask(self, typeoids, timeout)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", note)
    monkeypatch.setattr(known_types, "_looked_up", {})
    return seen


@pytest.mark.parametrize("cached", [100, 0])
async def test_the_servers_own_types_once(
    asked: list[list[int]], database_url: str, cached: int
) -> None:
    """The second connection reads and writes arrays without asking what they are."""
    for _ in range(2):
        db = await asyncpg.connect(
            database_url, connection_class=LearnedConnection, statement_cache_size=cached
        )
        given = [[1, 2], [b"x"]]
        (row,) = await db.fetch("select $1::int[], $2::bytea[]", *given)
        assert list(row) == given
        await db.close()
    assert sorted(asked) == [[1001], [1007]]


async def test_types_of_ones_own_each_time(asked: list[list[int]], own_url: str) -> None:
    """A type that somebody made is asked for by each connection: elsewhere it is another."""
    maker = await asyncpg.connect(own_url)
    await maker.execute("create type mood as enum ('well', 'unwell')")
    await maker.close()
    asked.clear()
    for _ in range(2):
        db = await asyncpg.connect(own_url, connection_class=LearnedConnection)
        assert await db.fetchval("select array['well']::mood[]") == ["well"]
        await db.close()
    assert len(asked) == 2
