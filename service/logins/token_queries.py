"""How tokens for programs are stored: rows of ``logins`` that have scopes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import Record

from service.audit import Event, audit_cte
from service.database import Connection
from service.errors import WrongPassword
from service.statements import Statement

from .model import MOST_TOKENS, IssuedToken, NewToken, Token, TokenLimit
from .queries import valid
from .tokens import hash_token

SELECT_TOKENS = Statement(
    f"""
    select id, name, scopes, created_at, last_seen_at, expires_at
    from logins where account_id = :account_id and scopes is not null and {valid(":now")}
    order by created_at desc, id
    """
)


async def select_tokens(db: Connection, account_id: UUID, now: datetime) -> list[Token]:
    """Return the valid tokens, the newest first."""
    rows = await db.fetch(*SELECT_TOKENS(account_id=account_id, now=now))
    return [_token(row) for row in rows]


INSERT_TOKEN = Statement(
    f"""
    with verified as (
        select id from accounts
        where id = :event_account_id and password_hash = :password_hash and disabled_at is null
        for no key update
    ),
    made as (
        insert into logins (
            id, token_hash, account_id, created_at, expires_at, name, scopes, user_agent, ip
        )
        select :event_login_id, :token_hash, id, :event_at,
            :event_at::timestamptz + :lifetime::interval, :name, :scopes::text[], '', ''
        from verified
        where :most > (
            select count(*) from logins
            where account_id = :event_account_id and scopes is not null and {valid(":event_at")}
        )
        returning id, name, scopes, created_at, last_seen_at, expires_at
    ),
    {audit_cte("made")}
    select made.id, name, scopes, created_at, last_seen_at, expires_at
    from verified left join made on true
    """
)


async def insert_token(db: Connection, password_hash: str, token: NewToken, event: Event) -> Token:
    """Store a token by its hash, for an account whose password was checked against that hash.

    The event has its id and its account's. Raises `TokenLimit` when the account has as many as it
    may, and `WrongPassword` when its password was changed since it was checked. A request that
    changes it meanwhile waits for this statement, and then revokes the token too.
    """
    row = await db.fetchrow(
        *INSERT_TOKEN(
            password_hash=password_hash,
            token_hash=hash_token(token.text),
            lifetime=token.lifetime,
            name=token.name,
            scopes=token.scopes,
            most=MOST_TOKENS,
            **event.parameters(),
        )
    )
    if row is None:
        raise WrongPassword
    if row["id"] is None:
        raise TokenLimit
    return _token(row)


ISSUE_TOKEN = Statement(
    """
    with owner as (
        select id, username from accounts
        where id = :account_id and disabled_at is null
            and (role = 'operator' or 'admin' <> all(:scopes::text[]))
        for no key update
    ),
    made as (
        insert into logins (
            id, token_hash, account_id, created_at, expires_at, name, scopes, user_agent, ip
        )
        select :id, :token_hash, id, :now, :now::timestamptz + :lifetime::interval, :name,
            :scopes, '', ''
        from owner
        returning id, name, scopes, created_at, last_seen_at, expires_at
    )
    select made.id, name, scopes, created_at, last_seen_at, expires_at,
        owner.id as account_id, username
    from made, owner
    """
)


async def issue_token(
    db: Connection, account_id: UUID, token: NewToken, now: datetime
) -> IssuedToken | None:
    """Store a token for an account without its password, by its hash.

    Returns None where there is no such account, it is disabled, or it lacks the role that the
    scope `admin` needs.
    """
    row = await db.fetchrow(
        *ISSUE_TOKEN(
            account_id=account_id,
            id=token.id,
            token_hash=hash_token(token.text),
            lifetime=token.lifetime,
            name=token.name,
            scopes=token.scopes,
            now=now,
        )
    )
    return _issued(row) if row else None


SELECT_ISSUED = Statement(
    f"""
    select l.id, l.name, l.scopes, l.created_at, l.last_seen_at, l.expires_at,
        a.id as account_id, a.username
    from logins l join accounts a on a.id = l.account_id
    where l.scopes is not null and {valid(":now", "l")} and a.disabled_at is null
        and (a.id = :account_id or (:account_id::uuid is null and 'admin' = any(l.scopes)))
    order by l.created_at desc, l.id
    """
)


async def select_issued(
    db: Connection, account_id: UUID | None, now: datetime
) -> list[IssuedToken]:
    """Return the valid tokens of an account, or of None the operators', the newest first."""
    rows = await db.fetch(*SELECT_ISSUED(account_id=account_id, now=now))
    return [_issued(row) for row in rows]


REVOKE_TOKEN = Statement(
    f"""
    update logins set ended_at = :now
    where id = :id and scopes is not null and {valid(":now")}
    returning account_id
    """
)


async def revoke_token(db: Connection, token_id: UUID, now: datetime) -> UUID | None:
    """Revoke a token; returns whose it was, or None where there is no valid one of this id."""
    account_id: UUID | None = await db.fetchval(*REVOKE_TOKEN(id=token_id, now=now))
    return account_id


REVOKE_OPERATORS_TOKENS = Statement(
    """
    update logins set ended_at = :now
    where account_id = :account_id and 'admin' = any(scopes) and ended_at is null
    """
)


async def revoke_operators_tokens(db: Connection, account_id: UUID, now: datetime) -> None:
    """Revoke the account's tokens that have the scope `admin`."""
    await db.execute(*REVOKE_OPERATORS_TOKENS(account_id=account_id, now=now))


def _issued(row: Record) -> IssuedToken:
    return IssuedToken(_token(row), row["account_id"], row["username"])


def _token(row: Record) -> Token:
    return Token(
        row["id"],
        row["name"],
        tuple(row["scopes"]),
        row["created_at"],
        row["last_seen_at"],
        row["expires_at"],
    )
