"""How stock is taken by an order, and given back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service.database import Connection
from service.outbox import events_cte
from service.statements import Statement

from .model import STOCK, TakenStock


def low_cte(source: str, only: str = "true") -> str:
    """Return CTEs that tell of each stock of ``source`` that has come to be low.

    The rows have a ``sku``, and its stock ``before`` and ``after``; told of are those for which the
    condition ``only`` holds. What is low already is not told again. The parameters are ``low``,
    null for never, and ``now``.
    """
    return f"""
        low as (
            select 'stock.low' as kind, 'stock:' || sku as subject, :now::timestamptz as at,
                jsonb_build_object('sku', sku, 'stock', after, 'low', :low::integer) as data
            from {source}
            where {only} and after <= :low::integer
                and (before is null or before > :low::integer)
        ),
        {events_cte("low")}"""


TAKE_STOCK = Statement(
    f"""
    with wanted as (
        select id, quantity from unnest(:ids::bigint[], :quantities::integer[]) as w (id, quantity)
    ),
    counted as (
        select id, stock, oversell from variants
        where id = any(:ids) and stock is not null
        order by id for no key update
    ),
    taken as (
        update variants set stock = variants.stock - wanted.quantity
        from counted join wanted using (id)
        where variants.id = counted.id
            and (counted.oversell or counted.stock >= wanted.quantity)
        returning variants.id, variants.sku, counted.stock as before, variants.stock as after
    ),
    {low_cte("taken")}
    select id, stock, id in (select id from taken) as taken from counted
    """
)


async def take_stock(
    db: Connection, quantities: Mapping[int, int], low: int, now: datetime
) -> dict[int, TakenStock]:
    """Take units, by variant id, out of the stocks that are counted, where there is enough.

    Returns these by variant id, and tells of those that come to be ``low``. The rows are locked in
    the order of their ids, as everyone locks them, so that two who want the same ones wait for each
    other in turn.
    """
    ids, units = list(quantities), list(quantities.values())
    rows = await db.fetch(*TAKE_STOCK(ids=ids, quantities=units, low=low, now=now))
    return {row["id"]: TakenStock(row["stock"], row["taken"]) for row in rows}


GIVE_BACK_STOCK = Statement(
    """
    with counted as (
        select id from variants where id = any(:ids::bigint[]) and stock is not null
        order by id for no key update
    )
    update variants set stock = least(variants.stock::bigint + w.quantity, :most)
    from counted
    join unnest(:ids::bigint[], :quantities::integer[]) as w (id, quantity) using (id)
    where variants.id = counted.id
    """
)


async def give_back_stock(db: Connection, quantities: Mapping[int, int]) -> None:
    """Put units back into the stocks that are still counted, by variant id.

    None of them grows beyond what can be stored.
    """
    await db.execute(
        *GIVE_BACK_STOCK(ids=list(quantities), quantities=list(quantities.values()), most=STOCK)
    )
