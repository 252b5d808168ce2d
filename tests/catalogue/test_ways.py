"""A search finds the same whichever way it goes: by the index of words, or from product to product.

Which way is a matter of how much there is; here there is little, and the bounds are moved.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias, get_args

import asyncpg
import pytest

from service.catalogue import Selection, list_statements
from service.catalogue.facet_queries import select_facets
from service.catalogue.list_queries import select_products
from service.catalogue.model import COUNTED, FacetCount, Facets, Sort
from service.migrations import migrate
from tests.support.databases import lasting_database

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

WAYS: dict[str, dict[str, int]] = {
    "by the index": {},
    "as it comes": {"SMALL": 64, "PROBES": 64, "COMMON": 6},
    "met soon": {"SMALL": 64, "PROBES": 64, "COMMON": 65, "MANY": 1, "SORTED": 1000},
    "one by one": {"COMMON": 0, "MANY": 0},
    "among the newest": {
        "SMALL": 64,
        "PROBES": 64,
        "COMMON": 65,
        "PASSED": 0,
        "BROAD": 65,
        "LEFT_OUT": 99,
    },
    "by the rarest": {"SMALL": 64, "PROBES": 64, "COMMON": 65, "RARE": 0},
}


@pytest.fixture(scope="module")
def full(server_url: str) -> Iterator[str]:
    """1,200 products: all are quokkas, every third is blue, six are narwhals as well."""

    async def fill(url: str) -> None:
        db = await asyncpg.connect(url)
        await migrate(db)
        await db.execute(
            """
            with added as (
                insert into products
                    (handle, title, description, vendor, type, tags, images, published)
                select 'q' || n, concat_ws(
                        ' ', case when n % 200 = 7 then 'Narwhal' end, 'Quokka',
                        case n % 3 when 0 then 'Blue' else 'Green' end, n
                    ), '', 'V' || n % 300, 'T' || n % 5, '["t"]', '[]', true
                from generate_series(1, 1200) as n returning id
            )
            insert into variants (product_id, position, sku, options, price, currency, oversell)
            select id, 1, 'Q-' || id, '[]', id * 7919 % 1000, 'USD', false from added
            """
        )
        await db.close()

    with lasting_database(server_url, prepare=fill) as url:
        yield url


@pytest.fixture
async def many(full: str) -> AsyncIterator[Database]:
    """A connection to that database."""
    db = await asyncpg.connect(full)
    yield db
    await db.close()


SEARCHES = [
    Selection(text="narwhal"),
    Selection(text="narwhal qu"),
    Selection(text="narwhal q"),
    Selection(text="quokka b"),
    Selection(text="blue quokkas"),
    Selection(text="blue -narwhal"),
    Selection(text="narwhal or 42"),
    Selection(text='"quokka blue" 3'),
    Selection(text="the n"),
    Selection(text="zebra q"),
    Selection(text="quokka", vendor="V7"),
    Selection(text="quo", type="T1", max_price=300),
    Selection(text="q", available=True, tag="t", min_price=900),
    Selection(text="quo", available=True, max_price=500),
    Selection(available=True, vendor="V7"),
    Selection(type="T1"),
    Selection(vendor="V7"),
    Selection(type="T1", vendor="V7"),
    Selection(type="T2", vendor="V7", tag="t", max_price=900),
    Selection(vendor="V7", min_price=100, max_price=800),
    Selection(type="T1", tag="t", min_price=100, available=True),
]


def counted(facets: Facets) -> list[list[FacetCount]]:
    """Return what was counted to the end."""
    kinds = (facets.types, facets.vendors, facets.tags)
    return [[each for each in kind if each.count is not None] for kind in kinds]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("selection", SEARCHES, ids=str)
async def test_same_by_any_way(
    many: Database, monkeypatch: pytest.MonkeyPatch, way: str, selection: Selection
) -> None:
    """Up to 1,000 products, list, total and counts don't depend on how they were found."""
    expected = [await select_products(many, selection, sort=each) for each in get_args(Sort)]
    facets = counted(await select_facets(many, selection))
    for name, value in WAYS[way].items():
        monkeypatch.setattr(list_statements, name, value)
    for sort, page in zip(get_args(Sort), expected, strict=True):
        assert page.total is not None
        assert await select_products(many, selection, sort=sort) == page
    assert counted(await select_facets(many, selection)) == facets


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sort", [each for each in get_args(Sort) if each != "relevance"])
async def test_beyond_by_any_way(
    many: Database, monkeypatch: pytest.MonkeyPatch, way: str, sort: Sort
) -> None:
    """Beyond 1,000 a list in an order other than relevance goes on to the end, and back."""
    for name, value in WAYS[way].items():
        monkeypatch.setattr(list_statements, name, value)
    for selection in (Selection(text="quokka"), Selection(text="q"), Selection(min_price=100)):
        pages = [await select_products(many, selection, sort=sort, limit=500)]
        while after := pages[-1].next:
            assert pages[-1].total is None
            pages.append(await select_products(many, selection, sort=sort, limit=500, after=after))
        wanted = await many.fetchval(
            "select count(*) from listed_products where price >= $1", selection.min_price or 0
        )
        assert len({each.handle for page in pages for each in page.products}) == wanted > 1000
        assert len(pages) == 3
        back = await select_products(
            many, selection, sort=sort, limit=500, after=pages[-1].previous
        )
        assert back.products == pages[1].products


@pytest.mark.parametrize("way", ["by the index", "as it comes", "among the newest"])
async def test_ranked_by_any_way(many: Database, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Of what more than 1,000 products have, the first are ranked, each once, and not counted."""
    for name, value in WAYS[way].items():
        monkeypatch.setattr(list_statements, name, value)
    pages = [await select_products(many, Selection(text="quokka"), limit=500)]
    while after := pages[-1].next:
        pages.append(await select_products(many, Selection(text="quokka"), limit=500, after=after))
    handles = [each.handle for page in pages for each in page.products]
    assert len({*handles}) == len(handles) == COUNTED + 1
    assert [page.total for page in pages] == [None] * 3
    facets = await select_facets(many, Selection(text="quokka"))
    assert {each.value for each in facets.types} == {f"T{n}" for n in range(5)}
    assert {each.count for each in facets.types} == {None}
