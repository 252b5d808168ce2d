"""How products are stored. Each function is one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from .cursor import decode_cursor, encode_cursor
from .model import Image, Page, Product, Variant

if TYPE_CHECKING:
    from asyncpg import Record

    from service.database import Connection

_tags = msgspec.json.Decoder(tuple[str, ...])
_images = msgspec.json.Decoder(tuple[Image, ...])
_variants = msgspec.json.Decoder(tuple[Variant, ...])


async def select_product(db: Connection, handle: str) -> Product | None:
    """Return the product, if it is sold."""
    row = await db.fetchrow(
        """
        select handle, title, description, vendor, type, tags, images, published, variants
        from catalogue
        where handle = $1 and published and variants is not null
        """,
        handle,
    )
    return None if row is None else _product(row)


async def select_products(
    db: Connection,
    *,
    search: str | None = None,
    type: str | None = None,  # noqa: A002 - the column's and the contract's name
    limit: int = 20,
    after: str | None = None,
) -> Page:
    """Return what is sold, in the order it first came in, which holds still while paging.

    ``search`` is in the language of search engines: words, "phrases", or, -not; blank is no
    search. Raises `InvalidCursor`.
    """
    # Conditions are added as they are asked for: `$1 is null or …` would keep the plan from
    # using the index that each of them has.
    statement = """
        select id, handle, title, description, vendor, type, tags, images, published, variants
        from catalogue
        where published and status <> 'unlisted' and variants is not null and id > $1"""
    parameters: list[object] = [0 if after is None else decode_cursor(after)]
    if type is not None:
        parameters.append(type)
        statement += f" and type = ${len(parameters)}"
    if search and search.strip():
        parameters.append(search)
        statement += f" and search @@ websearch_to_tsquery('english', ${len(parameters)})"
    parameters.append(limit + 1)
    statement += f" order by id limit ${len(parameters)}"
    rows = await db.fetch(statement, *parameters)
    more = len(rows) > limit
    return Page(
        products=tuple(_product(row) for row in rows[:limit]),
        next=encode_cursor(rows[limit - 1]["id"]) if more else None,
    )


async def select_types(db: Connection, limit: int) -> list[str]:
    """Return the types of what is sold, in the order of the alphabet."""
    # From one type to the next by the index: the table may be large, the types are few.
    rows = await db.fetch(
        """
        with recursive found (type) as (
            (
                select type from products
                where published and status <> 'unlisted' and type > '' order by type limit 1
            )
            union all
            select (
                select products.type from products
                where published and status <> 'unlisted' and products.type > found.type
                order by products.type limit 1
            )
            from found where found.type is not null
        )
        select type from found where type is not null limit $1
        """,
        limit,
    )
    return [row["type"] for row in rows]


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
    return {row["handle"]: _product(row) for row in rows}


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


def _product(row: Record) -> Product:
    return Product(
        handle=row["handle"],
        title=row["title"],
        description=row["description"],
        vendor=row["vendor"],
        type=row["type"],
        tags=_tags.decode(row["tags"]),
        images=_images.decode(row["images"]),
        variants=() if row["variants"] is None else _variants.decode(row["variants"]),
        published=row["published"],
    )


def _json(rows: Iterable[Any]) -> str:
    return msgspec.json.encode(list(rows)).decode()
