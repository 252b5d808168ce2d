"""How orders are stored, and how stock is taken and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from service.catalogue import STOCK

from .model import Order, OrderLine, Page, Stock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from service.carts import Cart
    from service.database import Connection

    from .model import Status

LINES = """(
    select jsonb_agg(jsonb_build_object(
        'variant_id', l.variant_id, 'sku', l.sku, 'title', l.title, 'options', l.options,
        'quantity', l.quantity, 'unit_price', l.unit_price, 'from_stock', l.from_stock
    ) order by l.position)::text
    from order_lines l where l.order_id = o.id
) as lines"""

_lines = msgspec.json.Decoder(tuple[OrderLine, ...])


async def take_stock(db: Connection, cart: Cart) -> dict[int, Stock]:
    """Take what is in the cart out of the stocks that are counted, where there is enough.

    Returns these by variant id. The rows are locked in the order of their ids, as everyone
    locks them, so that two who want the same ones wait for each other in turn.
    """
    rows = await db.fetch(
        """
        with wanted as (
            select id, quantity from unnest($1::bigint[], $2::integer[]) as w (id, quantity)
        ),
        counted as (
            select id, stock, oversell from variants
            where id = any($1) and stock is not null
            order by id for no key update
        ),
        taken as (
            update variants set stock = variants.stock - wanted.quantity
            from counted join wanted using (id)
            where variants.id = counted.id
                and (counted.oversell or counted.stock >= wanted.quantity)
            returning variants.id
        )
        select id, stock, id in (select id from taken) as taken from counted
        """,
        [line.offer.variant_id for line in cart.lines],
        [line.quantity for line in cart.lines],
    )
    return {row["id"]: Stock(row["stock"], row["taken"]) for row in rows}


async def give_back_stock(db: Connection, quantities: Mapping[int, int]) -> None:
    """Put units back into the stocks that are still counted, by variant id.

    None of them grows beyond what can be stored.
    """
    await db.execute(
        """
        with counted as (
            select id from variants where id = any($1::bigint[]) and stock is not null
            order by id for no key update
        )
        update variants set stock = least(variants.stock::bigint + w.quantity, $3)
        from counted join unnest($1::bigint[], $2::integer[]) as w (id, quantity) using (id)
        where variants.id = counted.id
        """,
        list(quantities),
        list(quantities.values()),
        STOCK,
    )


async def insert_order(
    db: Connection,
    number: str,
    account_id: UUID,
    cart: Cart,
    lines: Sequence[OrderLine],
    now: datetime,
) -> Order | None:
    """Store the order of a cart, which is empty from its next revision on.

    Returns None if another order has this number.
    """
    row = await db.fetchrow(
        """
        with o as (
            insert into orders (
                number, account_id, status, placed_at, currency, total, cart_id, cart_revision
            ) values ($1, $2, 'placed', $3, $4, $5, $7, $8)
            on conflict (number) do nothing
            returning id, number, status, placed_at, currency, total
        ),
        stored as (
            insert into order_lines (
                order_id, position, variant_id, sku, title, options, quantity, unit_price,
                from_stock
            )
            select
                o.id, position, variant_id, sku, title, options, quantity, unit_price, from_stock
            from o, rows from (
                jsonb_to_recordset($6::jsonb) as (
                    variant_id bigint, sku text, title text, options jsonb, quantity integer,
                    unit_price bigint, from_stock boolean
                )
            ) with ordinality as l (
                variant_id, sku, title, options, quantity, unit_price, from_stock, position
            )
        )
        select id, number, status, placed_at, currency, total, $6::text as lines from o
        """,
        number,
        account_id,
        now,
        cart.currency,
        cart.total,
        msgspec.json.encode(lines).decode(),
        cart.id,
        cart.revision + 1,
    )
    return None if row is None else _order(row)


async def select_order_from(db: Connection, cart: Cart) -> Order | None:
    """Return the order that emptied this cart, if nothing has changed the cart since."""
    row = await db.fetchrow(
        f"""
        select o.id, o.number, o.status, o.placed_at, o.currency, o.total, {LINES}
        from orders o where o.cart_id = $1 and o.cart_revision = $2
        """,
        cart.id,
        cart.revision,
    )
    return None if row is None else _order(row)


async def select_order(
    db: Connection, number: str, account_id: UUID | None, *, lock: bool = False
) -> Order | None:
    """Return the order, if it is this account's; None for the account is the shop's own view."""
    row = await db.fetchrow(
        f"""
        select o.id, o.number, o.status, o.placed_at, o.currency, o.total, {LINES}
        from orders o where o.number = $1 and ($2::uuid is null or o.account_id = $2)
        {"for no key update" if lock else ""}
        """,
        number,
        account_id,
    )
    return None if row is None else _order(row)


async def update_status(db: Connection, order_id: int, status: Status) -> None:
    """Store an order's status; the caller holds the row's lock."""
    await db.execute("update orders set status = $2 where id = $1", order_id, status)


async def select_orders(
    db: Connection,
    *,
    account_id: UUID | None = None,
    status: Status | None = None,
    limit: int,
    before: int | None = None,
) -> Page:
    """Return the newest orders, of one account or of all, from below an id on."""
    # Conditions are added as they are asked for: `$1 is null or …` would keep the plan from
    # using the index that each of them has.
    conditions, parameters = ["true"], []
    for condition, value in (
        ("o.account_id = ${}", account_id),
        ("o.status = ${}", status),
        ("o.id < ${}", before),
    ):
        if value is not None:
            parameters.append(value)
            conditions.append(condition.format(len(parameters)))
    parameters.append(limit + 1)
    rows = await db.fetch(
        f"""
        select o.id, o.number, o.status, o.placed_at, o.currency, o.total, {LINES}
        from orders o where {" and ".join(conditions)}
        order by o.id desc limit ${len(parameters)}
        """,
        *parameters,
    )
    orders = tuple(_order(row) for row in rows[:limit])
    return Page(orders, orders[-1].number if len(rows) > limit else None)


def _order(row: Record) -> Order:
    return Order(
        id=row["id"],
        number=row["number"],
        status=row["status"],
        placed_at=row["placed_at"],
        currency=row["currency"],
        total=row["total"],
        lines=_lines.decode(row["lines"]),
    )
