"""A catalogue has one currency, and no two are ever added."""

from __future__ import annotations

import asyncio
import io
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import carts
from service.catalogue import (
    ImportRefused,
    ImportReport,
    change_currency,
    import_products,
    select_currency,
)
from service.database import Connection
from service.migrations import migrate, migrations
from tests.support.databases import new_database
from tests.support.files import csv_file, row
from tests.support.shopping import API, Product, add, add_product, get, register


@pytest.fixture
def url(own_url: str) -> str:
    """A catalogue of this test's own, still empty."""
    return own_url


@pytest.fixture
async def db(url: str) -> AsyncIterator[Connection]:
    """A connection to it."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def bring(db: Connection, sku: str, price: str, currency: str) -> ImportReport:
    """Import a product of one variant."""
    file = csv_file(row(sku.lower(), Variant_SKU=sku, Variant_Price=price))
    return await import_products(db, file, currency=currency)


async def offered(db: Connection) -> list[tuple[str, int, str, bool]]:
    """Return all variants."""
    rows = await db.fetch("select sku, price, currency, active from variants order by sku")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD"])
@pytest.mark.parametrize("dry_run", [False, True])
async def test_second_currency_is_refused(db: Connection, currency: str, *, dry_run: bool) -> None:
    """A file in another currency than the catalogue's changes nothing, and the line says why."""
    await bring(db, "MUG", "10.00", "USD")
    before = await offered(db)
    files = (
        csv_file(row("mug", Variant_SKU="MUG", Variant_Price="12")),
        csv_file(row("new", Variant_SKU="NEW", Variant_Price="12")),
        csv_file(),
    )
    for file in files:
        with pytest.raises(ImportRefused, match=f"priced in USD, the file .* {currency}"):
            await import_products(db, file, currency=currency, dry_run=dry_run)
    assert await offered(db) == before


async def test_a_dry_run_claims_no_currency(db: Connection) -> None:
    """Only what is written makes a currency the catalogue's."""
    await import_products(db, csv_file(row("mug")), currency="JPY", dry_run=True)
    assert await select_currency(db) is None
    await bring(db, "MUG", "10.00", "USD")
    assert await select_currency(db) == "USD"


async def test_two_first_imports(url: str) -> None:
    """Of two first imports at once in two currencies one is refused, each time."""
    for _ in range(20):
        one, two = await asyncpg.connect(url), await asyncpg.connect(url)
        await one.execute(
            "truncate products, variants, listed_products, order_lines, catalogue_currency"
        )
        done = await asyncio.gather(
            bring(one, "EUR-MUG", "10.00", "EUR"),
            bring(two, "JPY-MUG", "1500", "JPY"),
            return_exceptions=True,
        )
        assert sorted(isinstance(each, ImportRefused) for each in done) == [False, True], done
        assert len(await offered(one)) == 1
        await one.close()
        await two.close()


async def test_change(db: Connection) -> None:
    """After a change of the currency nothing is sold at an old price, until it gets a new one."""
    await bring(db, "MUG", "10.00", "USD")
    await bring(db, "CUP", "4.00", "USD")
    async with db.transaction():
        assert await change_currency(db, "JPY") == 2
    assert await offered(db) == [("CUP", 400, "USD", False), ("MUG", 1000, "USD", False)]
    await bring(db, "MUG", "1500", "JPY")
    assert await offered(db) == [("CUP", 400, "USD", False), ("MUG", 1500, "JPY", True)]


async def test_a_change_that_is_taken_back(db: Connection) -> None:
    """What still has its price in the currency of before is sold again; the rest isn't."""
    for sku in ("CUP", "MUG", "POT"):
        await bring(db, sku, "10.00", "USD")
    await db.execute("update variants set active = false where sku = 'POT'")
    assert await change_currency(db, "JPY") == 2
    assert await change_currency(db, "EUR") == 0
    await bring(db, "MUG", "9.00", "EUR")
    assert await change_currency(db, "USD") == 1
    assert await offered(db) == [
        ("CUP", 1000, "USD", True),
        ("MUG", 900, "EUR", False),
        ("POT", 1000, "USD", False),
    ]


SHIRT = "Handle,Title,Option1 Name,Option1 Value,SKU,Price,Compare-at price\nt,T,Size,S,S,5,6\n"


@pytest.mark.parametrize(
    "prices",
    ["Handle,SKU,Price\nt,S,4\nt,M,4\n", "Handle,Option1 Value,Price\nt,S,4\nt,M,4\n"],
)
async def test_what_was_withdrawn_before_a_change(db: Connection, prices: str) -> None:
    """Prices in the new currency sell what the change took away, and not what a file had."""
    await take(db, f"{SHIRT}t,,,M,M,5,6\n", "USD")
    await take(db, SHIRT, "USD")
    await change_currency(db, "EUR")
    report = await take(db, prices, "EUR")
    assert (report.variants_changed, report.bad_rows) == (2, [])
    assert await offered(db) == [("M", 400, "EUR", False), ("S", 400, "EUR", True)]


async def test_a_complete_file_withdraws_what_waits_for_a_price(db: Connection) -> None:
    """What it doesn't name isn't brought back by a price list after it."""
    await take(db, f"{SHIRT}t,,,M,M,5,6\n", "USD")
    await change_currency(db, "EUR")
    assert (await take(db, SHIRT, "EUR")).withdrawn == ["M"]
    await take(db, "Handle,SKU,Price\nt,M,4\n", "EUR")
    assert await offered(db) == [("M", 400, "EUR", False), ("S", 500, "EUR", True)]


