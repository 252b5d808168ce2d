"""What `locker purge` deletes, and what it leaves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from service.database import Connection
from service.housekeeping import Rule, count, purge, rules
from service.settings import Settings
from tests.support.shopping import add_product

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def url(own_url: str) -> str:
    """A database of one's own: what is too old here is nobody else's."""
    return own_url


@pytest.fixture
async def own(url: str) -> AsyncIterator[Connection]:
    db = await asyncpg.connect(url)
    yield db
    await db.close()


async def all_gone(db: Connection, settings: Settings, batch: int = 3) -> dict[str, int]:
    """Purge everything; returns how much of what went."""
    return {
        rule.what: sum([part async for part in purge(db, rule, batch)]) for rule in rules(settings)
    }


async def insert_account(db: Connection) -> UUID:
    name = uuid4().hex
    account_id: UUID = await db.fetchval(
        "insert into accounts (username, username_key, email, email_key, password_hash, created_at)"
        " values ($1, $1, $1, $1, '', $2) returning id",
        name,
        NOW - 900 * DAY,
    )
    return account_id


async def insert_cart(
    db: Connection,
    age: timedelta,
    lines: str = '[{"variant": 1, "quantity": 1, "price": 1}]',
    *,
    account_id: UUID | None = None,
    merged_into: UUID | None = None,
) -> UUID:
    cart_id: UUID = await db.fetchval(
        "insert into carts (id, account_id, revision, lines, merged_into, created_at, updated_at)"
        " values ($1, $2, 1, $3, $4, $5, $5) returning id",
        uuid4(),
        account_id,
        lines,
        merged_into,
        NOW - age,
    )
    return cart_id


async def insert_login(
    db: Connection, account_id: UUID, expires: timedelta, ended: timedelta | None = None
) -> bytes:
    token: bytes = await db.fetchval(
        "insert into logins (token_hash, account_id, created_at, last_seen_at, idle, expires_at,"
        " ended_at, user_agent, ip) values ($1, $2, $3, $3, interval '1 day', $4, $5, '', '')"
        " returning token_hash",
        uuid4().bytes,
        account_id,
        NOW - 100 * DAY,
        NOW + expires,
        NOW - ended if ended else None,
    )
    return token


async def test_guests_carts_go_when_their_browsers_have_forgotten_them(
    own: Connection, settings: Settings
) -> None:
    """Filled ones after 90 days of disuse, empty ones after a year; an account's never."""
    account = await insert_account(own)
    stay = {
        await insert_cart(own, 89 * DAY),
        await insert_cart(own, 364 * DAY, "[]"),
        await insert_cart(own, 364 * DAY, "[]", merged_into=account),
        # What was added late is still to follow into the account's cart.
        await insert_cart(own, 800 * DAY, merged_into=account),
        await insert_cart(own, 800 * DAY, account_id=account),
    }
    for _ in range(7):
        await insert_cart(own, 91 * DAY)
        await insert_cart(own, 366 * DAY, "[]")
        await insert_cart(own, 366 * DAY, "[]", merged_into=account)
    gone = await all_gone(own, settings)
    assert (gone["guests' carts"], gone["guests' empty carts"]) == (7, 14)
    assert {row["id"] for row in await own.fetch("select id from carts")} == stay


async def test_marks_of_deleted_accounts_stay_as_long_as_cookies(
    own: Connection, settings: Settings
) -> None:
    """The mark of a deleted account, and an empty cart that joined it, stay for a year."""
    await own.executemany(
        "insert into deleted_accounts (mark, deleted_at) values ($1, $2)",
        [(uuid4().bytes, NOW - days * DAY) for days in (1, 364, 366, 800)],
    )
    account = await insert_account(own)
    joined = await insert_cart(own, 364 * DAY, "[]", merged_into=account)
    await own.execute("delete from accounts where id = $1", account)
    gone = await all_gone(own, settings)
    assert gone["marks of deleted accounts"] == 2
    assert await own.fetchval("select id from carts") == joined


async def test_logins_go_when_they_are_over(own: Connection, settings: Settings) -> None:
    """A purge deletes logins that expired or ended; one that is valid stays."""
    account = await insert_account(own)
    holds = await insert_login(own, account, DAY)
    await insert_login(own, account, -DAY)
    await insert_login(own, account, DAY, ended=timedelta(minutes=1))
    gone = await all_gone(own, settings)
    assert (gone["expired logins"], gone["ended logins"]) == (1, 1)
    assert [row["token_hash"] for row in await own.fetch("select token_hash from logins")] == [
        holds
    ]


async def test_idempotency_keys_go_after_a_day(own: Connection, settings: Settings) -> None:
    """A purge deletes idempotency keys as soon as they are no longer replayed."""
    await own.executemany(
        "insert into idempotency_keys (scope, key, fingerprint, created_at)"
        " values ($1, $2, '', $3)",
        [(uuid4(), str(hours), NOW - timedelta(hours=hours)) for hours in (1, 23, 25, 48)],
    )
    gone = await all_gone(own, settings)
    assert gone["idempotency keys"] == 2
    assert await own.fetchval("select array_agg(key order by key) from idempotency_keys") == [
        "1",
        "23",
    ]


async def test_audit_records_go_in_time(own: Connection, settings: Settings) -> None:
    """A purge deletes records of the audit after as many days as the operator has set."""
    await own.executemany(
        "insert into audit (at, event, ip, user_agent, request_id) values ($1, '', '', '', '')",
        [(NOW - days * DAY,) for days in (1, 29, 31, 90)],
    )
    gone = await all_gone(own, replace(settings, audit_days=30))
    assert gone["audit records"] == 2
    assert await own.fetchval("select min(at) from audit") == NOW - 29 * DAY


