"""Checks a history against the tables: what was answered is there, once, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from service.database import Connection
from tests.support.shoppers import Event, History

Units = Counter[str]


@dataclass(frozen=True)
class Stored:
    """What the tables have of a shopper."""

    orders: dict[str, tuple[int, Units]]
    cart: Units


async def audit(db: Connection, history: History) -> int:
    """Check every shopper's orders and units; returns how many orders there are."""
    orders = 0
    for shopper in sorted({event.shopper for event in history.events}):
        stored = await _stored(db, shopper)
        checkouts = history.of(shopper, "POST", "/orders")
        adds = history.of(shopper, "POST", "/cart/lines")
        _repeats_agree([*checkouts, *adds])
        _orders_are_explained(checkouts, stored)
        if not any(event.method == "PUT" for event in history.events if event.shopper == shopper):
            _units_are_explained(adds, stored)
        orders += len(stored.orders)
    return orders


async def stock_adds_up(db: Connection, sku: str, before: int) -> bool:
    """Return whether what is left and what is in orders that hold is what there was."""
    row = await db.fetchrow(
        """
        select stock, (
            select coalesce(sum(quantity), 0) from order_lines l join orders o on o.id = l.order_id
            where l.variant_id = v.id and o.status <> 'cancelled'
        ) as sold
        from variants v where sku = $1
        """,
        sku,
    )
    return bool(row and row["stock"] + row["sold"] == before and row["stock"] >= 0)


def _repeats_agree(events: list[Event]) -> None:
    """A key has one answer, however often it was asked for."""
    answers: dict[str | None, tuple[int | None, object]] = {}
    for event in events:
        if event.key and (event.done or event.status == 409):
            same = (event.status, event.answer)
            assert answers.setdefault(event.key, same) == same, event


def _orders_are_explained(checkouts: list[Event], stored: Stored) -> None:
    """Each order that was answered is stored as it was, and each one stored was asked for once."""
    answered = {event.answer["number"]: event for event in checkouts if event.done}
    assert answered.keys() <= stored.orders.keys()
    for number, event in answered.items():
        units = Counter({line["sku"]: line["quantity"] for line in event.answer["lines"]})
        assert stored.orders[number] == (event.answer["total"], units), event
        assert event.sent == {"expected_total": event.answer["total"]}
        assert event.answer["total"] == sum(line["line_total"] for line in event.answer["lines"])
    known = {event.key for event in checkouts if event.status is not None}
    unknown = {event.key for event in checkouts} - known
    assert len(stored.orders) - len(answered) <= len(unknown)


def _units_are_explained(adds: list[Event], stored: Stored) -> None:
    """Each unit added is in an order or in the cart: never in both, never in neither."""
    there = sum((units for _, units in stored.orders.values()), stored.cart.copy())
    acknowledged = {event.key: event for event in adds if event.done}
    unknown = {event.key: event for event in adds if event.key not in acknowledged}
    least, more = _units(acknowledged.values()), _units(unknown.values())
    for sku in least.keys() | more.keys() | there.keys():
        assert least[sku] <= there[sku] <= least[sku] + more[sku], sku


def _units(adds: Iterable[Event]) -> Units:
    units: Units = Counter()
    for event in adds:
        assert event.sent is not None
        units[event.sent["sku"]] += event.sent["quantity"]
    return units


async def ordered_by(db: Connection, shopper: str) -> dict[int, Units]:
    """Return what each order took, by the revision at which it left the cart empty."""
    rows = await db.fetch(
        """
        select cart_revision, jsonb_object_agg(sku, quantity)::text as units
        from orders o join order_lines l on l.order_id = o.id
        where account_id = (select id from accounts where username = $1)
        group by o.id
        """,
        shopper,
    )
    return {row["cart_revision"]: Counter(json.loads(row["units"])) for row in rows}


async def stored_cart(db: Connection, shopper: str) -> tuple[int, Units]:
    """Return the revision of the shopper's cart, and what is in it."""
    rows = await db.fetch(
        """
        select revision, sku, (line->>'quantity')::int as quantity
        from carts
        left join jsonb_array_elements(lines) as line on true
        left join variants on variants.id = (line->>'variant')::bigint
        where account_id = (select id from accounts where username = $1)
        """,
        shopper,
    )
    units = Counter({row["sku"]: row["quantity"] for row in rows if row["sku"]})
    return (rows[0]["revision"] if rows else 0), units


async def _stored(db: Connection, shopper: str) -> Stored:
    rows = await db.fetch(
        """
        select number, total, jsonb_object_agg(sku, quantity)::text as units
        from orders o join order_lines l on l.order_id = o.id
        where account_id = (select id from accounts where username = $1)
        group by o.id
        """,
        shopper,
    )
    orders = {row["number"]: (row["total"], Counter(json.loads(row["units"]))) for row in rows}
    return Stored(orders, (await stored_cart(db, shopper))[1])
