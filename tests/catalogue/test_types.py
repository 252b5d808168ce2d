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
