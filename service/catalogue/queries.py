"""How products are stored. Each function is one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .cursor import decode_cursor, encode_cursor
from .model import Image, Listing, Page, Product, Variant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

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
    return None if row is None else decode_product(row)


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
        products=tuple(decode_product(row) for row in rows[:limit]),
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


async def select_listings(db: Connection, skus: Sequence[str]) -> dict[str, Listing]:
    """Return where these variants are shown, by sku; those that are no longer sold are not."""
    rows = await db.fetch(
        """
        select v.sku, p.handle, coalesce(v.image->>'src', p.images->0->>'src') as image
        from variants v join products p on p.id = v.product_id
        where v.sku = any($1::text[]) and v.active and p.published
        """,
        skus,
    )
    return {row["sku"]: Listing(row["handle"], row["image"]) for row in rows}


async def select_last_id(db: Connection) -> int:
    """Return the id of the newest product, 0 for none."""
    return int(await db.fetchval("select coalesce(max(id), 0) from products"))


async def select_sitemap(db: Connection, first: int, count: int) -> list[tuple[str, datetime]]:
    """Return handle and last change of what is listed among these ids."""
    rows = await db.fetch(
        """
        select handle, updated_at from products
        where id >= $1 and id < $1 + $2 and published and status <> 'unlisted'
        order by id
        """,
        first,
        count,
    )
    return [(row["handle"], row["updated_at"]) for row in rows]


def decode_product(row: Record) -> Product:
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
