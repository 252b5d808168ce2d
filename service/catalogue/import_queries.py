"""What an import reads and writes. Each function is one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from service.database import Connection
from service.outbox import events_cte
from service.statements import Statement

from .stock_queries import low_cte
from .stored import Facts, Owned, PlannedVariant, StoredProduct, StoredVariant

VARIANT = """jsonb_build_object(
    'id', variants.id, 'position', variants.position, 'active', variants.active,
    'unpriced', variants.unpriced,
    'variant', jsonb_build_object(
        'sku', sku, 'options', options, 'price', price, 'compare_at_price', compare_at_price,
        'currency', currency, 'stock', stock, 'oversell', oversell, 'image', image
    )
)"""

_facts = msgspec.json.Decoder(Facts)
_variant = msgspec.json.Decoder(StoredVariant)
_variants = msgspec.json.Decoder(tuple[StoredVariant, ...])


async def select_currency(db: Connection) -> str | None:
    """Return the currency that the catalogue is priced in; None before the first import."""
    currency: str | None = await db.fetchval("select currency from catalogue_currency")
    return currency


CLAIM_CURRENCY = Statement(
    "insert into catalogue_currency (currency) values (:currency) on conflict (one) do nothing"
)


async def claim_currency(db: Connection, currency: str) -> None:
    """Make this the catalogue's currency, if it has none."""
    await db.execute(*CLAIM_CURRENCY(currency=currency))


CHANGE_CURRENCY = Statement(
    """
    with changed as (
        insert into catalogue_currency (currency) values (:currency)
        on conflict (one) do update set currency = excluded.currency
    ),
    withdrawn as (
        update variants set active = false, unpriced = true
        where active and currency <> :currency
        returning 1
    ),
    back as (
        update variants set active = true, unpriced = false
        where unpriced and currency = :currency
    )
    select count(*) from withdrawn
    """
)


async def change_currency(db: Connection, currency: str) -> int:
    """Make this the catalogue's currency; returns how many variants are no longer sold for it.

    What is still priced in it, from before another change, is sold again.
    """
    withdrawn: int = await db.fetchval(*CHANGE_CURRENCY(currency=currency))
    return withdrawn


COUNT_OTHER_CURRENCIES = Statement(
    "select count(*) from variants where active and currency <> :currency"
)


async def count_other_currencies(db: Connection, currency: str) -> int:
    """Return how many variants are sold in another currency than this."""
    return int(await db.fetchval(*COUNT_OTHER_CURRENCIES(currency=currency)))


SELECT_STORED = Statement(
    f"""
    select
        products.handle,
        jsonb_build_object(
            'title', title, 'description', description, 'vendor', vendor, 'type', type,
            'tags', tags, 'images', images, 'status', status, 'online', online
        ) as facts,
        -- each by the index: a join would read all variants for every batch
        (
            select coalesce(jsonb_agg({VARIANT} order by active desc, position, id), '[]')
            from variants where product_id = products.id
        ) as variants
    from products where handle = any(:handles::text[])
    """
)


async def select_stored(db: Connection, handles: Sequence[str]) -> dict[str, StoredProduct]:
    """Return these products by handle, sold or not, with all their variants."""
    rows = await db.fetch(*SELECT_STORED(handles=handles))
    return {
        row["handle"]: StoredProduct(_facts.decode(row["facts"]), _variants.decode(row["variants"]))
        for row in rows
    }


SELECT_OWNED = Statement(
    f"""
    select sku, (select handle from products where id = product_id) as handle,
        {VARIANT} as variant
    from variants where sku = any(:skus::text[])
    """
)


async def select_owned(db: Connection, skus: Sequence[str]) -> dict[str, Owned]:
    """Return the variants with these SKUs, and whose they are."""
    rows = await db.fetch(*SELECT_OWNED(skus=skus))
    return {row["sku"]: Owned(row["handle"], _variant.decode(row["variant"])) for row in rows}


async def begin_import(db: Connection) -> None:
    """Wait until no other import is writing, and keep others waiting until the transaction ends.

    Until then plans aren't kept either: one made while the tables are small would scan them
    whole for every batch, however large they grow.
    """
    await db.execute(
        """
        select pg_advisory_xact_lock(hashtextextended('catalogue import', 0)),
            set_config('plan_cache_mode', 'force_custom_plan', true)
        """
    )


