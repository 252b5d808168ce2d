"""What an import reads and writes. Each function is one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from .queries import decode_product

if TYPE_CHECKING:
    from service.database import Connection

    from .model import Product


async def select_currency(db: Connection) -> str | None:
    """Return the currency that the catalogue is priced in; None before the first import."""
    currency: str | None = await db.fetchval("select currency from catalogue_currency")
    return currency


async def claim_currency(db: Connection, currency: str) -> None:
    """Make this the catalogue's currency, if it has none."""
    await db.execute(
        "insert into catalogue_currency (currency) values ($1) on conflict (one) do nothing",
        currency,
    )


async def change_currency(db: Connection, currency: str) -> int:
    """Make this the catalogue's currency; returns how many variants are no longer sold for it."""
    withdrawn: int = await db.fetchval(
        """
        with changed as (
            insert into catalogue_currency (currency) values ($1)
            on conflict (one) do update set currency = excluded.currency
        ),
        withdrawn as (
            update variants set active = false where active and currency <> $1 returning 1
        )
        select count(*) from withdrawn
        """,
        currency,
    )
    return withdrawn


async def select_stored(db: Connection, handles: Sequence[str]) -> dict[str, Product]:
    """Return these products by handle, sold or not, with their active variants."""
    rows = await db.fetch(
        """
        select handle, title, description, vendor, type, tags, images, published, variants
        from catalogue
        where handle = any($1::text[])
        """,
        handles,
    )
    return {row["handle"]: decode_product(row) for row in rows}


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


async def lock_variants(db: Connection, skus: Sequence[str]) -> None:
    """Lock the rows that an import is about to change, in the order that avoids deadlocks."""
    await db.execute(
        """
        select id from variants where sku = any($1::text[]) order by id for no key update
        """,
        skus,
    )


async def upsert_products(db: Connection, products: Sequence[Product]) -> None:
    """Add or overwrite products, without their variants."""
    await db.execute(
        """
        insert into products
            (handle, title, description, vendor, type, tags, images, published)
        select handle, title, description, vendor, type, tags, images, published
        from rows from (
            jsonb_to_recordset($1::jsonb) as (
                handle text, title text, description text, vendor text, type text,
                tags jsonb, images jsonb, published boolean
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
            published = excluded.published,
            updated_at = now()
        """,
        _json(products),
    )


async def upsert_variants(db: Connection, products: Sequence[Product]) -> None:
    """Add or overwrite the variants of products that are stored.

    A SKU that was another product's moves with its row: the carts that hold it keep it.
    """
    await db.execute(
        """
        insert into variants (
            product_id, position, sku, options, price, compare_at_price, currency, stock,
            oversell, image, active
        )
        select
            products.id, position, sku, options, price, compare_at_price, currency, stock,
            oversell, image, true
        from rows from (
            jsonb_to_recordset($1::jsonb) as (
                handle text, position integer, sku text, options jsonb, price bigint,
                compare_at_price bigint, currency text, stock integer, oversell boolean,
                image jsonb
            )
        ) with ordinality
        join products using (handle)
        order by ordinality
        on conflict (sku) do update set
            product_id = excluded.product_id,
            position = excluded.position,
            options = excluded.options,
            price = excluded.price,
            compare_at_price = excluded.compare_at_price,
            currency = excluded.currency,
            stock = excluded.stock,
            oversell = excluded.oversell,
            image = excluded.image,
            active = true
        """,
        _json(
            {"handle": product.handle, "position": position, **asdict(variant)}
            for product in products
            for position, variant in enumerate(product.variants)
        ),
    )


async def withdraw_variants(db: Connection, skus: Sequence[str]) -> None:
    """Stop selling these variants."""
    await db.execute("update variants set active = false where sku = any($1::text[])", skus)


def _json(rows: Iterable[Any]) -> str:
    return msgspec.json.encode(list(rows)).decode()
