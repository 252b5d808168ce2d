"""What a list has, and in which order."""

from __future__ import annotations

import itertools
from typing import Any, TypeAlias, get_args

import asyncpg
import pytest

from service.catalogue import Page, Selection, facet_queries, list_queries, queries
from service.catalogue.model import FacetCount, Sort
from tests.support.files import load, row, size

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

TYPE = "Type of these tests"


async def select(
    db: Database, sort: Sort = "relevance", limit: int = 20, after: str | None = None, **what: Any
) -> Page:
    """Return a page of this type, unless another is asked for."""
    selection = Selection(**{"type": TYPE, **what})
    return await list_queries.select_products(db, selection, sort=sort, limit=limit, after=after)


async def listed(db: Database, sort: Sort = "relevance", **what: Any) -> list[str]:
    """Return the handles of the first page."""
    return handles(await select(db, sort, **what))


def handles(page: Page) -> list[str]:
    """Return a page's handles."""
    return [product.handle for product in page.products]


async def load_prices(db: Database) -> None:
    """Import eight products that are alike two by two, in price and in title."""
    for n, letter in enumerate("abcdefgh"):
        cells = {"Title": f"Quokka {'zyxw'[n // 2]}", "Variant_Price": f"{5 + n % 4}.00"}
        await load(db, row(letter, Type=TYPE, **cells))


ORDERS: dict[Sort, str] = {
    "newest": "hgfedcba",
    "price": "aebfcgdh",
    "-price": "hdgcfbea",
    "title": "ghefcdab",
    "relevance": "hgfedcba",
}


@pytest.mark.parametrize("sort", get_args(Sort))
@pytest.mark.parametrize("text", ["", "quokka"])
async def test_orders(db: Database, sort: Sort, text: str) -> None:
    """A list of products comes in each order, with a search and without."""
    await load_prices(db)
    assert "".join(await listed(db, sort, text=text)) == ORDERS[sort]


@pytest.mark.parametrize("sort", get_args(Sort))
@pytest.mark.parametrize("text", ["", "quokka"])
async def test_there_and_back(db: Database, sort: Sort, text: str) -> None:
    """Paging shows each product once and ends; the way back shows the same pages."""
    await load_prices(db)
    pages = [await select(db, sort, limit=3, text=text)]
    while after := pages[-1].next:
        pages.append(await select(db, sort, limit=3, after=after, text=text))
    assert ["".join(handles(page)) for page in pages] == [
        ORDERS[sort][:3],
        ORDERS[sort][3:6],
        ORDERS[sort][6:],
    ]
    assert {page.total for page in pages} == {8}
    for before, page in itertools.pairwise(pages):
        assert page.previous
        again = await select(db, sort, limit=3, after=page.previous, text=text)
        assert (again.products, again.next) == (before.products, before.next)
        assert (again.previous is None) == (before.previous is None)
    assert pages[0].previous is None


async def test_last_page_is_full(db: Database) -> None:
    """A page that happens to be full doesn't promise another when there is none."""
    await load(db, row("a", Type=TYPE), row("b", Type=TYPE))
    assert (await select(db, limit=2)).next is None


@pytest.mark.parametrize("sort", get_args(Sort))
@pytest.mark.parametrize("text", ["", "quokka"])
async def test_paging_while_products_come_and_go(db: Database, sort: Sort, text: str) -> None:
    """A product that changes or goes between two pages neither hides nor repeats another."""
    await load_prices(db)
    first = await select(db, sort, limit=4, text=text)
    shown, rest = handles(first), ORDERS[sort][4:]
    await load(
        db,
        row(shown[1], Type=TYPE, Published="false"),
        row(shown[3], Type=TYPE, Title="Quokka", Published="false"),
        row("new", Type=f"{TYPE} too", Title="Quokka"),
    )
    second = await select(db, sort, limit=9, after=first.next, text=text)
    assert "".join(handles(second)) == rest


async def test_what_is_not_sold(db: Database) -> None:
    """Unpublished products and those without a variant are neither listed nor shown."""
    await load(
        db,
        row("sold", Type=TYPE),
        row("unpublished", Type=TYPE, Published="false"),
        row("empty", Type=TYPE, Variant_SKU="GOES"),
    )
    await db.execute("update variants set active = false where sku = 'GOES'")
    for text in ("", "sold or unpublished or empty"):
        assert await listed(db, text=text) == ["sold"]
    for handle in ("unpublished", "empty", "nowhere"):
        assert await queries.select_product(db, handle) is None


async def test_unlisted(db: Database) -> None:
    """An unlisted product is shown to who knows its address, and in no list or search."""
    await load(db, row("quiet", Type=TYPE, Title="Quokka"))
    await db.execute("update products set status = 'unlisted' where handle = 'quiet'")
    assert await queries.select_product(db, "quiet")
    assert await listed(db) == await listed(db, text="quokka") == []
    assert TYPE not in [each.value for each in await facet_queries.select_types(db, 250)]
    await db.execute("update products set status = 'active' where handle = 'quiet'")
    assert await listed(db) == ["quiet"]


