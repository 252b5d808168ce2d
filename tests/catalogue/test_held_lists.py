"""Lists from memory: what the database would answer, page by page, and none half changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service.catalogue import HeldCatalogue, held
from service.catalogue.list_queries import select_products
from service.catalogue.model import EVERYTHING, Sort
from service.services import services_of
from tests.support.files import load, row
from tests.support.shopping import API
from tests.support.trips import counted_trips

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Start: TypeAlias = "Callable[..., Awaitable[Quart]]"

LISTS = f"{API}/products"
SORTS: tuple[Sort, ...] = ("relevance", "newest", "price", "-price", "title")
TITLES = (
    *("Zebra", "zebra 9", "zebra 10", "Äpfel", "äpfel", "apfel", "a pfel", "A-Pfel", "ß", "ss"),
    *(
        "日本",
        "𝔘nicode",
        "\uffee",
        "ｆｕｌｌ",
        "Ω",
        "éclair",
        "e\u0301clair",
        "!",
        "10",
        "9",
        "\u00ad",
    ),
    *("same", "same", "same", "x" * 64 + "b", "x" * 64 + "a", "x" * 63),
)
"""What languages, cases and forms sort differently; the database sorts what it makes of them."""


@pytest.fixture
async def db(own_url: str) -> AsyncIterator[Database]:
    """A shop of awkward titles, many of one price; some products are in no list."""
    connection = await asyncpg.connect(own_url)
    rows = [
        row(f"p{number}", Title=title, Variant_Price=f"{number % 5}.50")
        for number, title in enumerate(TITLES)
    ]
    await load(connection, *rows, row("unlisted", Status="unlisted"), row("draft", Status="draft"))
    yield connection
    await connection.close()


@pytest.fixture
async def holder(
    start_app: Start, own_url: str, db: Database, monkeypatch: pytest.MonkeyPatch
) -> Quart:
    """The service with this shop in memory; however slow the machine, the copy is used."""
    monkeypatch.setattr(held, "OLDEST", 60.0)
    app = await start_app(database_url=own_url, catalogue_memory=64, trusted_proxies=1)
    await until_current(app, db)
    return app


@pytest.fixture
async def asker(start_app: Start, own_url: str) -> Quart:
    """The service on the same shop, which holds nothing."""
    return await start_app(database_url=own_url, trusted_proxies=1)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the keeper does by itself; pytest's own limit ends a wait in vain."""
    while not await condition():  # noqa: ASYNC110 - it is seen in answers alone
        await asyncio.sleep(0.005)


async def until_current(app: Quart, db: Database) -> None:
    """Wait until the copy is used and has what the database lists."""
    listed = await db.fetchval(
        "select array_agg(handle) from products join listed_products on product_id = id"
    )

    async def is_current() -> bool:
        page = services_of(app).get(HeldCatalogue).list_all("newest", 100, None)
        return page is not None and {each.handle for each in page.products} == set(listed)

    await until(is_current)


async def list_page(client: Client, **query: Any) -> dict[str, Any]:
    response = await client.get(f"{API}/products", query_string=query)
    assert response.status_code == 200
    page: dict[str, Any] = await response.get_json()
    return page


@pytest.mark.parametrize("sort", SORTS)
async def test_pages_are_those_of_the_database(holder: Quart, asker: Quart, sort: Sort) -> None:
    """Page by page both answer the same, byte by byte, and take each other's cursors."""
    one, other = holder.test_client(), asker.test_client()
    for limit in (1, 2, 7, 100):
        after: str | None = ""
        seen: list[str] = []
        while after is not None:
            query = {"sort": sort, "limit": limit, "after": after}
            answers = [
                await each.get(f"{API}/products", query_string=query) for each in (one, other)
            ]
            texts = [await each.get_data() for each in answers]
            assert texts[0] == texts[1]
            page = await answers[0].get_json()
            after = page["next"]
            assert page["total"] == len(TITLES)
            seen += [product["handle"] for product in page["products"]]
        assert sorted(seen) == sorted(f"p{number}" for number in range(len(TITLES)))


