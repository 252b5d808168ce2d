"""How orders are found by those who send them."""

from __future__ import annotations

from service.database import Connection
from service.statements import Statement

from .model import Order
from .queries import COLUMNS, LINES, decode_order

SELECT_TO_SEND = Statement(
    f"""
    select {COLUMNS}, {LINES}
    from orders o where o.status = 'placed'
    order by o.id limit :limit
    """
)


async def select_to_send(db: Connection, limit: int) -> list[Order]:
    """Return what is to be sent, the oldest first."""
    return [decode_order(row) for row in await db.fetch(*SELECT_TO_SEND(limit=limit))]
