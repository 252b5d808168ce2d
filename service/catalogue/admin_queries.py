"""How stock, prices and what is shown are found and changed by operators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache

import msgspec
from asyncpg import Record

from service.database import Connection
from service.outbox import events_cte
from service.statements import Statement

from .model import ProductStatus, ShownProduct, StockedVariant
from .stock_queries import low_cte

COLUMNS = """
    v.id, v.sku, p.handle, p.title, v.options::text as options, v.price, v.compare_at_price,
    v.currency, v.stock, v.oversell, v.active, v.unpriced, p.published,
    (select currency from catalogue_currency) as shop_currency
"""

_options = msgspec.json.Decoder(tuple[tuple[str, str], ...])

LOCK_VARIANTS = Statement(
    f"""
    select {COLUMNS}
    from variants v join products p on p.id = v.product_id
    where v.sku = any(:skus::text[])
    order by v.id for no key update of v
    """
)


async def lock_variants(db: Connection, skus: Sequence[str]) -> dict[str, StockedVariant]:
    """Lock these variants, in the order in which everyone does, and return those there are."""
    rows = await db.fetch(*LOCK_VARIANTS(skus=skus))
    return {row["sku"]: _variant(row) for row in rows}


UPDATE_VARIANTS = Statement(
    f"""
    with changed as (
        update variants set
            stock = r.stock,
            price = r.price,
            compare_at_price = r.compare_at_price,
            currency = r.currency,
            active = r.active,
            unpriced = r.unpriced
        from jsonb_to_recordset(:variants::jsonb) as r (
            id bigint, stock integer, price bigint, compare_at_price bigint, currency text,
            active boolean, unpriced boolean
        )
        join variants old on old.id = r.id
        where variants.id = r.id
        returning variants.sku, old.stock as before, variants.stock as after, variants.active
    ),
    {low_cte("changed", only="active")},
    {events_cte("low")}
    select from changed
    """
)


async def update_variants(
    db: Connection, variants: Iterable[StockedVariant], low: int, now: datetime
) -> None:
    """Store stock and prices, and tell of what is sold and comes to be ``low``.

    The caller holds the rows' locks.
    """
    stored = msgspec.json.encode(list(variants)).decode()
    await db.execute(*UPDATE_VARIANTS(variants=stored, low=low, now=now))


CONDITIONS = {
    # The index's own condition has to be said, as the planner doesn't know how low `low` is.
    "low": "v.stock <= :low and v.stock <= 1000",
    "text": """
        v.id in (
            select id from variants where lower(sku) like :beginning
            union all
            select variants.id from products join variants on variants.product_id = products.id
            where lower(products.title) like :part
        )
    """,
    "after": "v.id > (select id from variants where sku = :after)",
    "after_low": "(v.stock, v.id) > (:stock, (select id from variants where sku = :after))",
}

_WILD = re.compile(r"([\\%_])")


@cache
def _select_variants(*conditions: str) -> Statement:
    # As with orders: only what is asked for is a condition, so that its index is used.
    where = " and ".join(["v.active", *(CONDITIONS[name] for name in conditions)])
    order = "v.stock, v.id" if "low" in conditions else "v.id"
    return Statement(
        f"""
        select {COLUMNS}
        from variants v join products p on p.id = v.product_id
        where {where}
        order by {order} limit :limit
        """
    )


async def select_variants(
    db: Connection,
    *,
    low: int | None,
    text: str,
    after: tuple[int | None, str] | None,
    limit: int,
) -> list[StockedVariant]:
    """Return variants: with ``low``, those of which so many or fewer are there, fewest first.

    They come after a variant, named by its SKU, and by the stock it had where that is the order.
    """
    conditions: list[str] = []
    values: dict[str, object] = {"limit": limit}
    if low is not None:
        conditions.append("low")
        values["low"] = low
    if text:
        conditions.append("text")
        escaped = _WILD.sub(r"\\\1", text.lower())
        values |= {"beginning": f"{escaped}%", "part": f"%{escaped}%"}
    if after is not None:
        stock, values["after"] = after
        conditions.append("after" if low is None else "after_low")
        if low is not None:
            values["stock"] = stock
    rows = await db.fetch(*_select_variants(*conditions)(**values))
    return [_variant(row) for row in rows]


LOCK_PRODUCT = Statement(
    """
    select handle, title, status, published from products
    where handle = :handle for no key update
    """
)


async def lock_product(db: Connection, handle: str) -> ShownProduct | None:
    """Lock a product's row, and return what it is."""
    row = await db.fetchrow(*LOCK_PRODUCT(handle=handle))
    return None if row is None else ShownProduct(**row)


UPDATE_PUBLISHED = Statement(
    """
    update products set
        online = :published, published = :published, status = :status, updated_at = now()
    where handle = :handle
    """
)


async def update_published(
    db: Connection, handle: str, status: ProductStatus, *, published: bool
) -> None:
    """Store whether a product is shown; the caller holds the row's lock."""
    await db.execute(*UPDATE_PUBLISHED(handle=handle, status=status, published=published))


def _variant(row: Record) -> StockedVariant:
    return StockedVariant(**{**row, "options": _options.decode(row["options"])})
