"""What operators do with orders. Each is one transaction, and in the audit.

Where two act on one order, the second waits for the first and then is told: it can't send or cancel
what isn't left, and the state that its request was meant for is another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Unpack
from uuid import UUID

import msgspec

from service import audit, catalogue, clock, metrics
from service.audit import Operator
from service.database import Connection
from service.errors import NotFound, RevisionMismatch

from . import actions, admin_queries, queries
from .model import Order, OrderFilters, OrderPage, cancel_rest, order_event, send, units_left
from .numbers import read_number

Tags = Collection[str] | None
"""The states in which something may be done, as `Order.tag` says them; None: in any."""


class OrderChanged(RevisionMismatch):
    """This is the order as it is now."""

    title = "The order has changed meanwhile"

    def __init__(self, order: Order) -> None:
        super().__init__()
        self.order = order


async def search(
    db: Connection,
    text: str = "",
    account_id: UUID | None = None,
    *,
    limit: int = 20,
    after: str | None = None,
    **filters: Unpack[OrderFilters],
) -> OrderPage:
    """Return orders, newest first, of one account or of all; raises `InvalidCursor`.

    The text is a number, or a part of the name or the address of whom it is for.
    """
    text = " ".join(text.split())
    if number := read_number(text):
        filters["number"] = number
    elif text:
        filters["customer"] = text
    return await actions.history(db, account_id, limit=limit, after=after, **filters)


async def fulfil(
    db: Connection,
    number: str,
    operator: Operator,
    units: Mapping[str, int] | None = None,
    tracking: str = "",
    tags: Tags = None,
) -> Order:
    """Note that this has been sent: units by SKU, or all that is left.

    Raises `NotFound`, `OrderChanged`, `NotFulfillable`.
    """
    async with audit.recorded(db) as record:
        order, now = await _lock(db, number, tags), clock.now()
        changed = send(order, units, now, tracking)
        await admin_queries.update_lines(db, changed)
        await admin_queries.insert_fulfilment(db, order.id, changed.fulfilments[-1])
        told = order_event(
            "order.fulfilled", changed, now, fulfilment=msgspec.to_builtins(changed.fulfilments[-1])
        )
        await queries.update_status(db, changed, told)
        sent = units_left(order) - units_left(changed)
        event = operator.event("order_fulfilled", now, subject=order.number, units=sent)
        await record.store(event)
        changed = await actions.show(db, order.number)
    metrics.orders.labels("fulfilled").inc()
    return changed


async def cancel(db: Connection, number: str, operator: Operator, tags: Tags = None) -> Order:
    """Cancel an order, or what has not been sent of it, and give its stock back.

    Raises `NotFound`, `OrderChanged`, `NotCancellable`.
    """
    async with audit.recorded(db) as record:
        order, now = await _lock(db, number, tags), clock.now()
        changed, stock = cancel_rest(order)
        await admin_queries.update_lines(db, changed)
        await queries.update_status(db, changed, order_event("order.cancelled", changed, now))
        await catalogue.give_back_stock(db, stock)
        event = operator.event(
            "order_cancelled", now, subject=order.number, units=units_left(order)
        )
        await record.store(event)
        changed = await actions.show(db, order.number)
    metrics.orders.labels("cancelled").inc()
    return changed


async def note(
    db: Connection, number: str, operator: Operator, text: str, tags: Tags = None
) -> Order:
    """Keep what operators say of an order; raises `NotFound`, `OrderChanged`."""
    async with audit.recorded(db) as record:
        order = await _lock(db, number, tags)
        await admin_queries.update_note(db, order.id, text)
        await record.store(operator.event("order_noted", clock.now(), subject=order.number))
        return await actions.show(db, order.number)


async def _lock(db: Connection, text: str, tags: Tags) -> Order:
    number = read_number(text)
    if number is None or not await admin_queries.lock_order(db, number):
        raise NotFound
    # Read only now: what was locked after a wait would have its lines as they were before it.
    order = await actions.show(db, number)
    if tags is not None and order.tag not in tags:
        raise OrderChanged(order)
    return order
