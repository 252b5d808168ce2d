"""How products are stored."""

from __future__ import annotations

from typing import TypeAlias

import asyncpg

from service.catalogue import ImportOptions, import_products, queries
from tests.support.files import csv_file, row, size

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def load(db: Database, *rows: dict[str, str]) -> None:
    """Import these rows, which must be good."""
    options = ImportOptions(move_skus=True)
    report = await import_products(db, csv_file(*rows), currency="USD", options=options)
    assert not report.bad_rows


async def test_variants_keep_their_order(db: Database) -> None:
    """Variants come in the file's order, and so do the options of each."""
    rows = [
        size("t", value, Title="T", Option2_Name="Color", Option2_Value="Blue")
        for value in ("S", "XS", "M")
    ]
    await load(db, *rows)
    product = await queries.select_product(db, "t")
    assert product
    assert [variant.options for variant in product.variants] == [
        (("Size", value), ("Color", "Blue")) for value in ("S", "XS", "M")
    ]


async def test_the_sitemap(db: Database) -> None:
    """A part has what is listed among its ids, in their order; unlisted and withdrawn is not."""
    before = await queries.select_last_id(db)
    await load(
        db,
        row("map-a"),
        row("map-b", Published="false"),
        row("map-c"),
    )
    last = await queries.select_last_id(db)
    found = await queries.select_sitemap(db, before + 1, last - before)
    assert [handle for handle, _ in found] == ["map-a", "map-c"]
    assert await queries.select_sitemap(db, last + 1, 10) == []
