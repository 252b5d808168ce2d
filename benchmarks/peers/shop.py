"""What a shopper can do, by asyncpg: for the peers that use it, and the ceiling."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import asyncpg
import msgspec

from . import rules, statements
from .rules import JSON, Refused

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _codec(
    db: Connection, encode: Callable[[Any], str] = _encode, decode: Any = msgspec.json.decode
) -> None:
    await db.set_type_codec("jsonb", encoder=encode, decoder=decode, schema="pg_catalog")


async def make_pool(
    encode: Callable[[Any], str] = _encode, decode: Any = msgspec.json.decode, **options: Any
) -> Any:
    """Return a pool whose connections read JSON with this."""
    return await asyncpg.create_pool(
        os.environ["LOCKER_DATABASE_URL"],
        min_size=0,
        max_size=10,
        init=partial(_codec, encode=encode, decode=decode),
        **options,
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """What the session says."""

    token: str | None = None
    cart_id: str | None = None

    @property
    def token_hash(self) -> bytes | None:
        return rules.hash_token(self.token)


async def products(db: Connection, limit: int) -> JSON:
    rows = await db.fetch(statements.PRODUCTS, limit)
    return {"products": [rules.product(row) for row in rows], "next": None}


async def product(db: Connection, handle: str) -> JSON:
    row = await db.fetchrow(statements.PRODUCT, handle)
    if row is None:
        raise Refused(404, "not_found")
    return rules.product(row)


async def see_cart(db: Connection, caller: Caller) -> JSON:
    row = await db.fetchrow(statements.CART, caller.token_hash, caller.cart_id, None)
    assert row is not None  # noqa: S101 - it is a left join of one row
    return rules.cart(row)


async def change_cart(
    db: Connection, caller: Caller, ip: str, sku: str, quantity: int, *, add: bool
) -> tuple[JSON, bool]:
    """Return the cart, and whether it has a line more; made again where another was first."""
    while True:
        row = await db.fetchrow(statements.CART, caller.token_hash, caller.cart_id, sku)
        assert row is not None  # noqa: S101
        lines, is_new = rules.with_units(row, sku, quantity, add=add)
        cart_id = row["id"] or uuid.uuid4()
        if row["id"] is None and row["account_id"] is None:
            counts = await db.fetch(statements.COUNT_ATTEMPTS, rules.attempt_keys(ip))
            rules.check_attempts([each["count"] for each in counts])
        try:
            revision = await db.fetchval(
                statements.STORE_CART, cart_id, row["account_id"], row["revision"] or 0, lines
            )
        except asyncpg.UniqueViolationError:
            continue
        if revision is not None:
            return rules.cart({**row, "id": cart_id}, lines, revision), is_new


async def log_in(
    pool: Any, verify: Any, caller: Caller, ip: str, agent: str, name: str, password: str
) -> tuple[str, JSON]:
    """Return the token of the login, and what is to be answered; ``verify`` checks a password."""
    async with pool.acquire() as db:
        counts = await db.fetch(statements.COUNT_ATTEMPTS, rules.attempt_keys(ip, name.casefold()))
        rules.check_attempts([each["count"] for each in counts])
        account = await db.fetchrow(statements.ACCOUNT, name.casefold())
    account = await verify(account, password)
    token = rules.new_token()
    async with pool.acquire() as db, db.transaction():
        started = await db.fetchval(
            statements.START_LOGIN,
            *(rules.hash_token(token), account["id"], agent, ip, account["password_hash"]),
            uuid.uuid4().hex,
        )
        if started is None:
            raise Refused(401, "wrong_credentials")
        rows = await db.fetch(statements.CARTS_TO_MERGE, account["id"], caller.cart_id)
        ours = next((row for row in rows if row["account_id"]), None)
        guest = next((row for row in rows if row["id"] and not row["account_id"]), None)
        merge, cart = None, ours or {"id": None, "revision": 0, "lines": [], "offers": []}
        if guest is not None:
            lines, merge = rules.merged(ours, guest)
            cart = ours or {**guest, "id": uuid.uuid4(), "revision": 0}
            revision = await db.fetchval(
                statements.MERGE, cart["id"], account["id"], cart["revision"], lines, guest["id"]
            )
            shown = rules.cart(cart, lines, revision)
        else:
            shown = rules.cart(cart)
    return token, {"user": rules.user(account), "cart": shown, "merge": merge}


async def log_out(db: Connection, caller: Caller, ip: str, agent: str) -> None:
    await db.execute(statements.END_LOGIN, caller.token_hash, ip, agent, uuid.uuid4().hex)


async def orders(db: Connection, caller: Caller, limit: int) -> JSON:
    account_id = await _account(db, caller)
    rows = await db.fetch(statements.ORDERS, account_id, limit)
    return {"orders": [rules.order(row, row["lines"]) for row in rows], "next": None}


async def _account(db: Connection, caller: Caller) -> uuid.UUID:
    account_id: uuid.UUID | None = await db.fetchval(statements.LOGIN, caller.token_hash)
    if account_id is None:
        raise Refused(401, "unauthenticated")
    return account_id


async def place(
    db: Connection, caller: Caller, expected: int, key: str | None, encode: Callable[[Any], bytes]
) -> bytes:
    """Return the body to answer with: of the order, or of the first request with the key."""
    async with db.transaction():
        row = await db.fetchrow(statements.CART_LOCKED, caller.token_hash, caller.cart_id, None)
        assert row is not None  # noqa: S101
        account_id = row["account_id"]
        if account_id is None:
            raise Refused(401, "unauthenticated")
        fingerprint = hashlib.sha256(f"POST /orders {expected}".encode()).digest()
        if key and not await db.fetchval(statements.CLAIM_KEY, account_id, key, fingerprint):
            stored = await db.fetchrow(statements.STORED_ANSWER, account_id, key)
            assert stored is not None  # noqa: S101 - keys are never deleted while the cart is locked
            if stored["fingerprint"] != fingerprint:
                raise Refused(422, "idempotency_key_reused")
            body: bytes = stored["body"]
            return body
        cart = rules.cart(row)
        if not cart["lines"]:
            raise Refused(409, "empty_cart")
        if cart["total"] != expected:
            raise Refused(409, "total_changed")
        stock = await db.fetch(
            statements.TAKE_STOCK,
            [line["variant"] for line in row["lines"]],
            [line["quantity"] for line in row["lines"]],
        )
        lines, number = rules.order_lines(row, stock), rules.new_number()
        placed = await db.fetchrow(
            statements.PLACE_ORDER,
            *(number, account_id, cart["currency"], cart["total"], row["id"], row["revision"] + 1),
            *(lines, rules.placed_event(number, account_id, row, lines)),
        )
        assert placed is not None  # noqa: S101
        body = encode(rules.order(placed, lines))
        if key:
            await db.execute(statements.STORE_ANSWER, account_id, key, 201, body)
        return body
