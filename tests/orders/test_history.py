"""Listing, showing, cancelling and fulfilling orders."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service.audit import COMMAND_LINE
from service.catalogue import STOCK
from service.database import Connection
from service.errors import NotFound
from service.orders import actions, fulfil, history
from service.orders.model import NotFulfillable
from tests.support.checkout import check_out, quantity_in_stock, shopper
from tests.support.shopping import API, Product, add, add_product, get, register


async def bought(app: Quart, product: Product, orders: int) -> tuple[Client, list[dict[str, Any]]]:
    """Return a shopper and their orders, newest first."""
    client, total = await shopper(app, product)
    placed: list[dict[str, Any]] = []
    for _ in range(orders):
        _, order, _ = await check_out(client, total)
        placed.insert(0, order)
        await add(client, product.sku)
    return client, placed


async def cancel(client: Client, number: str) -> tuple[int, dict[str, Any]]:
    response = await client.post(f"{API}/orders/{number}/cancel")
    return response.status_code, await response.get_json()


async def test_orders_are_listed_newest_first(app: Quart, product: Product) -> None:
    """Page by page, each order once, until `next` is null; an order placed meanwhile moves none."""
    client, orders = await bought(app, product, 5)
    first = await get(client, "/orders?limit=2")
    assert first["orders"] == orders[:2]
    await check_out(client, orders[0]["total"])
    second = await get(client, f"/orders?limit=2&after={first['next']}")
    assert second["orders"] == orders[2:4]
    third = await get(client, f"/orders?limit=2&after={second['next']}")
    assert third == {"orders": orders[4:], "next": None}


async def test_a_list_may_be_empty(signed_in: Client) -> None:
    """Who bought nothing has an empty list of orders, and no next page."""
    assert await get(signed_in, "/orders") == {"orders": [], "next": None}


async def test_ones_orders_are_ones_own(app: Quart, product: Product) -> None:
    """Someone else's order is not listed, not found, not cancelled, and no cursor."""
    _, (order,) = await bought(app, product, 1)
    stranger = app.test_client()
    await register(stranger)
    assert (await get(stranger, "/orders"))["orders"] == []
    assert (await stranger.get(f"{API}/orders/{order['number']}")).status_code == 404
    assert (await cancel(stranger, order["number"]))[0] == 404
    response = await stranger.get(f"{API}/orders?after={order['number']}")
    assert response.status_code == 422


@pytest.mark.parametrize("after", ["K7RX-3MD3", "K7RX-3MD2", "nothing", "%00x", "-"])
async def test_a_cursor_is_one_that_was_given(signed_in: Client, after: str) -> None:
    """Any other text is refused."""
    response = await signed_in.get(f"{API}/orders?after={after}")
    assert response.status_code in {400, 422}


async def test_a_number_is_found_as_people_write_it(app: Quart, product: Product) -> None:
    """Lower case and without the dash it is the same order; a mistyped one is not found."""
    client, (order,) = await bought(app, product, 1)
    number = order["number"]
    assert await get(client, f"/orders/{number.lower().replace('-', '')}") == order
    wrong = number[:-1] + ("2" if number[-1] != "2" else "3")
    assert (await client.get(f"{API}/orders/{wrong}")).status_code == 404


async def test_cancelling_gives_the_stock_back_once(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """Of ten cancellations at once, one succeeds, and the stock is what it was."""
    tent = await add_product(database_url, stock=7)
    client, (order,) = await bought(app, tent, 1)
    assert await quantity_in_stock(observer, tent.sku) == 6
    answers = await asyncio.gather(*(cancel(client, order["number"]) for _ in range(10)))
    assert sorted(status for status, _ in answers) == [200] + [409] * 9
    assert {body["code"] for status, body in answers if status == 409} == {"not_cancellable"}
    assert await quantity_in_stock(observer, tent.sku) == 7
    cancelled = await get(client, f"/orders/{order['number']}")
    assert cancelled == {**order, "status": "cancelled"}


async def test_stock_that_was_not_counted_is_not_given_back(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """Units sold before a variant's stock was counted don't add to the count."""
    tent = await add_product(database_url)
    client, (order,) = await bought(app, tent, 1)
    await add_product(database_url, sku=tent.sku, stock=5)
    assert (await cancel(client, order["number"]))[0] == 200
    assert await quantity_in_stock(observer, tent.sku) == 5


async def test_stock_no_longer_counted_stays_so(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """Units of a variant that is no longer counted go nowhere."""
    tent = await add_product(database_url, stock=5)
    client, (order,) = await bought(app, tent, 1)
    await add_product(database_url, sku=tent.sku)
    assert (await cancel(client, order["number"]))[0] == 200
    assert await quantity_in_stock(observer, tent.sku) is None


async def test_stock_grows_no_larger_than_can_be_stored(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """A cancellation succeeds also when the stock has been set to the largest there is."""
    tent = await add_product(database_url, stock=5)
    client, (order,) = await bought(app, tent, 1)
    await add_product(database_url, sku=tent.sku, stock=STOCK)
    assert (await cancel(client, order["number"]))[0] == 200
    assert await quantity_in_stock(observer, tent.sku) == STOCK


async def test_what_was_sent_cannot_be_cancelled(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """A fulfilled order stays so, and a cancelled one stays cancelled."""
    tent = await add_product(database_url, stock=5)
    client, (sent, dropped) = await bought(app, tent, 2)
    done = await fulfil(observer, sent["number"].lower(), COMMAND_LINE)
    assert done.status == "fulfilled"
    status, problem = await cancel(client, sent["number"])
    assert (status, problem["code"]) == (409, "not_cancellable")
    assert (await get(client, f"/orders/{sent['number']}"))["status"] == "fulfilled"
    await cancel(client, dropped["number"])
    with pytest.raises(NotFulfillable):
        await fulfil(observer, dropped["number"], COMMAND_LINE)
    with pytest.raises(NotFound):
        await fulfil(observer, "H4KT-9RWN", COMMAND_LINE)
    assert await quantity_in_stock(observer, tent.sku) == 4


async def test_the_shop_sees_everyones_orders(
    app: Quart, observer: Connection, product: Product
) -> None:
    """The shop's list is of everybody's orders, by status if asked."""
    client, (second, first) = await bought(app, product, 2)
    await cancel(client, first["number"])
    page = await history(observer, limit=2)
    assert [order.number for order in page.orders] == [second["number"], first["number"]]
    page = await history(observer, status="cancelled", limit=1)
    assert [order.number for order in page.orders] == [first["number"]]
    page = await history(observer, status="placed", limit=1)
    assert [order.number for order in page.orders] == [second["number"]]


async def test_a_number_that_is_taken_is_not_given_twice(
    app: Quart, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order whose random number is there already gets another one."""
    taken = iter(["K7RX-3MD3", "K7RX-3MD3", "7F3K-9PX8"])
    monkeypatch.setattr(actions, "new_number", lambda: next(taken))
    _, orders = await bought(app, product, 2)
    assert [order["number"] for order in orders] == ["7F3K-9PX8", "K7RX-3MD3"]


async def test_a_deleted_account_leaves_its_orders(
    app: Quart, observer: Connection, product: Product
) -> None:
    """The order stays, without the person."""
    _, (order,) = await bought(app, product, 1)
    await observer.execute(
        "delete from accounts where id = (select account_id from orders where number = $1)",
        order["number"],
    )
    assert (await actions.show(observer, order["number"])).total == order["total"]
