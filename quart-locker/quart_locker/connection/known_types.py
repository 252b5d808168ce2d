"""Connections that look a type up once in a process, not once each."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any  # noqa: TID251 - asyncpg's stubs have parameters, its classes none

import asyncpg

if TYPE_CHECKING:
    Base = asyncpg.Connection[asyncpg.Record]
else:
    Base = asyncpg.Connection

FIRST_GENERATED = 10_000
"""Below it are the oids that PostgreSQL's source gives by hand: the same type in each database of
each version (src/include/access/transam.h)."""


class Unasked:
    """In the place of the statement that asyncpg looks types up with, where none was needed."""

    name = "unasked"


_looked_up: dict[int, list[asyncpg.Record]] = {}


class LearnedConnection(Base):
    """asyncpg's connection, which knows the server's own types from the connections before it.

    asyncpg asks the server for each array type that a connection meets, in three round trips and
    some 10 ms of the server's processor (`Connection._introspect_types`); a type that an extension
    or a user brought is still asked for.
    """

    __slots__ = ()

    async def _introspect_types(self, typeoids: Collection[int], timeout: float | None) -> Any:  # noqa: ASYNC109 - asyncpg's
        if max(typeoids) >= FIRST_GENERATED:
            return await super()._introspect_types(typeoids, timeout)  # type: ignore[misc]
        statement: object = Unasked
        for oid in set(typeoids) - _looked_up.keys():
            _looked_up[oid], statement = await super()._introspect_types([oid], timeout)  # type: ignore[misc]
        return [row for oid in typeoids for row in _looked_up[oid]], statement
