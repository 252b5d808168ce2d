"""What is kept of orders as they are sent, and how they are found by those who send them."""

from __future__ import annotations

import msgspec

from service.database import Connection
from service.statements import Statement

from .model import Fulfilment, Order
from .queries import COLUMNS, LINES, decode_order

SELECT_TO_SEND = Statement(
    f"""
    select {COLUMNS}, {LINES}
    from orders o where o.status in ('placed', 'partially_fulfilled')
    order by o.id limit :limit
    """
)


async def select_to_send(db: Connection, limit: int) -> list[Order]:
    """Return what is to be sent, the oldest first."""
    return [decode_order(row) for row in await db.fetch(*SELECT_TO_SEND(limit=limit))]


LOCK_ORDER = Statement("select from orders where number = :number for no key update")


async def lock_order(db: Connection, number: str) -> bool:
    """Lock an order's row; returns whether there is one."""
    return await db.fetchrow(*LOCK_ORDER(number=number)) is not None


UPDATE_LINES = Statement(
    """
    update order_lines set fulfilled = u.fulfilled, cancelled = u.cancelled
    from (
        select position, row_number() over (order by position) as place
        from order_lines where order_id = :order_id
    ) as l
    join unnest(:fulfilled::integer[], :cancelled::integer[]) with ordinality
        as u (fulfilled, cancelled, place) using (place)
    where order_lines.order_id = :order_id and order_lines.position = l.position
    """
)


async def update_lines(db: Connection, order: Order) -> None:
    """Store what became of an order's lines; the caller holds the order's lock."""
    await db.execute(
        *UPDATE_LINES(
            order_id=order.id,
            fulfilled=[line.fulfilled for line in order.lines],
            cancelled=[line.cancelled for line in order.lines],
        )
    )


INSERT_FULFILMENT = Statement(
    """
    insert into fulfilments (order_id, at, lines, tracking)
    values (:order_id, :at, :lines::jsonb, :tracking)
    """
)


async def insert_fulfilment(db: Connection, order_id: int, fulfilment: Fulfilment) -> None:
    """Store what went out at one time."""
    await db.execute(
        *INSERT_FULFILMENT(
            order_id=order_id,
            at=fulfilment.at,
            lines=msgspec.json.encode(fulfilment.lines).decode(),
            tracking=fulfilment.tracking,
        )
    )


UPDATE_NOTE = Statement("update orders set operator_note = :note where id = :id")


async def update_note(db: Connection, order_id: int, note: str) -> None:
    """Store what operators say of an order."""
    await db.execute(*UPDATE_NOTE(id=order_id, note=note))
