"""Lists that are read slice by slice have what a plain query has, in its order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TypeAlias

import asyncpg
import pytest

from service.catalogue import Selection, list_statements
from service.catalogue.list_queries import select_products
from service.catalogue.model import Sort
from service.migrations import migrate
from tests.support.databases import lasting_database

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

TITLES = [
    "",
    "a",
    "A b",
    "ab",
    "aé",
    "é",
    "zz",
    "zé",
    "9",
    "8z",
    "0 1",
    "0z",
    "1a",
    "zΩ",
    "Ωmega",
    "Ωa",
    "東京",
    "🦆 duck",
]
PRICES = [0, 1, 2, 3, 31, 32, 33, 999, 1000, 1001, 2**31, 2**31 + 1, 10**11 - 1]
ORDERS: dict[Sort, str] = {
    "newest": "listed.product_id desc",
    "price": "listed.price, listed.product_id",
    "-price": "listed.price desc, listed.product_id desc",
    "title": "listed.title, listed.product_id",
}
SELECTIONS = {
    "true": Selection(available=True),
    "listed.words @@ 'quokka'": Selection(text='"quokka"'),
    "listed.tags @> '{t}'": Selection(tag="t"),
    "listed.tags @> '{t}' and listed.words @@ 'quokka'": Selection(text='"quokka"', tag="t"),
    "listed.tags @> '{t}' and listed.type = 'T'": Selection(tag="t", type="T"),
}
BOUNDS = {"SMALL": 64, "PROBES": 64, "COMMON": 65, "BROAD": 65, "LEFT_OUT": 99, "PASSED": 0}


@pytest.fixture(scope="module")
def full(server_url: str) -> Iterator[str]:
    """3,000 products, far apart by their ids: of every title with every price, most of them alike.

    Two thirds are quokkas, and as many have a tag and a type.
    """

    async def fill(url: str) -> None:
        db = await asyncpg.connect(url)
        await migrate(db)
        await db.execute(
            """
            with added as (
                insert into products
                    (id, handle, title, description, vendor, type, tags, images, published)
                overriding system value
                select n * 700, 'q' || n, ($1::text[])[1 + n % cardinality($1)],
                    case when n % 3 > 0 then 'Quokka' else 'Wombat' end, 'V' || n % 300,
                    case when n % 5 > 1 then 'T' else 'U' end,
                    case when n % 7 > 1 then '["t"]' else '["u"]' end::jsonb, '[]', true
                from generate_series(1, 3000) as n returning id
            )
            insert into variants (product_id, position, sku, options, price, currency, oversell)
            select id, 1, 'Q-' || id, '[]', ($2::bigint[])[1 + id / 700 * 7919 % cardinality($2)],
                'USD', false
            from added
            """,
            TITLES,
            PRICES,
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


@pytest.mark.parametrize("passed", [0, 10**9])
@pytest.mark.parametrize("condition", SELECTIONS)
@pytest.mark.parametrize("sort", ORDERS)
async def test_as_a_plain_query(
    many: Database, monkeypatch: pytest.MonkeyPatch, sort: Sort, condition: str, passed: int
) -> None:
    """Page by page a list is what a plain query gives, to the end, whether by slices or not."""
    for name, value in {**BOUNDS, "PASSED": passed}.items():
        monkeypatch.setattr(list_statements, name, value)
    rows = await many.fetch(
        f"""
        select handle from listed_products as listed join products on id = product_id
        where {condition} order by {ORDERS[sort]}
        """  # noqa: S608 - of what stands above
    )
    expected = [row["handle"] for row in rows]
    assert len(expected) > 1000
    found, after, page = list[str](), None, None
    while page is None or (after := page.next):
        page = await select_products(many, SELECTIONS[condition], sort=sort, limit=97, after=after)
        assert page.total is None
        found += [product.handle for product in page.products]
    assert found == expected
    before = await select_products(
        many, SELECTIONS[condition], sort=sort, limit=97, after=page.previous
    )
    here = len(expected) - len(page.products)
    assert [product.handle for product in before.products] == expected[here - 97 : here]


async def test_places_follow_the_orders(many: Database) -> None:
    """A product's places never fall where its id, its price or its title rises."""
    for place, order in enumerate(("product_id", "price", "title", "product_id"), 1):
        assert await many.fetchval(
            f"""
            select bool_and(before <= here) from (
                select places[{place}] as here,
                    lag(places[{place}]) over (order by {order}) as before
                from listed_products, listed_places(product_id, price, title) as places
            ) as each
            """  # noqa: S608 - of what stands above
        ), order
