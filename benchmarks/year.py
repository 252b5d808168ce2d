"""A shop's data after a year: accounts, orders, guests' carts, made up by the database itself.

    python -m benchmarks.year postgresql://… [ORDERS]

fills a migrated, empty database; a million orders come with three million lines and five million
guests' carts.
"""

from __future__ import annotations

import asyncio
import sys
import time

import asyncpg

from service.database import Connection

YEAR = 1_000_000
"""Orders."""

CATALOGUE = (
    """
    insert into products (handle, title, description, vendor, type, tags, images, published)
    select 'thing-' || n, 'Thing ' || n, '<p>A thing.</p>', 'Nobody', 'Thing', '[]', '[]', true
    from generate_series(1, 2000) as n
    """,
    """
    insert into variants (product_id, position, sku, options, price, currency, stock, oversell)
    select id, 1, 'YEAR-' || id, '[["Size", "Large"]]', 500 + id % 5000, 'USD', 1000000, false
    from products
    """,
    "create temporary table things as select row_number() over () - 1 as n, * from variants",
)

PEOPLE = (
    """
    insert into accounts (
        username, username_key, email, email_key, password_hash, created_at
    )
    select 'year-' || n, 'year-' || n, n || '@year.example', n || '@year.example', '',
        now() - random() * interval '1 year'
    from generate_series(1, $1::bigint / 5) as n
    """,
    """
    insert into logins (
        token_hash, account_id, created_at, last_seen_at, idle, expires_at, ended_at,
        user_agent, ip
    )
    select sha256(id::text::bytea), id, created_at, created_at, interval '30 days',
        created_at + interval '90 days', null, '', ''
    from accounts
    """,
    "create temporary table people as select row_number() over () - 1 as n, id from accounts",
)

ORDERS = (
    # The numbers are another order of the same symbols: the multiplier is odd, so none is twice.
    """
    insert into orders (
        number, account_id, status, placed_at, currency, total, cart_id, cart_revision
    )
    select overlay(symbols placing '-' || substr(symbols, 5, 1) from 5 for 1),
        people.id,
        case when o.n % 50 = 0 then 'cancelled' when o.n > $1 * 99 / 100 then 'placed'
            else 'fulfilled' end,
        now() - interval '1 year' * (1 - o.n / $1::float), 'USD',
        first.price + 2 * second.price + 3 * third.price, gen_random_uuid(), 2
    from generate_series(1, $1::bigint) as o (n)
    join people on people.n = o.n * 7919 % ($1::bigint / 5)
    join things as first on first.n = (o.n * 7 + 613) % 2000
    join things as second on second.n = (o.n * 7 + 2 * 613) % 2000
    join things as third on third.n = (o.n * 7 + 3 * 613) % 2000,
        translate(
            lpad(to_hex((o.n * 2654435761) % 4294967296), 8, '0'),
            '0123456789abcdef', '23456789CDFHJKMN'
        ) as symbols
    order by o.n
    """,
    """
    insert into order_lines (
        order_id, position, variant_id, sku, title, options, quantity, unit_price, from_stock
    )
    select orders.id, l.n, things.id, things.sku, 'Thing ' || things.id, things.options, l.n,
        things.price, true
    from orders, generate_series(1, 3) as l (n), things
    where things.n = (orders.id * 7 + l.n * 613) % 2000
    """,
)

CARTS = (
    """
    insert into carts (id, account_id, revision, lines, created_at, updated_at)
    select gen_random_uuid(), id, 2, '[]', created_at, created_at from accounts
    """,
    # The last 150 days; one in ten is empty again, one in fifty has joined an account's.
    """
    insert into carts (id, revision, lines, merged_into, merged_at, created_at, updated_at)
    select gen_random_uuid(), 2,
        case when c.n % 10 = 0 or c.n % 50 = 1 then '[]' else jsonb_build_array(
            jsonb_build_object('variant', things.id, 'quantity', 1, 'price', things.price)
        ) end,
        case when c.n % 50 = 1 then people.id end,
        case when c.n % 50 = 1 then now() - interval '1 day' end,
        now() - interval '1 year', now() - interval '150 days' * random()
    from generate_series(1, $1::bigint * 5) as c (n)
    join things on things.n = c.n % 2000
    join people on people.n = c.n % ($1::bigint / 5)
    """,
)

KEYS = (
    """
    insert into idempotency_keys (
        scope, key, fingerprint, created_at, status, headers, body
    )
    select people.id, 'year-' || k.n, '', now() - interval '2 days' * random(), 201, '{}', '{}'
    from generate_series(1, $1::bigint / 2) as k (n)
    join people on people.n = k.n % ($1::bigint / 5)
    """,
)


async def fill(db: Connection, orders: int) -> None:
    """Fill an empty, migrated database, and bring the planner's statistics up to date."""
    # Ten million rows that refer to others are checked faster together than one by one.
    references = await db.fetch(
        """
        select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop,
            format(
                'alter table %s add constraint %I %s',
                conrelid::regclass, conname, pg_get_constraintdef(oid)
            ) as add
        from pg_constraint
        where contype = 'f' and connamespace = current_schema()::regnamespace
        """
    )
    statements = [
        *(reference["drop"] for reference in references),
        *(*CATALOGUE, *PEOPLE, *ORDERS, *CARTS, *KEYS),
        *(reference["add"] for reference in references),
        "analyze",
    ]
    for statement in statements:
        await db.execute(statement, *([orders] if "$1" in statement else []), timeout=None)


async def _main(url: str, orders: int) -> None:
    db = await asyncpg.connect(url)
    started = time.perf_counter()
    await fill(db, orders)
    await db.close()
    seconds = time.perf_counter() - started
    sys.stdout.write(f"{orders:,} orders and what comes with them, in {seconds:.0f} s\n")


if __name__ == "__main__":
    _, url, *orders = sys.argv
    asyncio.run(_main(url, int(orders[0]) if orders else YEAR))
