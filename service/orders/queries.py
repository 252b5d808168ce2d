"""How orders are stored."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Unpack
from uuid import UUID

import msgspec
from asyncpg import Record

from service.carts import Cart, empty_cte
from service.catalogue import LOCK_STOCK_CTE, take_stock_cte
from service.database import Conflicted, Connection
from service.errors import InvalidCursor
from service.logins import LOGIN, PresentedLogin
from service.outbox import OutboxEvent, event_cte
from service.statements import Statement

from .details import Details
from .model import (
    Fulfilment,
    Order,
    OrderFilters,
    OrderLine,
    OrderPage,
    is_sold,
    order_lines,
    out_of_stock,
    placed_event,
)


def _lines_from(table: str) -> str:
    return f"""(
        select jsonb_agg(jsonb_build_object(
            'variant_id', l.variant_id, 'sku', l.sku, 'title', l.title, 'options', l.options,
            'quantity', l.quantity, 'unit_price', l.unit_price, 'from_stock', l.from_stock,
            'metadata', l.metadata, 'fulfilled', l.fulfilled, 'cancelled', l.cancelled
        ) order by l.position)::text
        from {table} l where l.order_id = o.id
    ) as lines"""


LINES = _lines_from("order_lines")

COLUMNS = """
    o.id, o.number, o.status, o.placed_at, o.currency, o.total, o.account_id, o.key_hash,
    jsonb_build_object(
        'contact', o.contact, 'shipping_address', o.shipping_address,
        'billing_address', o.billing_address, 'note', o.note, 'metadata', o.metadata
    )::text as details,
    o.operator_note,
    (
        select coalesce(jsonb_agg(jsonb_build_object(
            'at', to_char(f.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'lines', f.lines, 'tracking', f.tracking
        ) order by f.id), '[]')::text
        from fulfilments f where f.order_id = o.id
    ) as fulfilments
"""

_lines = msgspec.json.Decoder(tuple[OrderLine, ...])
_details = msgspec.json.Decoder(Details)
_stocks = msgspec.json.Decoder(dict[int, int])
_fulfilments = msgspec.json.Decoder(tuple[Fulfilment, ...])


INSERT_ORDER = Statement(
    f"""
    with {LOCK_STOCK_CTE},
    o as (
        insert into orders (
            number, account_id, status, placed_at, currency, total, cart_id, cart_revision,
            contact, shipping_address, billing_address, note, metadata, key_hash
        )
        select :number::text, :account_id::uuid, 'placed', :now::timestamptz, :currency::text,
            :total::bigint, :cart_id::uuid, :cart_revision::integer,
            -- who has an account need not say the address again
            case when :account_id is null then said.contact
                else coalesce(said.contact, '{{}}') || jsonb_build_object('email', coalesce(
                    nullif(said.contact->>'email', ''),
                    (select email from accounts where id = :account_id), ''
                ))
            end,
            said.shipping_address, said.billing_address, said.note, said.metadata, :key_hash::bytea
        from jsonb_to_record(:details::jsonb) as said (
            contact jsonb, shipping_address jsonb, billing_address jsonb, note text, metadata jsonb
        )
        where :sold and not exists (select from short)
        on conflict (number) do nothing
        returning id, number, status, placed_at, currency, total, account_id, key_hash,
            contact, shipping_address, billing_address, note, metadata, operator_note,
            cart_id, cart_revision
    ),
    {empty_cte("o")},
    {take_stock_cte("o")},
    stored as (
        insert into order_lines (
            order_id, position, variant_id, sku, title, options, quantity, unit_price,
            from_stock, metadata
        )
        select
            o.id, position, variant_id, sku, title, options, quantity, unit_price,
            variant_id in (select id from counted), l.metadata
        from o, rows from (
            jsonb_to_recordset(:lines::jsonb) as (
                variant_id bigint, sku text, title text, options jsonb, quantity integer,
                unit_price bigint, metadata jsonb
            )
        ) with ordinality as l (
            variant_id, sku, title, options, quantity, unit_price, metadata, position
        )
        returning order_id, position, variant_id, sku, title, options, quantity, unit_price,
            from_stock, metadata, fulfilled, cancelled
    ),
    {event_cte("o", also="low")}
    select {COLUMNS}, {_lines_from("stored")}, exists (select from emptied_cart) as emptied,
        (select jsonb_object_agg(id, stock)::text from short) as short
    from (select) as one left join o on true
    """
)


async def insert_order(
    db: Connection,
    number: str,
    account_id: UUID | None,
    cart: Cart,
    now: datetime,
    details: Details,
    key_hash: bytes | None,
    low_stock: int,
) -> Order | None:
    """Take the stock of a cart, store its order, empty it, and tell of all that: or none of it.

    Returns None if another order has this number. Raises `OutOfStock`, and `Conflicted` if the cart
    isn't at its revision any more.
    """
    lines, sold = order_lines(cart), all(is_sold(cart, line) for line in cart.lines)
    (row,) = await db.fetch(
        *INSERT_ORDER(
            number=number,
            account_id=account_id,
            now=now,
            currency=cart.currency,
            total=cart.total,
            ids=list(cart.units),
            quantities=list(cart.units.values()),
            low=low_stock,
            sold=sold,
            lines=msgspec.json.encode(lines).decode(),
            cart_id=cart.id,
            cart_revision=cart.revision + 1,
            details=msgspec.json.encode(details).decode(),
            key_hash=key_hash,
            **placed_event(number, account_id, cart, lines, now).parameters(),
        )
    )
    short = _stocks.decode(row["short"] or "{}")
    if short or not sold:
        raise out_of_stock(cart, short)
    if row["id"] is None:
        return None
    if not row["emptied"]:
        raise Conflicted
    return decode_order(row)


SELECT_ORDER_FROM = Statement(
    f"""
    select {COLUMNS}, {LINES}
    from orders o where o.cart_id = :cart_id and o.cart_revision = :revision
    """
)


async def select_order_from(db: Connection, cart: Cart) -> Order | None:
    """Return the order that emptied this cart, if nothing has changed the cart since."""
    row = await db.fetchrow(*SELECT_ORDER_FROM(cart_id=cart.id, revision=cart.revision))
    return None if row is None else decode_order(row)


ORDER = f"""
    select {COLUMNS}, {LINES}
    from orders o
    where o.number = :number
"""
SELECT_ORDER = Statement(ORDER)
LOCK_ORDER = Statement(f"{ORDER} for no key update")


async def select_order(db: Connection, number: str, *, lock: bool = False) -> Order | None:
    """Return the order of this number, whosoever it is; with ``lock`` its row is locked."""
    statement = LOCK_ORDER if lock else SELECT_ORDER
    row = await db.fetchrow(*statement(number=number))
    return None if row is None else decode_order(row)


UPDATE_STATUS = Statement(
    f"""
    with changed as (
        update orders set status = :status where id = :id returning id
    ),
    {event_cte("changed")}
    select from changed
    """
)


async def update_status(db: Connection, order: Order, event: OutboxEvent) -> None:
    """Store an order's status, and tell of it; the caller holds the row's lock."""
    await db.execute(*UPDATE_STATUS(id=order.id, status=order.status, **event.parameters()))


_WILD, _ESCAPED = re.compile(r"([\\%_])"), r"\\\1"

CONDITIONS = {
    "account_id": "o.account_id = :account_id",
    "number": "o.number = :number",
    "customer": """
        o.contact is not null
        and lower(coalesce(o.contact->>'name', '') || ' ' || coalesce(o.contact->>'email', ''))
            like :customer
    """,
    "to_send": "o.status in ('placed', 'partially_fulfilled')",
    "status": "o.status = :status",
    "since": "o.placed_at >= :since",
    "until": "o.placed_at < :until",
    "email": "lower(o.contact->>'email') = lower(:email)",
    "sku": "o.id in (select order_id from order_lines where sku = :sku)",
    "before": "o.id < :before",
}


@cache
def _select_orders(*conditions: str) -> Statement:
    # Only what is asked for is a condition: `:status is null or …` would keep the plan from using
    # the index that each of them has.
    where = " and ".join(["true", *(CONDITIONS[name] for name in conditions)])
    return Statement(
        f"""
        select {COLUMNS}, {LINES}
        from orders o where {where}
        order by o.id desc limit :limit
        """
    )


async def select_orders(
    db: Connection,
    *,
    account_id: UUID | None = None,
    limit: int,
    before: int | None = None,
    **filters: Unpack[OrderFilters],
) -> OrderPage:
    """Return the newest orders, of one account or of all, from below an id on."""
    asked = {"account_id": account_id, "before": before, **filters}
    asked = {name: value for name, value in asked.items() if value not in {None, False}}
    statement = _select_orders(*asked)
    if "customer" in asked:
        asked["customer"] = f"%{_WILD.sub(_ESCAPED, str(asked['customer']).lower())}%"
    asked.pop("to_send", None)
    return _page(await db.fetch(*statement(**asked, limit=limit + 1)), limit)


SELECT_OWN_ORDERS = Statement(
    f"""
    with {LOGIN},
    start as (
        select id from orders
        where number = :after and account_id = (select account_id from login)
    )
    select (select account_id from login) as caller, (select id from start) as start,
        {COLUMNS}, {LINES}
    from (select) as one
    left join lateral (
        select id from orders
        where account_id = (select account_id from login)
            and id < coalesce((select id from start), 9223372036854775807)
        order by id desc limit :limit
    ) as page on true
    left join orders o on o.id = page.id
    order by o.id desc
    """
)


async def select_own_orders(
    db: Connection, presented: PresentedLogin, now: datetime, *, limit: int, after: str | None
) -> OrderPage | None:
    """Return the newest orders of who asks, from below one of them on, which a number names.

    Returns None where the login isn't valid. Raises `InvalidCursor` for what is no order of theirs.
    """
    rows = await db.fetch(
        *SELECT_OWN_ORDERS(**presented.parameters(), now=now, limit=limit + 1, after=after)
    )
    if rows[0]["caller"] is None:
        return None
    if after is not None and rows[0]["start"] is None:
        raise InvalidCursor
    return _page([row for row in rows if row["id"] is not None], limit)


def _page(rows: list[Record], limit: int) -> OrderPage:
    """Return a page of these rows, of which one more than it holds was asked for."""
    orders = tuple(decode_order(row) for row in rows[:limit])
    return OrderPage(orders, orders[-1].number if len(rows) > limit else None)


def decode_order(row: Record) -> Order:
    """Return the order of a row of `COLUMNS` and `LINES`."""
    return Order(
        id=row["id"],
        number=row["number"],
        status=row["status"],
        placed_at=row["placed_at"],
        currency=row["currency"],
        total=row["total"],
        lines=_lines.decode(row["lines"]),
        details=_details.decode(row["details"]),
        account_id=row["account_id"],
        key_hash=row["key_hash"],
        operator_note=row["operator_note"],
        fulfilments=_fulfilments.decode(row["fulfilments"]),
    )
