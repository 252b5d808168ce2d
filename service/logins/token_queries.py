"""How tokens for programs are stored: rows of ``logins`` that have scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.audit import recording
from service.errors import WrongPassword

from .model import MOST_TOKENS, NewToken, Token, TokenLimit
from .queries import valid
from .tokens import hash_token

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from service.audit import Event
    from service.database import Connection


async def select_tokens(db: Connection, account_id: UUID, now: datetime) -> list[Token]:
    """Return the valid tokens, the newest first."""
    rows = await db.fetch(
        f"""
        select id, name, scopes, created_at, last_seen_at, expires_at
        from logins where account_id = $1 and scopes is not null and {valid("$2")}
        order by created_at desc, id
        """,
        account_id,
        now,
    )
    return [_token(row) for row in rows]


async def insert_token(
    db: Connection, account_id: UUID, password_hash: str, token: NewToken, event: Event
) -> Token:
    """Store a token by its hash, for an account whose password was checked against that hash.

    Raises `TokenLimit` when the account has as many as it may, and `WrongPassword` when its
    password was changed since it was checked: whoever changes it waits for this statement, and
    then revokes the token too.
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
                where account_id = $1 and scopes is not null and {valid("$2")}
            )
            returning id, name, scopes, created_at, last_seen_at, expires_at
        ),
        {recording("made", 8)}
        select made.id, name, scopes, created_at, last_seen_at, expires_at
        from verified left join made on true
        """,
        account_id,
        event.at,
        hash_token(token.text),
        token.lifetime,
        token.name,
        token.scopes,
        password_hash,
        *event.columns(),
    )
    if row is None:
        raise WrongPassword
    if row["id"] is None:
        raise TokenLimit
    return _token(row)


def _token(row: Record) -> Token:
    return Token(
        row["id"],
        row["name"],
        tuple(row["scopes"]),
        row["created_at"],
        row["last_seen_at"],
        row["expires_at"],
    )
