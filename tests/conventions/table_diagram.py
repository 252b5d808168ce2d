"""The diagram of the tables in ``docs/architecture.md``, made from a migrated database."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import asyncpg

from tests.support.serving import ROOT

PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- make docs: tables -->\n", "<!-- end of tables -->\n"
KEYS = """
    select c.relname as table_name, a.attname as name,
        replace(format_type(a.atttypid, null), ' ', '_') as type,
        (
            select string_agg(distinct kind, ', ' order by kind)
            from pg_constraint k, substr('PK FK UK', strpos('pfu', k.contype::text) * 3 - 2, 2) kind
            where k.conrelid = c.oid and a.attnum = any(k.conkey) and k.contype in ('p', 'f', 'u')
        ) as kinds
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
        and not a.attisdropped
    order by c.relname, a.attnum
"""
REFERENCES = """
    select k.conrelid::regclass::text as source, k.confrelid::regclass::text as target,
        string_agg(a.attname, ', ' order by a.attnum) as names,
        bool_or(not a.attnotnull) as optional,
        exists (
            select from pg_index i
            where i.indrelid = k.conrelid and i.indisunique and i.indpred is null
                and array(select unnest(i.indkey)) = k.conkey
        ) as at_most_one
    from pg_constraint k
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any(k.conkey)
    where k.contype = 'f' and k.connamespace = 'public'::regnamespace
    group by k.oid
    order by target, source, names
"""


async def render(db: asyncpg.Connection[asyncpg.Record]) -> str:
    """Return the page with the diagram as it should be."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest[rest.index(END) :]
    lines = [f"{line}\n" async for line in _lines(db)]
    return before + BEGIN + "".join(lines) + after


async def _lines(db: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[str]:
    """Yield Mermaid: each table with its keys, then who refers to whom, by which column."""
    yield "\n```mermaid\nerDiagram"
    for table, columns in itertools.groupby(await db.fetch(KEYS), lambda row: row["table_name"]):
        yield f"    {table} {{"
        for column in columns:
            if column["kinds"]:
                yield f"        {column['type']} {column['name']} {column['kinds']}"
        yield "    }"
    for row in await db.fetch(REFERENCES):
        target, source = "|o" if row["optional"] else "||", "o|" if row["at_most_one"] else "o{"
        yield f'    {row["target"]} {target}--{source} {row["source"]} : "{row["names"]}"'
    yield "```\n"
