"""How an account's logins and tokens are listed, made and ended. Both are rows of ``logins``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.audit import recording
from service.errors import WrongPassword
from service.sessions import hash_token

from .model import MOST_TOKENS, Login, NewToken, Token, TokenLimit

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from asyncpg import Record

    from service.accounts import Credentials
    from service.audit import Event
    from service.database import Connection

HOLDS = "ended_at is null and expires_at > $2 and (last_seen_at + idle <= $2) is not true"


async def select_logins(
    db: Connection, account_id: UUID, now: datetime, current: bytes | None
) -> list[Login]:
    """Return the logins that hold, the last used first; ``current`` is a login's hash."""
    rows = await db.fetch(
        f"""
        select id, created_at, last_seen_at, user_agent, ip, new_device,
            token_hash is not distinct from $3 as current
        from logins where account_id = $1 and scopes is null and {HOLDS}
        order by last_seen_at desc, id
        """,
        account_id,
        now,
        current,
    )
    return [Login(**row) for row in rows]


async def select_tokens(db: Connection, account_id: UUID, now: datetime) -> list[Token]:
    """Return the tokens that hold, the newest first."""
    rows = await db.fetch(
        f"""
        select id, name, scopes, created_at, last_seen_at, expires_at
        from logins where account_id = $1 and scopes is not null and {HOLDS}
        order by created_at desc, id
        """,
        account_id,
        now,
    )
    return [_token(row) for row in rows]


async def insert_token(
    db: Connection, credentials: Credentials, token: NewToken, event: Event
) -> Token:
    """Store a token by its hash.

    Raises `TokenLimit` when the account has as many as it may, and `WrongPassword` when its
    password was changed since it was checked: whoever changes it waits for this statement, and
    then ends the token too.
    """
    row = await db.fetchrow(
        f"""
        with verified as (
            select id from accounts
            where id = $1 and password_hash = $7 and disabled_at is null
            for no key update
        ),
        made as (
            insert into logins (
                token_hash, account_id, created_at, expires_at, name, scopes, user_agent, ip
            )
            select $3, id, $2, $2::timestamptz + $4::interval, $5, $6::text[], '', ''
            from verified
            where {MOST_TOKENS} > (
                select count(*) from logins
                where account_id = $1 and scopes is not null and {HOLDS}
            )
            returning id, name, scopes, created_at, last_seen_at, expires_at
        ),
        {recording("made", 8)}
        select made.id, name, scopes, created_at, last_seen_at, expires_at
        from verified left join made on true
        """,
        credentials.account.id,
        event.at,
        hash_token(token.text),
        token.lifetime,
        token.name,
        token.scopes,
        credentials.password_hash,
        *event.columns(),
    )
    if row is None:
        raise WrongPassword
    if row["id"] is None:
        raise TokenLimit
    return _token(row)


async def end_one(
    db: Connection,
    account_id: UUID,
    login_id: UUID,
    event: Event,
    own: bytes | None,
    late: timedelta,
) -> bytes | None:
    """End a login or token, as the event says; returns its hash, or None if there is none.

    The device of a login is no longer known. The ``own`` of whoever asks is a log out, which is
    over after ``late``.
    """
    ended: bytes | None = await db.fetchval(
        f"""
        with ended as (
            update logins set ended_at = $2,
                over_at = case when token_hash = $12 then $2::timestamptz + $13::interval end
            where account_id = $1 and id = $3 and (scopes is null) = $4 and {HOLDS}
            returning id, token_hash, device
        ),
        unknown as (
            delete from devices
            where account_id = $1 and token_hash = (select device from ended)
        ),
        {recording("ended", 5)}
        select token_hash from ended
        """,
        account_id,
        event.at,
        login_id,
        event.kind == "login_ended",
        *event.columns(),
        own,
        late,
    )
    return ended


async def end_others(
    db: Connection,
    account_id: UUID,
    current: bytes | None,
    device: bytes | None,
    event: Event,
    *,
    tokens: bool,
) -> int:
    """End the account's logins but this one, and with ``tokens`` those; returns how many stay.

    It is no longer known on any device but this one, either.
    """
    stay: int = await db.fetchval(
        f"""
        with one as (select null::uuid as id), {recording("one", 6)},
        unknown as (
            delete from devices where account_id = $1 and token_hash is distinct from $5
        ),
        ended as (
            update logins set ended_at = $2
            where account_id = $1 and (scopes is null or $4) and ended_at is null
                and token_hash is distinct from $3
        )
        select count(*) from logins
        where account_id = $1 and scopes is not null and not $4 and {HOLDS}
        """,
        account_id,
        event.at,
        current,
        tokens,
        device,
        *event.columns(),
    )
    return stay


def _token(row: Record) -> Token:
    return Token(
        row["id"],
        row["name"],
        tuple(row["scopes"]),
        row["created_at"],
        row["last_seen_at"],
        row["expires_at"],
    )
