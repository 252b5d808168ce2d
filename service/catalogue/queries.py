"""How products are stored. Each function is one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from asyncpg import Record

from service.database import Connection
from service.statements import Statement

from .model import Image, Listing, Product, Variant

_tags = msgspec.json.Decoder(tuple[str, ...])
_images = msgspec.json.Decoder(tuple[Image, ...])
_variants = msgspec.json.Decoder(tuple[Variant, ...])


SELECT_PRODUCT = Statement(
    """
    select handle, title, description, vendor, type, tags, images, published, variants
    from catalogue
    where handle = :handle and published and variants is not null
    """
)


async def select_product(db: Connection, handle: str) -> Product | None:
    """Return the product, if it is sold."""
    row = await db.fetchrow(*SELECT_PRODUCT(handle=handle))
    return None if row is None else decode_product(row)


SELECT_LISTINGS = Statement(
    """
    select v.sku, p.handle, coalesce(v.image->>'src', p.images->0->>'src') as image
    from variants v join products p on p.id = v.product_id
    where v.sku = any(:skus::text[]) and v.active and p.published
    """
)


async def select_listings(db: Connection, skus: Sequence[str]) -> dict[str, Listing]:
    """Return where these variants are shown, by sku; those that are no longer sold are not."""
    rows = await db.fetch(*SELECT_LISTINGS(skus=skus))
    return {row["sku"]: Listing(row["handle"], row["image"]) for row in rows}


async def is_empty(db: Connection) -> bool:
    """Return whether there is no product at all, sold or not."""
    return bool(await db.fetchval("select not exists (select from products)"))


async def select_last_id(db: Connection) -> int:
    """Return the id of the newest product, 0 for none."""
    return int(await db.fetchval("select coalesce(max(id), 0) from products"))


SELECT_SITEMAP = Statement(
    """
    select handle, updated_at from products
    where id >= :first and id < :first + :count and published and status <> 'unlisted'
    order by id
    """
)


async def select_sitemap(db: Connection, first: int, count: int) -> list[tuple[str, datetime]]:
    """Return handle and last change of what is listed among these ids."""
    rows = await db.fetch(*SELECT_SITEMAP(first=first, count=count))
    return [(row["handle"], row["updated_at"]) for row in rows]


def decode_product(row: Record) -> Product:
    """Return the product of a row of the view `catalogue`."""
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
