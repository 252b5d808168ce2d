"""Other systems are told when a stock comes to be low: once, whatever takes it there."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

from quart import Quart

from service.database import Connection
from tests.support.checkout import check_out, shopper
from tests.support.operators import operator_of
from tests.support.shopping import API, Product, add, add_product


async def told(db: Connection, sku: str) -> list[tuple[int, int]]:
    """Return what was told of a variant's stock: how much it was, and what counts as low."""
    rows = await db.fetch(
        "select kind, data::text as data from events where subject = $1 order by id", f"stock:{sku}"
    )
    assert {row["kind"] for row in rows} <= {"stock.low"}
    events: list[dict[str, Any]] = [json.loads(row["data"]) for row in rows]
    assert all(event.keys() == {"sku", "stock", "low"} for event in events)
    assert {event["sku"] for event in events} <= {sku}
    return [(event["stock"], event["low"]) for event in events]


async def buy(app: Quart, product: Product, quantity: int) -> int:
    client, total = await shopper(app, product, quantity)
    status, _, _ = await check_out(client, total)
    return status


async def test_each_crossing_is_told_once(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """By an order, an operator or a file, from above to low; not before, and not again below."""
    headers = (await operator_of(app)).headers
    client = app.test_client()
    tent = await add_product(database_url, stock=8)

    async def correct(**body: Any) -> None:
        path = f"{API}/admin/variants/{tent.sku}"
        response = await client.patch(path, json=body, headers=headers)
        assert response.status_code == 200

    assert await buy(app, tent, 2) == 201
    assert await told(observer, tent.sku) == []
    for quantity in (2, 1):
        assert await buy(app, tent, quantity) == 201
    expected = [(4, 5)]
    assert await told(observer, tent.sku) == expected
    await correct(add=10)
    await correct(stock=5)
    await correct(stock=0)
    expected.append((5, 5))
    assert await told(observer, tent.sku) == expected
    await correct(stock=None)
    await correct(price=900)
    await correct(stock=3)
    expected.append((3, 5))
    assert await told(observer, tent.sku) == expected
    for stock in (12, 2, 1):
        await add_product(database_url, sku=tent.sku, stock=stock)
    expected.append((2, 5))
    assert await told(observer, tent.sku) == expected


async def test_an_order_that_fails_tells_nothing(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """What was taken and put back with its transaction was never low."""
    tent, mug = [await add_product(database_url, stock=6) for _ in range(2)]
    client, _ = await shopper(app, tent, 2)
    total = (await add(client, mug.sku, 2))["total"]
    await add_product(database_url, sku=mug.sku, stock=1)
    assert (await check_out(client, total))[0] == 409
    assert await told(observer, tent.sku) == []
    assert await told(observer, mug.sku) == [(1, 5)]


async def test_orders_at_once_tell_once(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """Of many who buy at the same time one takes the stock to the level, and it is told then."""
    tent = await add_product(database_url, sku=f"SKU-{secrets.token_hex(5)}", stock=12)
    assert await asyncio.gather(*(buy(app, tent, 1) for _ in range(12))) == [201] * 12
    assert await told(observer, tent.sku) == [(5, 5)]
