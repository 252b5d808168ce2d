"""Importing: what is in the catalogue after it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest

from service.catalogue import (
    SAMPLE,
    ImportReport,
    Product,
    import_products,
    select_product,
)
from service.catalogue.import_queries import select_stored
from service.catalogue.report import Move, StockDifference
from tests.support.files import csv_file, load, row, size

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def sold(db: Database, handle: str) -> Product:
    """Return a product that must be sold."""
    product = await select_product(db, handle)
    assert product
    return product


def counts(report: ImportReport) -> tuple[int, int, int]:
    """Return how many products were added, updated and left alone."""
    return report.added, report.updated, report.unchanged


def skus(product: Product | None) -> list[str]:
    """Return a product's SKUs in order."""
    return [variant.sku for variant in product.variants] if product else []


async def snapshot(db: Database) -> list[Any]:
    """Return all rows of the catalogue, when they changed included."""
    return [
        await db.fetch("select id, handle, title, updated_at, xmin from products order by id"),
        await db.fetch("select id, sku, stock, active, xmin from variants order by id"),
    ]


@pytest.mark.parametrize("name", ["apparel.csv", "home-and-garden.csv"])
async def test_real_files(shared_data: Path, name: str, db: Database) -> None:
    """A real file goes in whole, and a second time changes nothing."""
    content = (shared_data / name).read_bytes()
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    handles = {line["Handle"] for line in rows}
    variants = sum(bool(line["Variant Price"]) for line in rows)
    images = sum(bool(line["Image Src"]) for line in rows)

    report = await import_products(db, io.BytesIO(content), currency="USD")

    assert counts(report) == (len(handles), 0, 0)
    assert (report.variants, report.images, report.bad_rows) == (variants, images, [])
    stored = await select_stored(db, list(handles))
    assert sum(len(product.variants) for product in stored.values()) == variants
    assert sum(len(product.facts.images) for product in stored.values()) == images
    stock = {
        each.variant.sku: each.variant.stock
        for product in stored.values()
        for each in product.variants
    }
    for line in rows:
        if line["Variant SKU"]:
            tracked = (
                int(line["Variant Inventory Qty"]) if line["Variant Inventory Tracker"] else None
            )
            assert stock[line["Variant SKU"]] == tracked
    assert any(each is None for each in stock.values())

    before = await snapshot(db)
    again = await import_products(db, io.BytesIO(content), currency="USD")
    assert counts(again) == (0, 0, len(handles))
    assert (again.variants, again.images, again.stocks) == (variants, images, [])
    assert await snapshot(db) == before


async def test_sample(db: Database) -> None:
    """The sample has 30 products or more, and something of each kind to try out."""
    with SAMPLE.open("rb") as source:
        report = await import_products(db, source, currency="USD")
    lines = csv.DictReader(io.StringIO(SAMPLE.read_text(), newline=""))
    handles = {line["Handle"] for line in lines}
    assert not report.bad_rows
    assert report.products == len(handles) >= 30
    variants = [
        each.variant
        for product in (await select_stored(db, list(handles))).values()
        for each in product.variants
    ]
    assert any(not variant.orderable for variant in variants)
    assert any(variant.orderable and variant.available == 0 for variant in variants)
    assert any(variant.available is None for variant in variants)
    assert any(variant.compare_at_price for variant in variants)


async def test_update(db: Database) -> None:
    """Importing again brings a product to what the file says, but for stock, and keeps its ids."""
    await load(
        db,
        size("t-shirt", "S", Title="T", Variant_SKU="T-S", Variant_Inventory_Qty="5"),
        size("t-shirt", "M", Variant_SKU="T-M"),
        row("other"),
    )
    id_of = "select id from variants where sku = $1"
    small = await db.fetchval(id_of, "T-S")
    await db.execute("update variants set stock = 1 where sku = 'T-S'")
    changed = [
        size("t-shirt", "M", Title="T-Shirt", Variant_SKU="T-M", Variant_Price="12"),
        size("t-shirt", "S", Variant_SKU="T-S", Variant_Inventory_Qty="5"),
        row("other"),
    ]

    report = await load(db, *changed)

    assert counts(report) == (0, 1, 1)
    product = await sold(db, "t-shirt")
    assert product.title == "T-Shirt"
    assert [(each.sku, each.price, each.stock) for each in product.variants] == [
        ("T-M", 1200, None),
        ("T-S", 999, 1),
    ]
    assert report.stocks == [StockDifference("T-S", 1, 5)]
    assert await db.fetchval(id_of, "T-S") == small
    assert counts(await load(db, *changed)) == (0, 0, 2)


async def test_withdrawn_variant(db: Database) -> None:
    """A variant that is gone from its product is no longer sold; its row stays, and returns."""
    both = (
        size("t", "S", Title="T", Variant_SKU="T-S"),
        size("t", "M", Variant_SKU="T-M"),
    )
    await load(db, *both)
    variant_id = await db.fetchval("select id from variants where sku = 'T-M'")

    await load(db, both[0])
    assert skus(await select_product(db, "t")) == ["T-S"]
    gone = await db.fetchrow("select id, active from variants where sku = 'T-M'")
    assert gone
    assert tuple(gone) == (variant_id, False)

    await load(db, *both)
    assert skus(await select_product(db, "t")) == ["T-S", "T-M"]
    assert await db.fetchval("select id from variants where sku = 'T-M'") == variant_id


