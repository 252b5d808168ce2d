"""Adds, quantity changes and price changes, all racing a checkout."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from random import Random

import httpx
import pytest
from quart import Quart

from service.database import Connection
from tests.support.audit import Units, audit, ordered_by, stock_adds_up, stored_cart
from tests.support.shoppers import Event, History, Shopper
from tests.support.shopping import Product, add_product

AT_ONCE = 4
PRICES = ("10.00", "15.00")
PLENTY = 1_000_000


@pytest.mark.parametrize(
    "rounds", [100, pytest.param(500, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_changes_racing_checkout(
    rounds: int, app: Quart, database_url: str, observer: Connection
) -> None:
    """Every unit is in the order or in the cart, and nobody pays a total they were not shown."""
    chance, history = Random(3), History()
    goods = [await add_product(database_url, price=PRICES[0], stock=PLENTY) for _ in range(2)]
    waiting = iter(range(rounds))
    turn = asyncio.Lock()

    async def change_price() -> None:
        async with turn:
            await observer.execute(
                "update variants set price = $2 where sku = $1",
                chance.choice(goods).sku,
                chance.choice([1000, 1500]),
            )

    async def shop() -> None:
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            shopper = Shopper(client, history)
            await shopper.register()
            for _ in waiting:
                shown = await shopper.add(goods[0].sku)
                total = {"expected_total": shown.answer["total"]}
                key = chance.choice([None, secrets.token_hex(8)])
                racing = [
                    shopper.send("POST", "/orders", total, key),
                    change_price(),
                    *(_change(shopper, goods, chance) for _ in range(3)),
                ]
                chance.shuffle(racing)
                await asyncio.gather(*racing)

    await asyncio.gather(*(shop() for _ in range(AT_ONCE)))

    assert {event.status for event in history.events} <= {200, 201, 409}
    refusals = {event.answer["code"] for event in history.events if event.status == 409}
    assert refusals <= {"total_changed"}
    orders = await audit(observer, history)
    assert 0 < orders <= rounds
    for product in goods:
        assert await stock_adds_up(observer, product.sku, PLENTY)
    for name in sorted({event.shopper for event in history.events}):
        await _every_revision_is_explained(observer, history, name)


async def _change(shopper: Shopper, goods: list[Product], chance: Random) -> Event:
    sku, quantity = chance.choice(goods).sku, chance.randint(1, 3)
    if chance.random() < 0.5:
        return await shopper.send("PUT", f"/cart/lines/{sku}", {"quantity": quantity})
    key = chance.choice([None, secrets.token_hex(8)])
    return await shopper.send("POST", "/cart/lines", {"sku": sku, "quantity": quantity}, key)


async def _every_revision_is_explained(db: Connection, history: History, name: str) -> None:
    """Walk through the cart's revisions: each is one change's, or one order's, and no other's.

    So no change was lost, none was made twice, and each order is what the cart was just before.
    """
    orders = await ordered_by(db, name)
    changes: dict[int, list[Event]] = {}
    for event in history.events:
        if event.shopper == name and event.path.startswith("/cart") and event.done:
            changes.setdefault(event.answer["revision"], []).append(event)
    revision, final = await stored_cart(db, name)
    units: Units = Counter()
    for number in range(1, revision + 1):
        made = changes.pop(number, [])
        if number in orders:
            assert orders.pop(number) == units
            units = Counter()
        else:
            before, units = units, _units(made[0])
            effective = [event for event in made if _after(event, units) != units]
            assert len(effective) <= 1, made
            maker = effective[0] if effective else made[0]
            assert _after(maker, before) == units, made
        assert all(_units(event) == units for event in made)
    assert (units, changes, orders) == (final, {}, {})


def _after(event: Event, units: Units) -> Units:
    """Return what the change makes of this cart."""
    assert event.sent is not None
    changed = units.copy()
    if event.method == "PUT":
        changed[event.path.rpartition("/")[2]] = event.sent["quantity"]
    else:
        changed[event.sent["sku"]] += event.sent["quantity"]
    return changed


def _units(event: Event) -> Units:
    return Counter({line["sku"]: line["quantity"] for line in event.answer["lines"]})
