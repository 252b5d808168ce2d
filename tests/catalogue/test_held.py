"""The catalogue in memory: the same answers without the database, and none older than a second."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias

import asyncpg
import httpx
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import create_app
from service.catalogue import HeldCatalogue, held, held_queries
from service.services import services_of
from service.settings import Settings
from tests.support.files import load, row, size
from tests.support.operators import operator_of
from tests.support.serving import Served, serve
from tests.support.shopping import API, Product, add_product, get
from tests.support.trips import counted_trips

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Start: TypeAlias = "Callable[..., Awaitable[Quart]]"

PRODUCT = f"{API}/products/<text:handle>"


def held_by(app: Quart) -> HeldCatalogue:
    return services_of(app).get(HeldCatalogue)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the keeper does by itself; pytest's own limit ends a wait in vain."""
    while not condition():  # noqa: ASYNC110 - it is seen in answers alone
        await asyncio.sleep(0.005)


def price_of(app: Quart, product: Product) -> int | None:
    """Return the price of a product's first variant in the copy; None where it isn't there."""
    found = held_by(app).find(product.handle)
    if found is None:
        return None
    body, _ = found.below("")
    return int(body.partition(b'"price":')[2].partition(b",")[0])


async def set_price(db: Database, product: Product, price: int) -> None:
    await db.execute("update variants set price = $1 where sku = $2", price, product.sku)


@pytest.fixture(scope="module")
async def holder(settings: Settings) -> AsyncIterator[Quart]:
    """The service, with the catalogue in memory."""
    app = create_app(dataclasses.replace(settings, catalogue_memory=64, trusted_proxies=1))
    async with app.test_app():
        yield app


@pytest.fixture
async def shop(holder: Quart, product: Product, monkeypatch: pytest.MonkeyPatch) -> Quart:
    """The same, once ``product`` is in there; however slow the machine, the copy is used."""
    monkeypatch.setattr(held, "OLDEST", 60.0)
    await until(lambda: held_by(holder).find(product.handle) is not None)
    return holder


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[Database]:
    """A second connection beside the service."""
    db = await asyncpg.connect(settings.database_url)
    yield db
    await db.close()


async def test_a_held_product_takes_no_statement(shop: Quart, product: Product) -> None:
    """A product that is held is answered without the database, and 304 where it is known."""
    before, client = counted_trips(PRODUCT), shop.test_client()
    response = await client.get(f"{API}/products/{product.handle}")
    again = await client.get(
        f"{API}/products/{product.handle}", headers={"If-None-Match": response.headers["ETag"]}
    )
    assert (response.status_code, again.status_code) == (200, 304)
    assert (await response.get_json())["variants"][0]["sku"] == product.sku
    assert counted_trips(PRODUCT) == before


@pytest.mark.parametrize("prefix", ["", "/shop"])
async def test_answers_are_those_of_the_database(
    shop: Quart, client: Client, observer: Database, prefix: str
) -> None:
    """From memory comes what the database would answer, byte by byte, below a prefix too."""
    handle = f"own{prefix.replace('/', '-')}"
    first = size(
        handle,
        "L",
        Title='Odd \\u0000/ "\\u0000/\\',
        Image_Src="/static/pictures/mug-red.svg",
        Image_Alt_Text="/not/an/address",
        Variant_Image="https://cdn.example/red.jpg",
    )
    await load(observer, first, size(handle, "M", Variant_Image="/static/blue.svg"))
    await until(lambda: held_by(shop).find(handle) is not None)
    headers = {"X-Forwarded-Prefix": prefix}
    before = counted_trips(PRODUCT)
    response = await shop.test_client().get(f"{API}/products/{handle}", headers=headers)
    assert counted_trips(PRODUCT) == before
    shown = await response.get_json()
    assert shown["images"][0]["src"] == f"{prefix}/static/pictures/mug-red.svg"
    assert shown["images"][0]["alt"] == "/not/an/address"
    listed = await shop.test_client().get(
        f"{API}/products", query_string={"q": handle}, headers=headers
    )
    assert shown in (await listed.get_json())["products"]
    if not prefix:
        # This one holds nothing.
        direct = await client.get(f"{API}/products/{handle}")
        assert await direct.get_data() == await response.get_data()
        assert direct.headers["ETag"] == response.headers["ETag"]


