"""How accounts are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from service.logins import LOGIN
from service.preferences import Choices, choices_of
from service.throttling import Counted, counting

from .model import Account, Credentials, EmailTaken, UsernameTaken, key
from .names import skeleton

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from asyncpg import Record

    from service.database import Connection
    from service.logins import PresentedLogin
    from service.throttling import Attempt


async def select_credentials(db: Connection, name: str) -> Credentials | None:
    """Return the account of this user name or e-mail address, unless it is disabled."""
    row = await db.fetchrow(
        """
        select id, username, email, created_at, password_hash from accounts
        where (username_key = $1 or email_key = $1) and disabled_at is null
        """,
        key(name),
    )
    return credentials_of(row) if row else None


async def select_registered(db: Connection, username: str, email: str) -> UUID | None:
    """Return the account that has both this user name and this e-mail address."""
    account_id: UUID | None = await db.fetchval(
        "select id from accounts where username_key = $1 and email_key = $2",
        key(username),
        key(email),
    )
    return account_id


async def select_account(db: Connection, claim: PresentedLogin, now: datetime) -> Account | None:
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
    db: Connection,
    claim: PresentedLogin,
    guest_cart_id: UUID | None,
    now: datetime,
    *,
    promised: bool,
    late: timedelta,
) -> SessionState:
    """Return who is there, what they chose, and the units in their cart.

    Of the guest's cart that is ``promised`` for after the login only until that is over, and of
    one that joined an account's only as long as it follows there.
    """
    (row,) = await db.fetch(
        f"""
        with {LOGIN},
        cart as (
            select lines from carts where account_id = (select account_id from login)
            union all
            select lines from carts
            where id = $4 and account_id is null and not exists (select from login)
                and not ($5 and exists (select from over))
                and (
                    merged_at is null
                    or (merged_into is not null and merged_at > $3 - $6::interval)
                )
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
        guest_cart_id,
        promised,
        late,
    )
    claim.require(found=row["id"] is not None)
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
                username, username_key, username_skeleton, email, email_key,
                password_hash, created_at
            ) values ($1, $2, $3, $4, $5, $6, $7)
            returning id, username, email, created_at
            """,
            username,
            key(username),
            skeleton(username),
            email,
            key(email),
            password_hash,
            now,
        )
    except asyncpg.UniqueViolationError as error:
        taken = EmailTaken if error.constraint_name == "accounts_email_key_key" else UsernameTaken
        raise taken from None
    return _account(row)


async def count_password(
    db: Connection, account_id: UUID, attempt: Attempt, now: datetime
) -> tuple[Counted, Credentials | None]:
    """Count an attempt at a signed-in account's password, and return the account."""
    (row,) = await db.fetch(
        f"""
        with {counting(attempt)}
        select passed, ends_at, first, spare,
            a.id, a.username, a.email, a.created_at, a.password_hash
        from counted left join accounts a on a.id = $5 and a.disabled_at is null
        """,
        attempt.counts,
        attempt.seconds,
        now,
        attempt.keys,
        account_id,
    )
    return Counted.of(row, attempt, now), credentials_of(row)


async def lock_account(db: Connection, account_id: UUID, password_hash: str) -> bool:
    """Lock an account until the commit; returns whether it still has this password.

    Log ins that are under way take the same lock, so they come wholly before or after.
    """
    return bool(
        await db.fetchval(
            "select true from accounts where id = $1 and password_hash = $2 for no key update",
            account_id,
            password_hash,
        )
    )


async def is_deleted(db: Connection, account_id: UUID) -> bool:
    """Return whether there was an account of this id that its owner deleted."""
    return bool(
        await db.fetchval(
            "select true from deleted_accounts where mark = sha256(uuid_send($1))", account_id
        )
    )


async def update_password(db: Connection, account_id: UUID, password_hash: str) -> None:
    """Store a password's hash."""
    await db.execute(
        "update accounts set password_hash = $2 where id = $1", account_id, password_hash
    )


async def update_email(db: Connection, account_id: UUID, email: str) -> Account:
    """Store an e-mail address; raises `EmailTaken`."""
    try:
        (row,) = await db.fetch(
            """
            update accounts set email = $2, email_key = $3 where id = $1
            returning id, username, email, created_at
            """,
            account_id,
            email,
            key(email),
        )
    except asyncpg.UniqueViolationError:
        raise EmailTaken from None
    return _account(row)


async def disable_account(db: Connection, account_id: UUID, now: datetime) -> None:
    """Let nobody in any more."""
    await db.execute("update accounts set disabled_at = $2 where id = $1", account_id, now)


async def delete_account(db: Connection, account_id: UUID, now: datetime) -> None:
    """Delete an account, with its logins, its preferences, its cart and the answers it had.

    A mark stays, and so do the guests' carts that joined its cart, empty: without them what
    browsers remember would be taken for what the database lost, and be brought back.
    """
    await db.execute(
        """
        with marked as (
            insert into deleted_accounts (mark, deleted_at) values (sha256(uuid_send($1)), $2)
        ),
        answers as (
            delete from idempotency_keys
            where scope = $1 or scope in (select id from carts where merged_into = $1)
        ),
        emptied as (
            update carts set lines = '[]', revision = revision + 1, updated_at = $2
            where merged_into = $1
        )
        delete from accounts where id = $1
        """,
        account_id,
        now,
    )


def credentials_of(row: Record) -> Credentials | None:
    """Return the account of a row that has its columns, null where there is none."""
    return Credentials(_account(row), row["password_hash"]) if row["id"] else None


def _account(row: Record) -> Account:
    return Account(row["id"], row["username"], row["email"], row["created_at"])
