"""How keys and their outcomes are stored."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from service.database import Connection
from service.logins import LOGIN
from service.statements import Statement

from .model import RETENTION, Claim, Key, KeyReused, StoredAnswer

_headers = msgspec.json.Decoder(dict[str, str])


CLAIM_CTE = """
    scope as (select coalesce((select account_id from login), :guest::uuid) as id),
    claimed as (
        insert into idempotency_keys as k (scope, key, fingerprint, created_at)
        select id, :key, :fingerprint, :now from scope where id is not null
        on conflict (scope, key) do update
        set fingerprint = excluded.fingerprint, created_at = excluded.created_at,
            status = null, headers = null, body = null
        where k.created_at <= :now - :retention::interval
        returning true
    ),
    claim as (
        select id as scope, id is null or exists (select from claimed) as free from scope
    )
"""
"""CTEs to stand behind `LOGIN`, that take the key for the caller.

They wait for another request that has the key and isn't done. A row past its time counts for
nothing. ``claim`` has one row for `Claim.heed`: the ``scope``, and whether the key was still
``free``, as it always is for who has no keys. What is to be done only then, and after the wait,
asks for that. The parameters are `Claim.parameters`, and those of `LOGIN`."""

CLAIM_KEY = Statement(
    f"""
    with {LOGIN}, {CLAIM_CTE}
    select scope, free, (select account_id from login) as account_id from claim
    """
)


async def claim_key(db: Connection, claim: Claim, now: datetime) -> None:
    """Take the key for the caller, where no other statement does; raises as `Claim.heed`."""
    (row,) = await db.fetch(
        *CLAIM_KEY(**claim.presented.parameters(), **claim.parameters(), now=now)
    )
    claim.heed(found=row["account_id"] is not None, scope=row["scope"], free=row["free"])


SELECT_ANSWER = Statement(
    """
    select fingerprint, status, headers::text as headers, body from idempotency_keys
    where scope = :scope and key = :key and created_at > :now::timestamptz - :retention::interval
    """
)


async def select_answer(
    db: Connection, scope: UUID, key: Key, now: datetime
) -> StoredAnswer | None:
    """Return what the key led to, None if it is free; raises `KeyReused` for another request's."""
    row = await db.fetchrow(*SELECT_ANSWER(scope=scope, key=key.text, now=now, retention=RETENTION))
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise KeyReused
    return StoredAnswer(row["status"], _headers.decode(row["headers"]), row["body"])


UPSERT_ANSWER = Statement(
    """
    insert into idempotency_keys (scope, key, fingerprint, created_at, status, headers, body)
    values (:scope, :key, :fingerprint, :now, :status, :headers, :body)
    on conflict (scope, key) do update
    set status = excluded.status, headers = excluded.headers, body = excluded.body
    """
)


async def upsert_answer(
    db: Connection, scope: UUID, key: Key, answer: StoredAnswer, now: datetime
) -> None:
    """Keep what the key led to; the caller has claimed the key, or nobody else has this scope."""
    await db.execute(
        *UPSERT_ANSWER(
            scope=scope,
            key=key.text,
            fingerprint=key.fingerprint,
            now=now,
            status=answer.status,
            headers=msgspec.json.encode(answer.headers).decode(),
            body=answer.body,
        )
    )


def forget_cte(scopes: str) -> str:
    """Return a CTE, ``forgotten_keys``, that forgets all keys of these scopes, a query."""
    return f"""
        forgotten_keys as (delete from idempotency_keys where scope in ({scopes}))"""