async def test_unpublished_product(db: Database) -> None:
    """A product that is no longer published isn't sold, and is sold again once it is."""
    await load(db, row("a"))
    await load(db, row("a", Published="false"))
    assert await select_product(db, "a") is None
    assert counts(await load(db, row("a", Published="false"))) == (0, 0, 1)
    await load(db, row("a", Published="true"))
    assert await select_product(db, "a")


async def test_products_not_in_the_file(db: Database) -> None:
    """An import leaves alone what its file doesn't have."""
    await load(db, row("a"), row("b"))
    before = await select_product(db, "a")
    await load(db, row("b", Vendor="New"))
    assert await select_product(db, "a") == before


async def test_bad_row_changes_nothing(db: Database) -> None:
    """A variant whose row is bad this time stays as it was, and so does its whole product."""
    await load(
        db,
        size("t", "S", Title="T", Variant_SKU="T-S"),
        size("t", "M", Variant_SKU="T-M"),
        row("u"),
    )
    bad = (
        size("t", "S", Title="T", Variant_SKU="T-S", Variant_Price="8.00"),
        size("t", "M", Variant_SKU="T-M", Variant_Price="1,000.00"),
        row("u", Title="", Variant_Price="8.00"),
    )

    report = await load(db, *bad)

    assert [bad_row.line for bad_row in report.bad_rows] == [3, 4]
    product = await sold(db, "t")
    assert [(each.sku, each.price) for each in product.variants] == [("T-S", 800), ("T-M", 999)]
    assert (await sold(db, "u")).variants[0].price == 999
    assert counts(await load(db, *bad)) == (0, 0, 1)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_sku_of_another_product(db: Database, *, dry_run: bool) -> None:
    """A SKU that another product has is reported, and neither product changes."""
    await load(db, row("old", Variant_SKU="MOVED"))
    before = await snapshot(db)
    report = await load(db, row("new", Variant_SKU="MOVED"), dry_run=dry_run)
    assert [(each.line, each.detail) for each in report.bad_rows] == [(2, "MOVED of old")]
    assert await snapshot(db) == before


async def test_a_sku_that_leaves_its_product(db: Database) -> None:
    """A variant that the file names under another product stays sold until it may move."""
    both = (
        size("old", "S", Title="T", Variant_SKU="STAYS"),
        size("old", "M", Variant_SKU="MOVED"),
    )
    await load(db, *both)
    report = await load(db, both[0], row("new", Variant_SKU="MOVED"))
    assert (report.kept, report.withdrawn, len(report.bad_rows)) == (["MOVED"], [], 1)
    assert skus(await select_product(db, "old")) == ["STAYS", "MOVED"]


async def test_moved_variant(db: Database) -> None:
    """A SKU under another handle is the same variant, and the product left empty isn't sold."""
    await load(db, row("old", Variant_SKU="MOVED"))
    variant_id = await db.fetchval("select id from variants where sku = 'MOVED'")

    would = await load(db, row("new", Variant_SKU="MOVED"), move_skus=True, dry_run=True)
    report = await load(db, row("new", Variant_SKU="MOVED"), move_skus=True)
    assert report.moved == [Move("MOVED", "old", "new")]
    assert would == report

    assert skus(await select_product(db, "new")) == ["MOVED"]
    assert await select_product(db, "old") is None
    assert await db.fetchval("select id from variants where sku = 'MOVED'") == variant_id


async def test_moved_variant_beside_a_bad_row(db: Database) -> None:
    """A variant kept for the sake of a bad row gives way to the row that names it elsewhere."""
    await load(
        db,
        size("old", "S", Title="T", Variant_SKU="STAYS"),
        size("old", "M", Variant_SKU="MOVED"),
    )
    await load(
        db,
        size("old", "S", Title="New", Variant_SKU="STAYS"),
        size("old", "M", Variant_Price="x"),
        row("new", Variant_SKU="MOVED"),
        move_skus=True,
    )
    assert skus(await select_product(db, "old")) == ["STAYS"]
    assert skus(await select_product(db, "new")) == ["MOVED"]


async def test_minor_units(db: Database) -> None:
    """Prices are stored in the minor unit of the currency that the import is given."""
    await db.execute("delete from catalogue_currency")
    await import_products(db, csv_file(row("a", Variant_Price="1500")), currency="JPY")
    (variant,) = (await sold(db, "a")).variants
    assert (variant.price, variant.currency) == (1500, "JPY")


async def test_dry_run(db: Database) -> None:
    """A dry run says what would be done, and does none of it."""
    await load(db, row("a"), row("b"))
    before = await snapshot(db)
    rows = (row("a", Title="New"), row("b"), row("c"), row("d", Variant_Price=""))

    would = await load(db, *rows, dry_run=True)

    assert await snapshot(db) == before
    assert counts(would) == (1, 1, 1)
    assert would == await load(db, *rows)


async def test_progress(db: Database) -> None:
    """Progress is told in bytes, on the way and at the end."""
    source = csv_file(*(row(f"p{number}") for number in range(2_000)))
    told: list[int] = []
    await import_products(db, source, currency="USD", progress=told.append)
    assert told == sorted(told)
    assert len(told) > 2
    assert told[-1] == len(source.getvalue())
