"""How keys and their outcomes are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from service.database import Connection
from service.logins import LOGIN, PresentedLogin
from service.statements import Statement

from .model import Key, KeyReused, StoredAnswer

RETENTION = timedelta(hours=24)
"""How long an answer is replayed."""

_headers = msgspec.json.Decoder(dict[str, str])


CLAIM_KEY = Statement(
    f"""
    with {LOGIN},
    scope as (select coalesce((select account_id from login), :guest::uuid) as id),
    claimed as (
        insert into idempotency_keys as k (scope, key, fingerprint, created_at)
        select id, :key, :fingerprint, :now from scope where id is not null
        on conflict (scope, key) do update
        set fingerprint = excluded.fingerprint, created_at = excluded.created_at,
            status = null, headers = null, body = null
        where k.created_at <= :now - :retention::interval
        returning true
    )
    select scope.id, exists (select from claimed) as free,
        (select account_id from login) as account_id
    from scope
    """
)


@dataclass(frozen=True, slots=True)
class ClaimedKey:
    """Whose a key is, and whether it was still ``free``.

    The ``scope`` is the account, or the guest's cart; None, where there is neither, has no keys.
    ``found``: what the request presents is valid.
    """

    scope: UUID | None
    free: bool
    found: bool


async def claim_key(
    db: Connection, presented: PresentedLogin, guest: UUID | None, key: Key, now: datetime
) -> ClaimedKey:
    """Take the key for the caller.

    Waits for another request that has the key and isn't done. A row past its time counts for
    nothing.
    """
    (row,) = await db.fetch(
        *CLAIM_KEY(
            **presented.parameters(),
            now=now,
            guest=guest,
            key=key.text,
            fingerprint=key.fingerprint,
            retention=RETENTION,
        )
    )
    return ClaimedKey(row["id"], row["free"], found=row["account_id"] is not None)


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