async def test_counts_of_attempts_go_when_they_are_over(
    own: Connection, settings: Settings
) -> None:
    """A purge deletes counts of attempts whose window is over; one still running stays."""
    await own.executemany(
        "insert into attempts (key, count, ends_at) values ($1, 1, $2)",
        [(b"over", NOW - DAY), (b"running", NOW + DAY)],
    )
    gone = await all_gone(own, settings)
    assert gone["counts of attempts"] == 1
    assert await own.fetchval("select key from attempts") == b"running"


async def test_a_dry_run_counts_and_deletes_nothing(own: Connection, settings: Settings) -> None:
    """What a dry run of a purge counts is what a purge deletes then."""
    account = await insert_account(own)
    for _ in range(5):
        await insert_cart(own, 91 * DAY)
        await insert_cart(own, 366 * DAY, "[]")
        await insert_login(own, account, -DAY)
    counted = {rule.what: await count(own, rule) for rule in rules(settings)}
    assert await own.fetchval("select count(*) from carts") == 10
    assert await all_gone(own, settings) == counted
    assert await own.fetchval("select count(*) from carts") == 0


async def test_several_at_once_do_no_harm(url: str, own: Connection, settings: Settings) -> None:
    """Four purges at once delete each row once between them, and nothing else."""
    await own.executemany(
        "insert into carts (id, revision, lines, created_at, updated_at)"
        " values ($1, 1, '[1]', $2, $2)",
        [(uuid4(), NOW - (80 + number % 20) * DAY) for number in range(2_000)],
    )

    async def clean() -> int:
        db = await asyncpg.connect(url)
        try:
            return sum((await all_gone(db, settings, batch=50)).values())
        finally:
            await db.close()

    assert sum(await asyncio.gather(*(clean() for _ in range(4)))) == 1_000
    assert await own.fetchval("select count(*) from carts") == 1_000


async def test_a_purge_waits_for_nobody(url: str, own: Connection, settings: Settings) -> None:
    """A cart that someone holds is left for the next time, and stays if it has been used then."""
    held, old = await insert_cart(own, 91 * DAY), await insert_cart(own, 92 * DAY)
    other = await asyncpg.connect(url)
    transaction = other.transaction()
    await transaction.start()
    await other.execute("update carts set updated_at = $2 where id = $1", held, NOW)
    try:
        async with asyncio.timeout(20):
            await all_gone(own, settings)
        left = await own.fetch("select id from carts")
        await transaction.commit()
        await all_gone(own, settings)
    finally:
        await other.close()
    assert [row["id"] for row in left] == [held] != [old]
    assert await own.fetchval("select id from carts") == held


async def test_every_rule_has_an_index(own: Connection, settings: Settings) -> None:
    """To find what is old enough for a purge, nothing has to be scanned or sorted."""
    await own.execute("set enable_seqscan = off")
    for rule in rules(settings):
        plan = await _plan(own, rule)
        assert "Seq Scan" not in plan, rule
        assert "Sort" not in plan, rule


async def _plan(db: Connection, rule: Rule) -> str:
    rows = await db.fetch(
        f"explain select ctid from {rule.table} "  # noqa: S608 - ours
        f"where {rule.condition} and {rule.column} <= now() "
        f"order by {rule.column} limit 10 for update skip locked"
    )
    return "\n".join(row[0] for row in rows)


async def test_the_person_goes_out_of_guests_old_orders(
    own: Connection, url: str, settings: Settings
) -> None:
    """Once they are done and as old as the setting says; what was bought stays, by default all."""
    await add_product(url)
    account = await insert_account(own)

    async def insert_order(
        number: str, days: int, status: str = "fulfilled", account_id: UUID | None = None
    ) -> None:
        await own.execute(
            """
            with o as (
                insert into orders (
                    number, account_id, status, placed_at, currency, total, cart_id, cart_revision,
                    contact, shipping_address, note, metadata, operator_note, key_hash
                )
                values (
                    $1, $2, $3, $4, 'USD', 100, gen_random_uuid(), 2, '{"email": "ada@x.example"}',
                    '{}', 'by the back door', '{"gift": "for Ada"}', 'called Ada', $5
                )
                returning id
            )
            insert into order_lines (
                order_id, position, variant_id, sku, title, options, quantity, unit_price,
                from_stock, metadata
            )
            select o.id, 1, variants.id, sku, 'Mug', '[]', 1, 100, false, '{"engraving": "Ada"}'
            from o, variants
            """,
            number,
            account_id,
            status,
            NOW - days * DAY,
            None if account_id else b"key",
        )

    await insert_order("OLD", 31)
    await insert_order("CANCELLED", 31, "cancelled")
    await insert_order("TO-SEND", 31, "partially_fulfilled")
    await insert_order("NEW", 29)
    await insert_order("ACCOUNTS", 31, account_id=account)
    assert "contacts of guests' orders" not in await all_gone(own, settings)
    chosen = replace(settings, guest_order_days=30)
    for expected in (2, 0):
        assert (await all_gone(own, chosen, batch=1))["contacts of guests' orders"] == expected
    gone = await own.fetch(
        "select number, orders::text || order_lines::text as text from orders"
        " join order_lines on order_id = orders.id where key_hash is null and account_id is null"
        " order by number"
    )
    assert [row["number"] for row in gone] == ["CANCELLED", "OLD"]
    for row in gone:
        assert not re.search("ada|back door|Ada", row["text"])
        assert "Mug" in row["text"]
    rest = await own.fetchval("select count(*) from orders where contact->>'email' is not null")
    assert rest == 3
