"""Placing an order, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import database
from service.database import Connection
from tests.support.checkout import check_out, quantity_in_stock, shopper
from tests.support.shopping import API, Product, add, add_product, get, log_in, make_token, register


async def test_an_order_is_the_cart_at_the_prices_shown(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """A checkout answers 201 with what was in the cart, takes the stock and empties the cart."""
    tent = await add_product(database_url, price="250.00", stock=5)
    mug = await add_product(database_url, price="9.95")
    client = app.test_client()
    await register(client)
    await add(client, tent.sku, 2)
    cart = await add(client, mug.sku)

    status, order, headers = await check_out(client, cart["total"])

    assert status == 201
    assert headers["Location"] == f"{API}/orders/{order['number']}"
    assert order["status"] == "placed"
    assert order["total"] == 50995
    assert order["currency"] == "USD"
    assert order["lines"] == [
        {
            "sku": tent.sku,
            "title": f"The {tent.sku}",
            "options": {},
            "quantity": 2,
            "unit_price": 25000,
            "line_total": 50000,
            "metadata": {},
        },
        {
            "sku": mug.sku,
            "title": f"The {mug.sku}",
            "options": {},
            "quantity": 1,
            "unit_price": 995,
            "line_total": 995,
            "metadata": {},
        },
    ]
    left = await get(client, "/cart")
    assert (left["id"], left["revision"], left["lines"]) == (cart["id"], cart["revision"] + 1, [])
    assert await quantity_in_stock(observer, tent.sku) == 3
    assert await quantity_in_stock(observer, mug.sku) is None
    assert await get(client, f"/orders/{order['number']}") == order


async def test_an_order_stays_as_it_was_bought(app: Quart, database_url: str) -> None:
    """A new price or a withdrawal changes no order."""
    tent = await add_product(database_url, price="250.00")
    client, total = await shopper(app, tent)
    _, order, _ = await check_out(client, total)
    await add_product(database_url, sku=tent.sku, price="99.00", published=False)
    assert await get(client, f"/orders/{order['number']}") == order


async def test_a_retry_without_a_key_has_the_same_order(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """A cart that was ordered and not changed since answers 200 with that order."""
    tent = await add_product(database_url, stock=5)
    client, total = await shopper(app, tent)
    _, order, _ = await check_out(client, total)
    status, again, headers = await check_out(client, total)
    assert (status, again) == (200, order)
    assert headers["Location"].endswith(order["number"])
    assert await quantity_in_stock(observer, tent.sku) == 4


async def test_a_cart_filled_again_is_another_order(app: Quart, product: Product) -> None:
    """A checkout after a change of the cart is another order."""
    client, total = await shopper(app, product)
    _, first, _ = await check_out(client, total)
    await add(client, product.sku)
    status, second, _ = await check_out(client, total)
    assert status == 201
    assert second["number"] != first["number"]


async def test_a_cart_emptied_by_hand_was_not_ordered(app: Quart, product: Product) -> None:
    """Adding and removing after an order leaves an empty cart, and that is what it is."""
    client, total = await shopper(app, product)
    await check_out(client, total)
    await add(client, product.sku)
    await client.delete(f"{API}/cart")
    status, problem, _ = await check_out(client, total)
    assert (status, problem["code"]) == (409, "empty_cart")


async def test_nothing_is_ordered_from_an_empty_cart(signed_in: Client) -> None:
    """Neither an account without a cart nor one with an empty cart gets an order."""
    status, problem, _ = await check_out(signed_in, 0)
    assert (status, problem["code"]) == (409, "empty_cart")


async def test_a_guest_has_to_say_whom_it_is_for(client: Client, product: Product) -> None:
    """A checkout without a login and without an e-mail address is 422, at its field."""
    cart = await add(client, product.sku)
    status, problem, _ = await check_out(client, cart["total"])
    assert (status, problem["code"]) == (422, "invalid")
    assert problem["errors"][0]["field"] == "contact.email"


async def test_nobody_pays_a_total_they_were_not_shown(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """When a price moved, the checkout is refused with the cart as it is now."""
    tent = await add_product(database_url, price="10.00", stock=5)
    client, total = await shopper(app, tent)
    await add_product(database_url, sku=tent.sku, price="12.00", stock=5)
    status, problem, _ = await check_out(client, total)
    assert (status, problem["code"]) == (409, "total_changed")
    assert problem["cart"]["total"] == 1200
    assert problem["cart"] == await get(client, "/cart")
    assert await quantity_in_stock(observer, tent.sku) == 5
    status, order, _ = await check_out(client, 1200)
    assert (status, order["total"]) == (201, 1200)


async def test_what_is_short_is_named_and_nothing_taken(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """A checkout with too little of one variant takes nothing of the others."""
    plenty = await add_product(database_url, price="1.00", stock=5)
    scarce = await add_product(database_url, price="1.00", stock=3)
    gone = await add_product(database_url, price="1.00")
    client, _ = await shopper(app, plenty)
    await add(client, scarce.sku, 3)
    cart = await add(client, gone.sku)
    await add_product(database_url, sku=scarce.sku, price="1.00", stock=2)
    await add_product(database_url, sku=gone.sku, price="1.00", published=False)
    status, problem, _ = await check_out(client, cart["total"])
    assert (status, problem["code"]) == (409, "insufficient_stock")
    assert problem["lines"] == [
        {"sku": scarce.sku, "quantity": 3, "available": 2},
        {"sku": gone.sku, "quantity": 1, "available": 0},
    ]
    assert await quantity_in_stock(observer, plenty.sku) == 5
    assert (await get(client, "/cart"))["lines"] == [
        {**line, "notice": notice, "available": available}
        for line, notice, available in zip(
            cart["lines"], [None, "insufficient_stock", "unavailable"], [5, 2, None], strict=True
        )
    ]


async def test_what_may_be_oversold_is(app: Quart, observer: Connection, database_url: str) -> None:
    """A variant that may be ordered beyond its stock goes below 0."""
    tent = await add_product(database_url, stock=1, oversell=True)
    client, total = await shopper(app, tent, quantity=3)
    status, _, _ = await check_out(client, total)
    assert status == 201
    assert await quantity_in_stock(observer, tent.sku) == -2


async def test_an_add_meanwhile_stays_in_the_cart(
    app: Quart, observer: Connection, database_url: str, product: Product
) -> None:
    """An add that waits for a checkout to commit finds the cart empty, and its unit in it."""
    name = (await register(app.test_client()))["user"]["username"]
    other = await add_product(database_url, stock=5)
    shopping, browsing = app.test_client(), app.test_client()
    await log_in(shopping, name)
    await log_in(browsing, name)
    cart = await add(shopping, other.sku)
    transaction = observer.transaction()
    await transaction.start()
    # The checkout holds the cart's lock and waits here for the variant's.
    await observer.execute("select id from variants where sku = $1 for update", other.sku)
    checkout = asyncio.create_task(check_out(shopping, cart["total"]))
    await _waiting(database_url, 1)
    adding = asyncio.create_task(add(browsing, product.sku))
    await _waiting(database_url, 2)
    await transaction.rollback()

    status, order, _ = await checkout
    assert status == 201
    assert [line["sku"] for line in order["lines"]] == [other.sku]
    assert [line["sku"] for line in (await adding)["lines"]] == [product.sku]


@pytest.mark.parametrize("key", [None, "one"])
async def test_a_line_newer_than_the_view_of_the_catalogue(
    key: str | None, app: Quart, observer: Connection, database_url: str, product: Product
) -> None:
    """A checkout that waited while a new product came into the cart sees that product."""
    client, total = await shopper(app, product)
    cart = await get(client, "/cart")
    transaction = observer.transaction()
    await transaction.start()
    await observer.execute("select id from carts where id = $1 for update", cart["id"])
    checkout = asyncio.create_task(check_out(client, total, key=key))
    await _waiting(database_url, 1)
    fresh = await add_product(database_url, price="1.00")
    await observer.execute(
        "update carts set revision = revision + 1, lines = lines || ("
        "  select jsonb_build_object('variant', id, 'quantity', 1, 'price', price)"
        "  from variants where sku = $2"
        ") where id = $1",
        cart["id"],
        fresh.sku,
    )
    await transaction.commit()

    status, problem, _ = await checkout
    assert (status, problem["code"]) == (409, "total_changed")
    assert [line["sku"] for line in problem["cart"]["lines"]] == [product.sku, fresh.sku]


@pytest.mark.parametrize(("left", "status"), [(1, 409), (6, 201)])
async def test_the_stock_that_counts_is_that_after_the_wait(
    left: int, status: int, app: Quart, observer: Connection, database_url: str
) -> None:
    """An order that waited while a stock shrank takes from what is left, or nothing at all.

    What is refused stays in the cart, is told to nobody, and the refusal says what is left.
    """
    scarce, plenty = [await add_product(database_url, price="1.00", stock=9) for _ in range(2)]
    client, _ = await shopper(app, plenty)
    cart = await add(client, scarce.sku, 2)
    transaction = observer.transaction()
    await transaction.start()
    await observer.execute("update variants set stock = $2 where sku = $1", scarce.sku, left)
    checkout = asyncio.create_task(check_out(client, cart["total"], key="one"))
    await _waiting(database_url, 1)
    await transaction.commit()

    answered, body, _ = await checkout
    assert answered == status
    stocks = [await quantity_in_stock(observer, each.sku) for each in (scarce, plenty)]
    told = await observer.fetchval(
        "select count(*) from events where data->>'sku' = $1 or data->>'number' = $2",
        scarce.sku,
        body.get("number"),
    )
    units = (await get(client, "/cart"))["quantity"]
    if status == 201:
        assert (stocks, told, units) == ([4, 8], 2, 0)
    else:
        assert body["lines"] == [{"sku": scarce.sku, "quantity": 2, "available": 1}]
        assert (stocks, told, units) == ([1, 9], 0, 3)


async def test_a_token_can_check_out(app: Quart, product: Product) -> None:
    """With a token the owner's cart is ordered, and no cookie is sent."""
    client, total = await shopper(app, product)
    made = await make_token(client)
    program = app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {made['token']}"}
    for key, status in (("one", 201), ("one", 201), ("two", 200)):
        response = await program.post(
            f"{API}/orders",
            json={"expected_total": total},
            headers={**headers, "Idempotency-Key": key},
        )
        assert response.status_code == status
        assert "Set-Cookie" not in response.headers
    orders = await program.get(f"{API}/orders", headers=headers)
    assert (await orders.get_json())["orders"] == (await get(client, "/orders"))["orders"]


