"""What is found in the catalogue, and in which order."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from service.catalogue import import_products, queries
from service.catalogue.cursor import InvalidCursor, decode_cursor, encode_cursor
from tests.catalogue.files import csv_file, row, size

if TYPE_CHECKING:
    import asyncpg

    from service.catalogue import Page

    Database = asyncpg.Connection[asyncpg.Record]

TYPE = "Type of these tests"


async def load(db: Database, *rows: dict[str, str]) -> None:
    """Import these rows, which must be good."""
    report = await import_products(db, csv_file(*rows), currency="USD")
    assert not report.bad_rows


async def listed(db: Database, **arguments: Any) -> list[str]:
    """Return the handles of the first page."""
    return handles(await queries.select_products(db, **arguments))


def handles(page: Page) -> list[str]:
    """Return a page's handles."""
    return [product.handle for product in page.products]


async def test_pages(db: Database) -> None:
    """Paging shows each product once, in the order they first came in, and then ends."""
    expected = [f"page-{number}" for number in range(7)]
    await load(db, *(row(handle, Type=TYPE) for handle in expected))
    seen, after = [], None
    for length in (3, 3, 1):
        page = await queries.select_products(db, type=TYPE, limit=3, after=after)
        assert len(page.products) == length
        seen += handles(page)
        after = page.next
    assert seen == expected
    assert after is None


async def test_last_page_is_full(db: Database) -> None:
    """A page that happens to be full doesn't promise another when there is none."""
    await load(db, row("a", Type=TYPE), row("b", Type=TYPE))
    assert (await queries.select_products(db, type=TYPE, limit=2)).next is None


async def test_paging_while_products_come_and_go(db: Database) -> None:
    """A product that changes or goes between two pages neither hides nor repeats another."""
    await load(db, *(row(f"page-{number}", Type=TYPE) for number in range(4)))
    first = await queries.select_products(db, type=TYPE, limit=2)
    await load(
        db,
        row("page-0", Type=TYPE, Title="Changed"),
        row("page-1", Type=TYPE, Published="false"),
        row("page-4", Type=TYPE),
    )
    second = await queries.select_products(db, type=TYPE, limit=9, after=first.next)
    assert handles(second) == ["page-2", "page-3", "page-4"]


async def test_type(db: Database) -> None:
    """The type must be the whole type."""
    await load(db, row("a", Type=TYPE), row("b", Type=f"{TYPE} too"))
    assert await listed(db, type=TYPE) == ["a"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("quokka", ["boots", "lamp"]),
        ("QUOKKAS", ["boots", "lamp"]),
        ("quokka boot", ["boots"]),
        ("quokka -boots", ["lamp"]),
        ('"walking boots"', ["boots"]),
        ('"boots walking"', []),
        ("boots or quokka", ["boots", "lamp"]),
        ("narwhal", ["boots"]),
        ("Zörgl", ["lamp"]),
        ("strong", []),
        ("the", []),
    ],
)
async def test_search(db: Database, search: str, found: list[str]) -> None:
    """Words of title, description, type, vendor and tags are found in any of their forms."""
    boots = row("boots", Title="Walking Boots", Type=TYPE, Tags="narwhal, x")
    lamp = row("lamp", Title="Lamp", Type=TYPE, Vendor="Zörgl & Söhne")
    boots["Body (HTML)"] = lamp["Body (HTML)"] = "<p>For every <strong>quokka</strong>.</p>"
    await load(db, boots, lamp)
    assert await listed(db, search=search, type=TYPE) == found


@pytest.mark.parametrize(
    "search",
    ["'", '"', "\\", "a & | b", "!!!", ":*", "<->", "(", "%", "-", "or", "\ufffd", "x" * 200],
)
async def test_strange_searches(db: Database, search: str) -> None:
    """No search is a syntax error."""
    assert await listed(db, search=search, type=TYPE) == []


@pytest.mark.parametrize("search", [None, "", "  "])
async def test_blank_search(db: Database, search: str | None) -> None:
    """A search for nothing finds everything."""
    await load(db, row("a", Type=TYPE))
    assert await listed(db, search=search, type=TYPE) == ["a"]


async def test_what_is_not_sold(db: Database) -> None:
    """Unpublished products and those without a variant are neither listed nor shown."""
    await load(
        db,
        row("sold", Type=TYPE),
        row("unpublished", Type=TYPE, Published="false"),
        row("empty", Type=TYPE, Variant_SKU="MOVES-ON"),
    )
    await load(db, row("taker", Type=TYPE, Variant_SKU="MOVES-ON"))
    assert await listed(db, type=TYPE) == ["sold", "taker"]
    for handle in ("unpublished", "empty", "nowhere"):
        assert await queries.select_product(db, handle) is None


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


@pytest.mark.parametrize("last", [0, 1, 2**31, 2**63 - 1])
def test_cursor(last: int) -> None:
    """A cursor says where the page before ended."""
    assert decode_cursor(encode_cursor(last)) == last


def test_tampered_cursor() -> None:
    """A cursor with any of its characters changed, missing or added is refused."""
    cursor = encode_cursor(42)
    others = [cursor[:at] + "x" + cursor[at + 1 :] for at in range(len(cursor))]
    others += [cursor[:length] for length in range(len(cursor))]
    others += [f"{cursor}A", f"{cursor}====", f" {cursor}", f"{cursor}\n", "x" * 64, "ö" * 16]
    others += ["42", base64.urlsafe_b64encode(b"42").decode()]
    for other in others:
        with pytest.raises(InvalidCursor):
            decode_cursor(other)


async def test_the_sitemap(db: Database) -> None:
    """A part has what is listed among its ids, in their order; unlisted and withdrawn is not."""
    before = await queries.select_last_id(db)
    await load(
        db,
        row("map-a", Type=TYPE),
        row("map-b", Type=TYPE, Published="false"),
        row("map-c", Type=TYPE),
    )
    last = await queries.select_last_id(db)
    found = await queries.select_sitemap(db, before + 1, last - before)
    assert [handle for handle, _ in found] == ["map-a", "map-c"]
    assert await queries.select_sitemap(db, last + 1, 10) == []