LOCK_VARIANTS = Statement(
    "select id from variants where id = any(:ids::bigint[]) order by id for no key update"
)


async def lock_variants(db: Connection, ids: Sequence[int]) -> None:
    """Lock the rows that an import is about to change, in the order that avoids deadlocks."""
    await db.execute(*LOCK_VARIANTS(ids=ids))


UPSERT_PRODUCTS = Statement(
    """
    insert into products (
        handle, title, description, vendor, type, tags, images, status, online, published
    )
    select
        handle, title, description, vendor, type, tags, images, status, online, published
    from rows from (
        jsonb_to_recordset(:products::jsonb) as (
            handle text, title text, description text, vendor text, type text,
            tags jsonb, images jsonb, status text, online boolean, published boolean
        )
    ) with ordinality
    order by ordinality
    on conflict (handle) do update set
        title = excluded.title,
        description = excluded.description,
        vendor = excluded.vendor,
        type = excluded.type,
        tags = excluded.tags,
        images = excluded.images,
        status = excluded.status,
        online = excluded.online,
        published = excluded.published,
        updated_at = now()
    """
)


async def upsert_products(db: Connection, facts: Iterable[tuple[str, Facts]]) -> None:
    """Add or overwrite products, by their handles and without their variants."""
    await db.execute(
        *UPSERT_PRODUCTS(
            products=_json(
                msgspec.to_builtins(each) | {"handle": handle, "published": each.published}
                for handle, each in facts
            )
        )
    )


INSERT_VARIANTS = Statement(
    """
    insert into variants (
        product_id, position, sku, options, price, compare_at_price, currency, stock,
        oversell, image, active
    )
    select
        products.id, position, sku, options, price, compare_at_price, currency, stock,
        oversell, nullif(image, 'null'), active
    from rows from (
        jsonb_to_recordset(:variants::jsonb) as (
            handle text, position integer, sku text, options jsonb, price bigint,
            compare_at_price bigint, currency text, stock integer, oversell boolean,
            image jsonb, active boolean
        )
    ) with ordinality
    join products using (handle)
    order by ordinality
    """
)


async def insert_variants(db: Connection, variants: Iterable[tuple[str, PlannedVariant]]) -> None:
    """Add variants to products, which are named by their handles."""
    await db.execute(*INSERT_VARIANTS(variants=_variants_json(variants)))


UPDATE_VARIANTS = Statement(
    f"""
    with changed as (
        update variants set
            product_id = products.id,
            position = r.position,
            sku = r.sku,
            options = r.options,
            price = r.price,
            compare_at_price = r.compare_at_price,
            currency = r.currency,
            stock = case when r.set_stock then r.stock else variants.stock end,
            oversell = r.oversell,
            image = nullif(r.image, 'null'),
            active = r.active,
            unpriced = variants.unpriced and not r.active
        from jsonb_to_recordset(:variants::jsonb) as r (
            id bigint, handle text, position integer, sku text, options jsonb, price bigint,
            compare_at_price bigint, currency text, stock integer, oversell boolean,
            image jsonb, active boolean, set_stock boolean
        )
        join products using (handle)
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
    db: Connection, variants: Iterable[tuple[str, PlannedVariant]], low: int | None, now: datetime
) -> None:
    """Overwrite variants, and their stock only where that is said: orders take from it.

    One that was another product's moves with its row: the carts that hold it keep it. Of what is
    sold and comes to be ``low`` other systems are told.
    """
    await db.execute(*UPDATE_VARIANTS(variants=_variants_json(variants), low=low, now=now))


WITHDRAW_VARIANTS = Statement(
    "update variants set active = false, unpriced = false where id = any(:ids::bigint[])"
)


async def withdraw_variants(db: Connection, ids: Sequence[int]) -> None:
    """Stop selling these variants."""
    await db.execute(*WITHDRAW_VARIANTS(ids=ids))


def _variants_json(variants: Iterable[tuple[str, PlannedVariant]]) -> str:
    return _json(
        msgspec.to_builtins(each.variant)
        | {
            "handle": handle,
            "id": each.id,
            "position": each.position,
            "active": each.active,
            "set_stock": each.set_stock,
        }
        for handle, each in variants
    )


def _json(rows: Iterable[Any]) -> str:
    return msgspec.json.encode(list(rows)).decode()
