"""How keys and their outcomes are stored."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from service.sessions import LOGIN

from .model import Key, KeyReused, Outcome

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from service.database import Connection
    from service.sessions import Claim

RETENTION = timedelta(hours=24)
"""How long an outcome is replayed."""

_headers = msgspec.json.Decoder(dict[str, str])


async def claim_key(
    db: Connection, claim: Claim, guest: UUID | None, key: Key, now: datetime
) -> tuple[UUID | None, bool]:
    """Take the key for the caller: return whose it is, and whether it was still free.

    The scope is the account, or the guest's cart; None, where there is neither, has no keys.
    Waits for another request that has the key and isn't done. A row past its time counts for
    nothing.
    """
    (row,) = await db.fetch(
        f"""
        with {LOGIN},
        scope as (select coalesce((select account_id from login), $4::uuid) as id),
        claimed as (
            insert into idempotency_keys as k (scope, key, fingerprint, created_at)
            select id, $5, $6, $3 from scope where id is not null
            on conflict (scope, key) do update
            set fingerprint = excluded.fingerprint, created_at = excluded.created_at,
                status = null, headers = null, body = null
            where k.created_at <= $3 - $7::interval
            returning true
        )
        select scope.id, exists (select from claimed) as free from scope
        """,
        claim.token_hash,
        claim.account_id,
        now,
        guest,
        key.text,
        key.fingerprint,
        RETENTION,
    )
    return row["id"], row["free"]


async def select_outcome(db: Connection, scope: UUID, key: Key) -> Outcome:
    """Return what the key, which is taken, led to; raises `KeyReused` for another request's."""
    (row,) = await db.fetch(
        """
        select fingerprint, status, headers::text as headers, body from idempotency_keys
        where scope = $1 and key = $2
        """,
        scope,
        key.text,
    )
    if row["fingerprint"] != key.fingerprint:
        raise KeyReused
    return Outcome(row["status"], _headers.decode(row["headers"]), row["body"])


async def update_outcome(db: Connection, scope: UUID, key: Key, outcome: Outcome) -> None:
    """Keep what the key led to."""
    await db.execute(
        """
        update idempotency_keys set status = $3, headers = $4, body = $5
        where scope = $1 and key = $2
        """,
        scope,
        key.text,
        outcome.status,
        msgspec.json.encode(outcome.headers).decode(),
        outcome.body,
    )