async def test_a_hundred_shoppers_and_ten_units(
    start_app: Callable[..., Awaitable[Quart]], observer: Connection, database_url: str
) -> None:
    """100 shoppers want one of 10 units at once: 10 are sold, none is left, 90 are refused."""
    app = await start_app(pool_timeout=30.0)
    tent = await add_product(database_url, stock=10)
    shoppers = [await shopper(app, tent) for _ in range(100)]
    answers = await asyncio.gather(*(check_out(client, total) for client, total in shoppers))
    outcomes = [(status, body.get("code")) for status, body, _ in answers]
    assert outcomes.count((201, None)) == 10
    assert outcomes.count((409, "insufficient_stock")) == 90
    assert await quantity_in_stock(observer, tent.sku) == 0
    sold = await observer.fetchval("select sum(quantity) from order_lines where sku = $1", tent.sku)
    assert sold == 10


async def test_carts_with_the_same_goods_in_any_order_do_not_deadlock(
    start_app: Callable[..., Awaitable[Quart]],
    observer: Connection,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Checkouts that want the same variants, added in opposite orders, go through at once.

    Without repeats: those would hide a deadlock.
    """
    app = await start_app(hash_queue=1_000)
    monkeypatch.setattr(database, "ATTEMPTS", 1)
    goods = [await add_product(database_url, price="1.00", stock=1000) for _ in range(4)]

    async def buy(number: int) -> int:
        client = app.test_client()
        await register(client)
        for each in goods if number % 2 else reversed(goods):
            cart = await add(client, each.sku)
        status, _, _ = await check_out(client, cart["total"])
        return status

    before = await observer.fetchval(
        "select deadlocks from pg_stat_database where datname = current_database()"
    )
    assert await asyncio.gather(*(buy(number) for number in range(30))) == [201] * 30
    for each in goods:
        assert await quantity_in_stock(observer, each.sku) == 970
    await observer.execute("select pg_stat_clear_snapshot()")
    after = await observer.fetchval(
        "select deadlocks from pg_stat_database where datname = current_database()"
    )
    assert after == before


@pytest.mark.parametrize(
    "body", [{}, {"expected_total": -1}, {"expected_total": 1.5}, {"expected_total": 2**53}]
)
async def test_a_total_is_a_whole_number(client: Client, body: dict[str, Any]) -> None:
    """Anything but a whole number in range is 422, before anyone asks who is asking."""
    response = await client.post(f"{API}/orders", json=body)
    assert response.status_code == 422


async def _waiting(database_url: str, count: int) -> None:
    """Wait until so many backends of this database wait for a lock."""
    db = await asyncpg.connect(database_url)
    try:
        while True:
            waiting = await db.fetchval(
                "select count(*) from pg_stat_activity "
                "where datname = current_database() and wait_event_type = 'Lock'"
            )
            if waiting >= count:
                return
    finally:
        await db.close()
