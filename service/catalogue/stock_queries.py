"""How stock is taken by an order, and given back."""

from __future__ import annotations

from collections.abc import Mapping

from service.database import Connection
from service.statements import Statement

from .model import STOCK


def low_cte(source: str, only: str = "true") -> str:
    """Return a CTE, ``low``, of what to tell of each stock of ``source`` that has come to be low.

    The rows of ``source`` have a ``sku``, and its stock ``before`` and ``after``; told of are those
    for which the condition ``only`` holds. What is low already is not told again. Its own rows are
    as `events_cte` takes them. The parameters are ``low``, null for never, and ``now``.
    """
    return f"""
        low as (
            select 'stock.low' as kind, 'stock:' || sku as subject, :now::timestamptz as at,
                jsonb_build_object('sku', sku, 'stock', after, 'low', :low::integer) as data
            from {source}
            where {only} and after <= :low::integer
                and (before is null or before > :low::integer)
        )"""


LOCK_STOCK_CTE = """
    wanted as (
        select id, quantity from unnest(:ids::bigint[], :quantities::integer[]) as w (id, quantity)
    ),
    counted as (
        select id, stock, oversell from variants
        where id = any(:ids) and stock is not null
        order by id for no key update
    ),
    short as (
        select id, stock from counted join wanted using (id)
        where not oversell and stock < quantity
    )
"""
"""CTEs that lock the stocks which are counted of what is wanted, until the transaction's end.

``counted`` has the id of each, ``short`` those of which there is too little, with how much there
is. The parameters are variants' ``ids``, and the ``quantities`` of each. The rows are locked in the
order of their ids, as everyone locks them, so that two who want the same ones wait for each other
in turn."""


def take_stock_cte(source: str) -> str:
    """Return CTEs that take out of the stocks what `LOCK_STOCK_CTE` locked them for.

    They do so if ``source`` has a row, and it has none where anything is ``short``. ``low`` is
    what is then to be told, as by `low_cte`.
    """
    return f"""
        taken as (
            update variants set stock = variants.stock - wanted.quantity
            from {source}, counted join wanted using (id)
            where variants.id = counted.id
            returning variants.sku, counted.stock as before, variants.stock as after
        ),
        {low_cte("taken")}"""


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
