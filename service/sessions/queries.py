"""How logins are stored, and the check that rides along in other features' statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from service.database import Connection

    from .logins import Claim

LOGIN = """
    login as (
        select l.account_id
        from logins l join accounts a on a.id = l.account_id
        where l.token_hash = $1
            and (l.account_id = $2 or ($2::uuid is null and l.scopes is not null))
            and l.ended_at is null and l.expires_at > $3
            and (l.last_seen_at + l.idle <= $3) is not true and a.disabled_at is null
    ),
    seen as (
        update logins set last_seen_at = $3
        where token_hash = (
            select token_hash from logins
            where token_hash = $1 and (last_seen_at > $3 - interval '1 minute') is not true
                and exists (select from login)
            for update skip locked
        )
    ),
    over as (
        select from (select) as one where not exists (
            select from logins where token_hash = $1 and (over_at > $3) is not false
        )
    )
"""
"""The login check, to stand first in a ``with``: ``$1`` to ``$3`` are token hash, account id
and time. ``login`` has one row if the claim holds, else none; whoever reads it tells
`Claim.confirm`. It also notes the use, at most once a minute, and never waits for another
request that does the same.

``over`` has a row if there is no such login, or its browser logged out a while ago. Such a session
was saved: what is promised to the browser for after its log out is not for it."""


async def select_login(db: Connection, claim: Claim, now: datetime) -> UUID | None:
    """Return whose login or token the claim names, or None where it doesn't hold."""
    account_id: UUID | None = await db.fetchval(
        f"with {LOGIN} select account_id from login",
        claim.token_hash,
        claim.account_id,
        now,
    )
    return account_id


async def end_logins(
    db: Connection,
    account_id: UUID,
    now: datetime,
    *,
    but: bytes | None = None,
    device: bytes | None = None,
) -> int:
    """End the account's logins and tokens, but the one with this hash; returns how many.

    It is no longer known on any device but this one, either.
    """
    return int(
        await db.fetchval(
            """
            with unknown as (
                delete from devices where account_id = $1 and token_hash is distinct from $4
            ),
            ended as (
                update logins set ended_at = $2
                where account_id = $1 and ended_at is null
                    and token_hash is distinct from $3
                returning 1
            )
            select count(*) from ended
            """,
            account_id,
            now,
            but,
            device,
        )
    )
