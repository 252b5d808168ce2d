"""Carts that are left alone are told of."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import carts, clock
from tests.support.serving import ROOT
from tests.support.shopping import API, add, add_product, get, register

REST = timedelta(hours=4)
MIGRATION = (ROOT / "service" / "migrations" / "0171_abandoned_carts.sql").read_text()


@pytest.fixture
async def shop(own_url: str, start_app: Any) -> Quart:
    app: Quart = await start_app(database_url=own_url)
    return app


@pytest.fixture
async def own(own_url: str) -> Any:
    connection = await asyncpg.connect(own_url)
    yield connection
    await connection.close()


async def look(own: Any, at: datetime, most: int = 100) -> int:
    return await carts.tell_of_abandoned(own, REST, at, most)


async def told(own: Any) -> list[dict[str, Any]]:
    rows = await own.fetch(
        "select subject, data::text as data from events where kind = 'cart.abandoned' order by id"
    )
    found = [json.loads(row["data"]) for row in rows]
    assert [row["subject"] for row in rows] == [f"cart:{event['cart_id']}" for event in found]
    return found


async def fill(app: Quart, sku: str) -> Client:
    client = app.test_client()
    await add(client, sku, 2)
    return client


async def test_a_cart_left_alone_is_told_of_once(shop: Quart, own: Any, own_url: str) -> None:
    """Whose it is, whether they want mail and what is in it; again only after it has changed."""
    product = await add_product(own_url)
    guest, customer = await fill(shop, product.sku), await fill(shop, product.sku)
    await register(customer)
    await customer.patch(f"{API}/preferences", json={"marketing_emails": True})
    emptied = await fill(shop, product.sku)
    await emptied.delete(f"{API}/cart")
    now = clock.now()
    assert await look(own, now + REST / 2) == 0
    assert await look(own, now + REST) == 2
    assert await look(own, now + 2 * REST) == 0
    of_guest, of_customer = await told(own)
    account_id = (await get(customer, "/account"))["id"]
    line = {"sku": product.sku, "title": f"The {product.sku}", "options": {}, "quantity": 2}
    for event, account, wants in ((of_guest, None, False), (of_customer, account_id, True)):
        assert event.keys() == {
            "cart_id",
            "account_id",
            "marketing_emails",
            "changed_at",
            "lines",
        }
        assert (event["account_id"], event["marketing_emails"]) == (account, wants)
        assert now - REST < datetime.fromisoformat(event["changed_at"]) <= now
        assert event["lines"] == [line]
    await add(guest, product.sku)
    assert await look(own, clock.now() + REST) == 1
    again = (await told(own))[-1]
    assert again["cart_id"] == of_guest["cart_id"]
    assert again["lines"] == [{**line, "quantity": 3}]


async def test_what_was_there_before_is_not_told_of(own: Any) -> None:
    """An upgrade tells of no cart that was left before it."""
    await own.execute("drop index carts_left; alter table carts drop column told_at")
    await own.execute(
        "insert into carts (id, revision, lines, created_at, updated_at)"
        """ values (gen_random_uuid(), 1, '[{"variant": 1}]', now(), now() - interval '1 day')"""
    )
    await own.execute(MIGRATION)
    assert await look(own, clock.now()) == 0
    await own.execute("update carts set updated_at = now() + interval '1 minute'")
    assert await look(own, clock.now() + 2 * REST) == 1


async def test_many_who_look_tell_of_each_once(shop: Quart, own: Any, own_url: str) -> None:
    """However many look at once, no cart is left out, and none is told of twice."""
    product = await add_product(own_url)
    for _ in range(9):
        await fill(shop, product.sku)
    at = clock.now() + REST

    async def look_often() -> int:
        db = await asyncpg.connect(own_url)
        number = 0
        while found := await look(db, at, 2):
            number += found
        await db.close()
        return number

    numbers = await asyncio.gather(*(look_often() for _ in range(4)))
    assert sum(numbers) + await look(own, at) == 9
    assert len({event["cart_id"] for event in await told(own)}) == len(await told(own)) == 9
