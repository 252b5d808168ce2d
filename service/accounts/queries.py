"""How accounts are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from service.preferences import Choices, choices_of
from service.sessions import LOGIN, hash_token

from .model import Account, Credentials, EmailTaken, UsernameTaken, key

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from service.database import Connection
    from service.sessions import Claim, NewLogin


async def select_credentials(db: Connection, name: str) -> Credentials | None:
    """Return the account of this user name or e-mail address, unless it is disabled."""
    row = await db.fetchrow(
        """
        select id, username, email, created_at, password_hash from accounts
        where (username_key = $1 or email_key = $1) and disabled_at is null
        """,
        key(name),
    )
    return Credentials(_account(row), row["password_hash"]) if row else None


async def select_registered(db: Connection, username: str, email: str) -> UUID | None:
    """Return the account that has both this user name and this e-mail address."""
    account_id: UUID | None = await db.fetchval(
        "select id from accounts where username_key = $1 and email_key = $2",
        key(username),
        key(email),
    )
    return account_id


async def select_account(db: Connection, claim: Claim, now: datetime) -> Account | None:
    """Return the account of the claim, or None where it doesn't hold."""
    row = await db.fetchrow(
        f"""
        with {LOGIN}
        select a.id, a.username, a.email, a.created_at
        from login join accounts a on a.id = login.account_id
        """,
        claim.token_hash,
        claim.account_id,
        now,
    )
    return _account(row) if row else None


@dataclass(frozen=True, slots=True)
class SessionState:
    """Who is there: None, and no choices, for a guest."""

    account: Account | None
    choices: Choices | None
    cart_quantity: int


async def select_session(
    db: Connection, claim: Claim, guest_cart: UUID | None, now: datetime
) -> SessionState:
    """Return who is there, what they chose, and the units in their cart."""
    (row,) = await db.fetch(
        f"""
        with {LOGIN},
        cart as (
            select lines from carts where account_id = (select account_id from login)
            union all
            select lines from carts
            where id = $4 and account_id is null and not exists (select from login)
        )
        select a.id, a.username, a.email, a.created_at,
            p.theme, p.locale, p.page_size, p.marketing_emails,
            (
                select coalesce(sum((line->>'quantity')::int), 0)
                from cart, jsonb_array_elements(cart.lines) as line
            ) as quantity
        from (select) as one
        left join (login join accounts a on a.id = login.account_id) on true
        left join preferences p on p.account_id = a.id
        """,
        claim.token_hash,
        claim.account_id,
        now,
        guest_cart,
    )
    claim.confirm(found=row["id"] is not None)
    if row["id"] is None:
        return SessionState(None, None, row["quantity"])
    return SessionState(_account(row), choices_of(row), row["quantity"])


async def insert_account(
    db: Connection, username: str, email: str, password_hash: str, now: datetime
) -> Account:
    """Store a new account; raises `UsernameTaken` or `EmailTaken`."""
    try:
        (row,) = await db.fetch(
            """
            insert into accounts (
                username, username_key, email, email_key, password_hash, created_at
            ) values ($1, $2, $3, $4, $5, $6)
            returning id, username, email, created_at
            """,
            username,
            key(username),
            email,
            key(email),
            password_hash,
            now,
        )
    except asyncpg.UniqueViolationError as error:
        taken = (
            UsernameTaken if error.constraint_name == "accounts_username_key_key" else EmailTaken
        )
        raise taken from None
    return _account(row)


async def start_login(
    db: Connection,
    login: NewLogin,
    *,
    previous: Claim,
    choices: Choices,
    password_hash: str | None,
) -> None:
    """Start a login, and end the one the browser had.

    In the same statement, for the sake of the round trips: the guest's choices fill those the
    account never made, and a fresher password hash is stored.
    """
    await db.execute(
        """
        with ended as (
            update logins set ended_at = $3
            where token_hash = $8 and ended_at is null
        ),
        filled as (
            insert into preferences as p (
                account_id, theme, locale, page_size, marketing_emails
            ) values ($2, $9, $10, $11, $12)
            on conflict (account_id) do update set
                theme = coalesce(p.theme, excluded.theme),
                locale = coalesce(p.locale, excluded.locale),
                page_size = coalesce(p.page_size, excluded.page_size),
                marketing_emails = coalesce(p.marketing_emails, excluded.marketing_emails)
        ),
        rehashed as (
            update accounts set password_hash = $13::text
            where id = $2 and $13::text is not null
        )
        insert into logins (
            token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip
        ) values ($1, $2, $3, $3, $4, $5, $6, $7)
        """,
        hash_token(login.token),
        login.account_id,
        login.now,
        login.idle,
        login.expires_at,
        login.user_agent,
        login.ip,
        previous.token_hash,
        *choices.columns(),
        password_hash,
    )


async def update_password(
    db: Connection, account_id: UUID, password_hash: str, now: datetime
) -> None:
    """Store a password's hash, and end every login of the account."""
    await db.execute(
        """
        with ended as (
            update logins set ended_at = $3 where account_id = $1 and ended_at is null
        )
        update accounts set password_hash = $2 where id = $1
        """,
        account_id,
        password_hash,
        now,
    )


async def disable_account(db: Connection, account_id: UUID, now: datetime) -> None:
    """Let nobody in any more, those who are in included."""
    await db.execute(
        """
        with ended as (
            update logins set ended_at = $2 where account_id = $1 and ended_at is null
        )
        update accounts set disabled_at = $2 where id = $1
        """,
        account_id,
        now,
    )


def _account(row: Record) -> Account:
    return Account(row["id"], row["username"], row["email"], row["created_at"])