@pytest.mark.parametrize("columns", ["Handle,SKU,Price", "Handle,Barcode,Price"])
async def test_no_amount_is_taken_from_one_currency_to_another(
    db: Connection, columns: str
) -> None:
    """A price list without compare-at prices leaves none of the old currency beside a new price."""
    await take(db, SHIRT.replace("Size,S", "Title,Default Title"), "USD")
    await change_currency(db, "JPY")
    await take(db, f"{columns}\nt,S,4000\n", "JPY")
    (stored,) = await db.fetch("select price, compare_at_price, currency, active from variants")
    assert tuple(stored) == (4000, None, "JPY", True)


async def take(db: Connection, content: str, currency: str) -> ImportReport:
    """Import a file."""
    return await import_products(db, io.BytesIO(content.encode()), currency=currency)


@pytest.fixture
async def products(database_url: str) -> tuple[Product, Product]:
    """Two products in dollars."""
    return await add_product(database_url, price="289.00"), await add_product(database_url)


async def price_in(observer: Connection, sku: str, price: int, currency: str) -> None:
    """Price a variant in another currency, as only a hand in the database can."""
    await observer.execute(
        "update variants set price = $2, currency = $3 where sku = $1", sku, price, currency
    )


@pytest.mark.parametrize("foreign_first", [True, False])
@pytest.mark.parametrize(("price", "currency"), [(1500, "JPY"), (1000, "EUR"), (1234, "KWD")])
async def test_sums_have_one_currency(
    app: Quart,
    observer: Connection,
    products: tuple[Product, Product],
    price: int,
    currency: str,
    *,
    foreign_first: bool,
) -> None:
    """Should the catalogue have two all the same, a cart sums up one and isn't ordered."""
    client = app.test_client()
    await register(client)
    one, two = products
    await add(client, one.sku)
    await add(client, two.sku, 2)
    foreign, usual = (one, two) if foreign_first else (two, one)
    await price_in(observer, foreign.sku, price, currency)

    cart = await get(client, "/cart")
    first, second = cart["lines"]
    counted = [line for line in (first, second) if line["currency"] == cart["currency"]]
    assert {first["currency"], second["currency"]} == {"USD", currency}
    assert cart["total"] == sum(line["line_total"] for line in counted)
    assert len(counted) == 1

    response = await client.post(f"{API}/orders", json={"expected_total": cart["total"]})
    problem = await response.get_json()
    assert (response.status_code, problem["code"]) == (409, "insufficient_stock")
    assert len(problem["lines"]) == 1

    await client.delete(f"{API}/cart/lines/{foreign.sku}")
    response = await client.post(f"{API}/cart/lines", json={"sku": foreign.sku, "quantity": 1})
    assert response.status_code == 404
    await client.delete(f"{API}/cart/lines/{usual.sku}")


async def test_prices_of_two_currencies_are_not_compared(
    client: Client, observer: Connection, products: tuple[Product, Product]
) -> None:
    """What a line cost in another currency is no price that changed."""
    sku = products[0].sku
    await add(client, sku)
    await price_in(observer, sku, 28_900, "JPY")
    (line,) = (await get(client, "/cart"))["lines"]
    assert (line["unit_price"], line["added_price"], line["notice"]) == (28_900, 28_900, None)
    await price_in(observer, sku, 1, "EUR")
    (line,) = (await get(client, "/cart"))["lines"]
    assert (line["added_price"], line["notice"]) == (1, None)
    await price_in(observer, sku, 30_000, "USD")
    (line,) = (await get(client, "/cart"))["lines"]
    assert (line["added_price"], line["notice"]) == (28_900, "price_changed")


async def test_carts_of_before_are_noted(
    client: Client, observer: Connection, products: tuple[Product, Product]
) -> None:
    """Lines without a note of their currency get it before the catalogue's changes."""
    for product in products:
        await add(client, product.sku)
    cart = await get(client, "/cart")
    forget = """
        update carts set lines = (select jsonb_agg(line - 'currency') from
        jsonb_array_elements(lines) as line) where id = $1
    """
    await observer.execute(forget, cart["id"])
    assert await get(client, "/cart") == cart
    await carts.note_currency(observer)
    await price_in(observer, products[0].sku, secrets.randbelow(1_000), "JPY")
    assert (await get(client, "/cart"))["lines"][0]["notice"] is None
    assert [line["sku"] for line in cart["lines"]] == [product.sku for product in products]


async def test_migration_of_a_mixed_catalogue(server_url: str) -> None:
    """Where a catalogue had two currencies, the one with more variants goes on being sold."""
    async with new_database(server_url) as url:
        db = await asyncpg.connect(url)
        await migrate(db)
        await bring(db, "A", "1", "USD")
        await bring(db, "B", "1", "USD")
        await bring(db, "C", "1", "USD")
        await price_in(db, "C", 100, "JPY")
        (statement, withdraw) = mixed_catalogue()
        await db.execute("delete from catalogue_currency")
        await db.execute(statement)
        await db.execute(withdraw)
        assert await select_currency(db) == "USD"
        assert [each[3] for each in await offered(db)] == [True, True, False]
        await db.close()


def mixed_catalogue() -> tuple[str, str]:
    """Return what the migration does with the currencies it finds."""
    sql = next(each.sql for each in migrations() if each.name == "0030_files")
    insert = sql[sql.index("insert into catalogue_currency") :]
    first, rest = insert.split(";", 1)
    return first, rest
