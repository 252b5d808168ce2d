"""Reading all that is kept of an account (GDPR, articles 15 and 20)."""

from __future__ import annotations

from uuid import UUID

from service import accounts, audit, carts, clock, logins, orders, preferences
from service.audit import Operator
from service.database import Connection
from service.orders import Order

from .model import MOST_EVENTS, Export

PAGE = 100
"""Orders that are read at once, so that an account with many doesn't hold the loop."""


async def export(db: Connection, account_id: UUID, operator: Operator | None = None) -> Export:
    """Return all that is kept of an account; raises `NotFound`.

    That an operator has seen it is in the audit.
    """
    now = clock.now()
    exported = Export(
        at=now,
        known=await accounts.show(db, account_id),
        kept=await preferences.select_kept(db, account_id),
        lines=await carts.select_kept_lines(db, account_id),
        orders=await _select_orders(db, account_id),
        logins=await logins.select_logins(db, account_id, now, None),
        tokens=await logins.select_tokens(db, account_id, now),
        devices=await logins.select_devices(db, account_id),
        events=await audit.select_events(db, account_id=account_id, limit=MOST_EVENTS),
    )
    if operator:
        event = operator.event("account_exported", now, account_id=account_id)
        await audit.record(db, event)
    return exported


async def _select_orders(db: Connection, account_id: UUID) -> list[Order]:
    found: list[Order] = []
    after: str | None = None
    while True:
        page = await orders.history(db, account_id, limit=PAGE, after=after)
        found += page.orders
        after = page.next
        if after is None:
            return found