async def test_tags_are_of_the_prefix_too(shop: Quart, observer: Database) -> None:
    """Answers that differ by their prefix have different tags, and others don't."""
    await load(observer, row("tagged-own", Image_Src="/static/a.svg"), row("tagged-none"))
    await until(lambda: held_by(shop).find("tagged-none") is not None)
    tags = {
        (handle, prefix): (
            await shop.test_client().get(
                f"{API}/products/{handle}", headers={"X-Forwarded-Prefix": prefix}
            )
        ).headers["ETag"]
        for handle in ("tagged-own", "tagged-none")
        for prefix in ("", "/a", "/b")
    }
    assert len({tag for (handle, _), tag in tags.items() if handle == "tagged-own"}) == 3
    assert len({tag for (handle, _), tag in tags.items() if handle == "tagged-none"}) == 1


async def test_what_commits_late_is_not_missed(
    shop: Quart, product: Product, observer: Database, other: Database
) -> None:
    """A change that was begun before another and committed after it is seen as well."""
    second = await add_product(services_of(shop).get(Settings).database_url)
    async with observer.transaction():
        await set_price(observer, product, 111)
        await set_price(other, second, 222)
        await until(lambda: price_of(shop, second) == 222)
        assert price_of(shop, product) == 1599
    await until(lambda: price_of(shop, product) == 111)


async def test_what_was_undone_is_not_seen(
    shop: Quart, product: Product, observer: Database, other: Database
) -> None:
    """What a transaction that was rolled back had changed stays as it was."""
    with suppress(ZeroDivisionError):
        async with observer.transaction():
            await set_price(observer, product, 111)
            raise ZeroDivisionError
    second = await add_product(services_of(shop).get(Settings).database_url)
    await until(lambda: held_by(shop).find(second.handle) is not None)
    assert price_of(shop, product) == 1599


async def test_a_product_that_is_hidden_goes(
    shop: Quart, product: Product, observer: Database
) -> None:
    """What is no longer sold is no longer held, and comes back when it is sold again."""
    turn = "update products set published = not published where handle = $1"
    await observer.execute(turn, product.handle)
    await until(lambda: held_by(shop).find(product.handle) is None)
    response = await shop.test_client().get(f"{API}/products/{product.handle}")
    assert response.status_code == 404
    await observer.execute(turn, product.handle)
    await until(lambda: held_by(shop).find(product.handle) is not None)


async def test_handles_and_variants_change_hands(
    shop: Quart, product: Product, observer: Database
) -> None:
    """Two products that swap their handles or lose a variant are both as they are then."""
    second = await add_product(services_of(shop).get(Settings).database_url, price="3")
    await until(lambda: price_of(shop, second) == 300)
    async with observer.transaction():
        for old, new in ((product, "between"), (second, product.handle)):
            await observer.execute(
                "update products set handle = $1 where handle = $2", new, old.handle
            )
        await observer.execute(
            "update products set handle = $1 where handle = 'between'", second.handle
        )
    await until(lambda: (price_of(shop, product), price_of(shop, second)) == (300, 1599))
    await observer.execute(
        """
        update variants set product_id = (select id from products where handle = $1), position = 9
        where sku = $2
        """,
        product.handle,
        product.sku,
    )
    # By that the other one has nothing left to be sold.
    await until(lambda: held_by(shop).find(second.handle) is None)
    shown = await get(shop.test_client(), f"/products/{product.handle}")
    assert [each["sku"] for each in shown["variants"]] == [second.sku, product.sku]


async def test_an_operator_sees_a_change_at_once(shop: Quart, product: Product) -> None:
    """After an operator's change the same process answers with nothing older, in no time."""
    client, operator = shop.test_client(), await operator_of(shop)
    for price in range(100, 120):
        response = await client.patch(
            f"{API}/admin/variants/{product.sku}", json={"price": price}, headers=operator.headers
        )
        assert response.status_code == 200
        shown = await get(client, f"/products/{product.handle}")
        assert shown["variants"][0]["price"] == price