async def test_filters(db: Database) -> None:
    """Type, vendor and tag must be the whole one; a price is the lowest, and its limits count."""
    await load(
        db,
        row("a", Type=TYPE, Vendor="Maker", Tags="clay, home", Variant_Price="5.00"),
        row("b", Type=f"{TYPE} too", Vendor="Maker & Sons", Tags="claypot", Variant_Price="4.00"),
        size("c", "S", Title="C", Type=TYPE, Vendor="Maker", Tags="home", Variant_Price="9.00"),
        size("c", "L", Variant_Price="7.00"),
    )
    assert await listed(db) == ["c", "a"]
    assert await listed(db, type=f"{TYPE} too") == ["b"]
    assert await listed(db, vendor="Maker") == ["c", "a"]
    assert await listed(db, tag="clay") == ["a"]
    assert await listed(db, min_price=500, max_price=500) == ["a"]
    assert await listed(db, min_price=501, max_price=700) == ["c"]
    assert await listed(db, min_price=701) == []
    assert await listed(db, text="maker", tag="home", max_price=600, vendor="Maker") == ["a"]


async def test_available(db: Database) -> None:
    """What can be ordered now: any variant in stock, not counted, or to be had beyond the stock."""
    stock = {"Variant_Inventory_Tracker": "shopify"}
    await load(
        db,
        row("gone", Type=TYPE, Variant_Inventory_Qty="0", **stock),
        row("stocked", Type=TYPE, Variant_Inventory_Qty="1", **stock),
        row("uncounted", Type=TYPE),
        row(
            "made",
            Type=TYPE,
            Variant_Inventory_Qty="0",
            Variant_Inventory_Policy="continue",
            **stock,
        ),
        size("sized", "S", Title="Sized", Type=TYPE, Variant_Inventory_Qty="0", **stock),
        size("sized", "L", Variant_Inventory_Qty="2", **stock),
    )
    for text in ("", "gone or stocked or uncounted or made or sized"):
        assert set(await listed(db, text=text, available=True)) == {
            "stocked",
            "uncounted",
            "made",
            "sized",
        }


async def test_variants_that_change(db: Database) -> None:
    """A variant is found by its SKU and options, and a price is its lowest, as they are now."""
    await load(
        db,
        size("a", "Vermilion", Title="A", Type=TYPE, Variant_SKU="QU-1", Variant_Price="5.00"),
        size("a", "Teal", Variant_SKU="QU-2", Variant_Price="7.00"),
    )
    for text in ("vermilion", "qu-1", "teal", "QU2"):
        assert await listed(db, text=text) == ["a"], text
    await db.execute("update variants set active = false where sku = 'QU-1'")
    assert await listed(db, text="vermilion") == await listed(db, text="qu-1") == []
    assert await listed(db, max_price=600) == []
    await db.execute("update variants set price = 600, sku = 'QU-3' where sku = 'QU-2'")
    assert await listed(db, max_price=600, text="qu3") == ["a"]


async def test_facets(db: Database) -> None:
    """Each facet is counted as if none of it were chosen, and as all else is."""
    await load(
        db,
        row("a", Title="Wombat", Type="T1", Vendor="V1", Tags="x, y"),
        row("b", Title="Wombat", Type="T1", Vendor="V2", Tags="x"),
        row("c", Title="Wombat", Type="T2", Vendor="V1"),
        row("d", Title="Other", Type="T2", Vendor="V1"),
    )

    async def count(**what: Any) -> list[dict[str, int | None]]:
        facets = await facet_queries.select_facets(db, Selection(text="wombat", **what))
        return [
            {each.value: each.count for each in kind}
            for kind in (facets.types, facets.vendors, facets.tags)
        ]

    assert await count() == [{"T1": 2, "T2": 1}, {"V1": 2, "V2": 1}, {"x": 2, "y": 1}]
    assert await count(type="T1") == [{"T1": 2, "T2": 1}, {"V1": 1, "V2": 1}, {"x": 2, "y": 1}]
    assert await count(vendor="V1", tag="x") == [{"T1": 1}, {"V1": 1, "V2": 1}, {"x": 1, "y": 1}]
    assert await count(max_price=1) == [{}, {}, {}]


async def test_facets_of_what_is_not_new(db: Database) -> None:
    """What is chosen is counted among what has it, not among the newest products of all."""
    await load(db, row("old", Type=TYPE, Vendor="V1", Tags="x"))
    await load_many(db, f"{TYPE} too")
    facets = await facet_queries.select_facets(db, Selection(type=TYPE))
    assert (facets.vendors, facets.tags) == ((FacetCount("V1", 1),), (FacetCount("x", 1),))
    assert (f"{TYPE} too", None) in [(each.value, each.count) for each in facets.types]


async def load_many(db: Database, type_: str) -> None:
    """Store one product more than is counted."""
    await db.execute(
        """
        with added as (
            insert into products
                (handle, title, description, vendor, type, tags, images, published)
            select 'many-' || n, 'Quokka ' || n, '', 'V', $1, '["t"]', '[]', true
            from generate_series(1, 1001) as n returning id
        )
        insert into variants (product_id, position, sku, options, price, currency, oversell)
        select id, 1, 'MANY-' || id, '[]', id, 'USD', false from added
        """,
        type_,
    )


async def test_beyond_what_is_counted(db: Database) -> None:
    """Beyond 1,000 a list has no count, and its other orders go on to the end."""
    await load_many(db, TYPE)
    for text in ("", "quokka"):
        page = await select(db, "price", limit=100, text=text)
        assert page.total is None
        facets = await facet_queries.select_facets(db, Selection(type=TYPE, text=text))
        assert [each.count for each in facets.vendors] == [None]
        seen = handles(page)
        while page.next:
            page = await select(db, "price", limit=100, after=page.next, text=text)
            seen += handles(page)
        assert len(set(seen)) == len(seen) == 1001
    types = {each.value: each.count for each in await facet_queries.select_types(db, 250)}
    assert types[TYPE] is None
    await db.execute("update products set published = false where handle = 'many-1'")
    assert (await select(db, text="quokka")).total == 1000
