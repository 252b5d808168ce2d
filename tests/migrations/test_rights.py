"""What the role that serves may do."""

from __future__ import annotations

import asyncpg

from service.migrations.rights import RIGHTS


async def test_each_table_has_its_rights(db: asyncpg.Connection[asyncpg.Record]) -> None:
    """For each table and view it is said what serving does with it, a new one included."""
    rows = await db.fetch(
        "select relname from pg_class where relnamespace = 'public'::regnamespace "
        "and relkind in ('r', 'p', 'v')"
    )
    assert {row["relname"] for row in rows} == RIGHTS.keys()