async def test_an_old_copy_is_not_used(
    shop: Quart, product: Product, observer: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that is older than it may be is none: the database is asked, and right."""
    monkeypatch.setattr(held, "OLDEST", 0.0)
    before = counted_trips(PRODUCT)
    await set_price(observer, product, 111)
    shown = await get(shop.test_client(), f"/products/{product.handle}")
    assert shown["variants"][0]["price"] == 111
    assert counted_trips(PRODUCT) == before + 1


async def test_of_many_changes_all_is_read_anew(
    shop: Quart, product: Product, observer: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more has changed at once than is worth looking up, nothing of it is missed either."""
    second = await add_product(services_of(shop).get(Settings).database_url)
    await until(lambda: price_of(shop, second) == 1599)
    monkeypatch.setattr(held_queries, "MANY", 1)
    await observer.execute(
        "update variants set price = 7 where sku = any($1)", [product.sku, second.sku]
    )
    await until(lambda: (price_of(shop, product), price_of(shop, second)) == (7, 7))


async def test_a_large_catalogue_is_not_held(
    start_app: Start, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no room in the memory that it may have is answered by the database."""
    monkeypatch.setattr(held, "OVERHEAD", 2**20)
    app = await start_app(catalogue_memory=1)
    names = {metric.name for metric in held_by(app).metrics()}
    assert "locker_held_catalogue_age_seconds" in names
    await until(
        lambda: (
            "locker_held_catalogue_age_seconds"
            not in {metric.name for metric in held_by(app).metrics()}
        )
    )
    assert held_by(app).find(product.handle) is None
    assert (await get(app.test_client(), f"/products/{product.handle}"))["handle"] == product.handle


async def test_tables_that_were_emptied_are_read_anew(start_app: Start, own_url: str) -> None:
    """Where rows went without a trace, as before a backup is put back, nothing old is held."""
    gone = await add_product(own_url)
    app = await start_app(database_url=own_url, catalogue_memory=64)
    await until(lambda: price_of(app, gone) == 1599)
    db = await asyncpg.connect(own_url)
    await db.execute("truncate products cascade")
    await db.close()
    await until(lambda: held_by(app).find(gone.handle) is None)
    assert (await app.test_client().get(f"{API}/products/{gone.handle}")).status_code == 404


async def test_making_answers_lets_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch, start_app: Start, settings: Settings
) -> None:
    """However many products are read, the loop is never held for long."""
    monkeypatch.setattr(held, "SLICE", 0.0)
    monkeypatch.setattr(held, "PART", 10_000)
    for _ in range(5):
        await add_product(settings.database_url)
    turns = []

    async def count() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    app = await start_app(catalogue_memory=64)
    counting = asyncio.create_task(count())
    await until(lambda: len(held_by(app)._copy) > 0)
    counting.cancel()
    assert len(turns) >= len(held_by(app)._copy)


@pytest.fixture(scope="module")
def holding(settings: Settings) -> Iterator[tuple[Served, Served]]:
    """Two processes that hold the catalogue."""
    with serve(settings, catalogue_memory=64) as one, serve(settings, catalogue_memory=64) as two:
        yield one, two


async def test_no_answer_is_older_than_a_second(
    holding: tuple[Served, Served], product: Product, observer: Database
) -> None:
    """No process answers with what had changed more than a second before it was asked."""
    async with httpx.AsyncClient() as client:
        await await_held(client, holding)
        await change_stock(client, holding, product, observer, range(1, 11))


@pytest.mark.session
async def test_no_answer_is_older_when_the_connection_is_cut(
    holding: tuple[Served, Served], product: Product, observer: Database
) -> None:
    """The same where the connection is cut off by which a process follows the changes."""
    async with httpx.AsyncClient() as client:
        for first in (1, 11):
            await await_held(client, holding)
            await change_stock(client, holding, product, observer, range(first, first + 5))
            cut = await observer.fetchval(
                """
                select count(pg_terminate_backend(pid)) from pg_stat_activity
                where application_name = $1 and datname = current_database()
                """,
                held.NAME,
            )
            assert cut >= len(holding)
            await change_stock(client, holding, product, observer, range(first + 5, first + 10))
        await await_held(client, holding)


async def await_held(client: httpx.AsyncClient, holding: tuple[Served, ...]) -> None:
    """Wait until each of the processes answers from memory, as its metrics say."""
    name = "locker_held_catalogue_age_seconds "
    for served in holding:
        age = math.inf
        while age > held.OLDEST:
            text = (await client.get(f"{served.url}/metrics")).text
            line = next(line for line in text.splitlines() if line.startswith(name))
            age = float(line.split()[1])


async def change_stock(
    client: httpx.AsyncClient,
    holding: tuple[Served, ...],
    product: Product,
    db: Database,
    stocks: Iterable[int],
) -> None:
    """Set the stock to each of these; what is asked a second after each change has it."""
    for stock in stocks:
        await db.execute("update variants set stock = $1 where sku = $2", stock, product.sku)
        changed = time.monotonic()
        for served in holding:
            seen = None
            while seen != stock:
                begun = time.monotonic()
                response = await client.get(f"{served.url}{API}/products/{product.handle}")
                body: dict[str, Any] = response.json()
                seen = body["variants"][0]["available"]
                assert seen == stock or begun - changed <= held.OLDEST
