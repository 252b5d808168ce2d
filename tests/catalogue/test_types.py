"""Which types there are to choose from."""

from __future__ import annotations

import asyncpg

from service.catalogue import import_products, select_types
from service.catalogue.model import FacetCount
from tests.support.files import csv_file, row


async def test_types(db: asyncpg.Connection[asyncpg.Record]) -> None:
    """Each type of what is sold once, in order; none that is blank or of what is not sold."""
    await db.execute("update products set published = false")
    report = await import_products(
        db,
        csv_file(
            row("a", Type="Tents"),
            row("b", Type="Bottles"),
            row("c", Type="Tents"),
            row("d", Type=""),
            row("e", Type="Hidden", Published="false"),
        ),
        currency="USD",
    )
    assert not report.bad_rows
    assert await select_types(db, 10) == [FacetCount("Bottles", 1), FacetCount("Tents", 2)]
    assert await select_types(db, 1) == [FacetCount("Bottles", 1)]


async def test_counts_of_types(own_url: str) -> None:
    """Types are counted as products come, change and go, by two at once and without a wait."""
    one, two = await asyncpg.connect(own_url), await asyncpg.connect(own_url)
    await two.execute("set lock_timeout = '2s'")

    async def change(db: asyncpg.Connection[asyncpg.Record], name: str) -> None:
        rows = [row(f"{name}{n}", Type=f"T{n % 3}") for n in range(9)]
        await import_products(db, csv_file(*rows), currency="USD")
        await db.execute(
            "update products set type = 'T' || id % 5 where handle like $1", f"{name}%"
        )
        await db.execute("update products set published = false where handle = $1", f"{name}1")

    async def assert_counted() -> None:
        rows = await one.fetch("select type, count(*) from listed_products group by 1 order by 1")
        assert await select_types(two, 99) == [FacetCount(*each) for each in rows]

    await change(one, "a")
    await assert_counted()
    for name, undone in (("b", False), ("c", True)):
        other = one.transaction()
        await other.start()
        await one.execute("update products set type = 'T' || id % 4 where handle like 'a%'")
        await change(two, name)
        await (other.rollback() if undone else other.commit())
        await assert_counted()
    await one.execute("update products set type = 'T0'")
    await assert_counted()
    assert len(await one.fetch("select type from listed_types")) == 1
    await one.close()
    await two.close()
