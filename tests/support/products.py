"""Many products at once."""

from __future__ import annotations

import secrets

import asyncpg


async def add_many(database_url: str, count: int, prefix: str = "") -> list[str]:
    """Put this many products of one variant into the catalogue; returns their skus."""
    prefix = prefix or secrets.token_hex(4)
    db = await asyncpg.connect(database_url)
    rows = await db.fetch(
        """
        with product as (
            insert into products (
                handle, title, description, vendor, type, tags, images, published
            )
            select $1 || n, 'Thing', '', '', '', '[]', '[]', true
            from generate_series(1, $2) as n
            returning id, handle
        )
        insert into variants (product_id, position, sku, options, price, currency, oversell)
        select id, 1, handle, '[]', 100, 'USD', false from product
        returning sku
        """,
        prefix,
        count,
    )
    await db.close()
    return [row["sku"] for row in rows]