@pytest.mark.parametrize("sort", SORTS)
async def test_ways_back_are_those_of_the_database(
    holder: Quart, asker: Quart, db: Database, sort: Sort
) -> None:
    """The cursor of the page before leads to the same page, with the same `next`."""
    after, backs = None, []
    while True:
        page = await select_products(db, EVERYTHING, sort=sort, limit=4, after=after)
        backs.append(page.previous)
        if (after := page.next) is None:
            break
    assert backs[0] is None
    for back in backs[1:]:
        query = {"sort": sort, "limit": 4, "after": back}
        shown = await list_page(holder.test_client(), **query)
        assert shown == await list_page(asker.test_client(), **query)
        assert len(shown["products"]) == 4


async def test_a_list_takes_no_statement(holder: Quart) -> None:
    """A list of all products is answered without the database; one of some isn't."""
    before, client = counted_trips(LISTS), holder.test_client()
    for sort in SORTS:
        await list_page(client, sort=sort, limit=5)
    assert counted_trips(LISTS) == before
    for name, value in (("q", "zebra"), ("max_price", 5), ("facets", "true")):
        before = counted_trips(LISTS)
        await list_page(client, **{name: value})
        assert counted_trips(LISTS) > before


async def test_a_cursor_of_another_list_is_refused(holder: Quart) -> None:
    """From memory, too, a cursor is for the order it was made for."""
    client = holder.test_client()
    page = await list_page(client, sort="price", limit=1)
    for sort, after in (("title", page["next"]), ("price", page["next"][:-2]), ("newest", "x")):
        response = await client.get(
            f"{API}/products", query_string={"sort": sort, "after": after, "limit": 1}
        )
        assert response.status_code == 422
        assert (await response.get_json())["errors"][0]["code"] == "bad_format"


async def test_own_pictures_are_below_the_prefix(holder: Quart, asker: Quart, db: Database) -> None:
    """Below a path of a proxy a list says where its pictures are there."""
    await load(db, row("pictured", Image_Src="/static/pictures/mug-red.svg"))
    await until_current(holder, db)
    headers = {"X-Forwarded-Prefix": "/shop"}
    one, other = [
        await (await each.test_client().get(f"{API}/products?limit=1", headers=headers)).get_json()
        for each in (holder, asker)
    ]
    assert one == other
    assert one["products"][0]["images"][0]["src"] == "/shop/static/pictures/mug-red.svg"


CHANGES = (
    "update variants set price = price + 175 where product_id % 3 = 0",
    "update products set title = 'M' || title where id % 4 = 0",
    "update products set published = false where id % 5 = 0",
    "update products set published = true where id % 5 = 0",
    "update products set status = 'unlisted' where id % 7 = 0",
    "update variants set active = false where product_id % 6 = 0",
)


async def test_changes_arrive_in_every_order(holder: Quart, asker: Quart, db: Database) -> None:
    """Whatever changes of a product, it goes to its new place in each list, or out of them."""
    for change in CHANGES:
        await db.execute(change)
        for sort in SORTS:
            expected = await list_page(asker.test_client(), sort=sort, limit=100)
            assert expected["total"]

            async def is_there(sort: Sort = sort, expected: Any = expected) -> bool:
                return bool(await list_page(holder.test_client(), sort=sort, limit=100) == expected)

            await until(is_there)


@pytest.mark.parametrize("part", [1, 100])
async def test_nobody_sees_half_of_a_change(
    holder: Quart, db: Database, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """Products whose prices change at once do so in each answer, however many are taken in."""
    monkeypatch.setattr(held, "PART", part)
    client = holder.test_client()

    async def look() -> int:
        """Return the price that all have, and answers say nothing else."""
        page = await list_page(client, sort="price", limit=100)
        prices = {product["variants"][0]["price"] for product in page["products"]}
        assert len(prices) == 1
        return int(prices.pop())

    await db.execute("update variants set price = 1")

    async def is_even() -> bool:
        page = await list_page(client, sort="-price", limit=1)
        return bool(page["products"][0]["variants"][0]["price"] == 1)

    await until(is_even)
    for price in range(2, 8):
        await db.execute("update variants set price = $1", price)

        async def is_there(price: int = price) -> bool:
            return await look() == price

        await until(is_there)
