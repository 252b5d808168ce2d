"""How accounts are stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg

from service.audit import recording
from service.preferences import Choices, choices_of
from service.sessions import LOGIN, hash_token
from service.throttling import Counted, counting

from .model import Account, Credentials, EmailTaken, UsernameTaken, key

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from service.audit import Event
    from service.database import Connection
    from service.sessions import Claim, NewLogin
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
    return _credentials(row) if row else None


@dataclass(frozen=True, slots=True)
class Verified:
    """An account whose password was right, and the hash it was checked against.

    ``fresh_hash`` replaces one made with other parameters; ``forgiven`` are the attempts to
    take back.
    """

    account: Account
    password_hash: str
    fresh_hash: str | None = None
    forgiven: list[bytes] = field(default_factory=list)


async def count_login(
    db: Connection, name: str, attempt: Attempt, ip: str, now: datetime
) -> tuple[Counted, Credentials | None]:
    """Count an attempt to log in, and return the account as `select_credentials` does."""
    (row,) = await db.fetch(
        f"""
        with used as (
            select case when exists (
                select from accounts join audit on account_id = accounts.id
                where (username_key = $4 or email_key = $4) and ip = $5
                    and event in ('registered', 'logged_in')
            ) then $6::bytea[] else $7::bytea[] end as keys
        ),
        {counting(len(attempt.keys))}
        select keys, passed, ends_at, first,
            a.id, a.username, a.email, a.created_at, a.password_hash
        from counted left join accounts a
            on (a.username_key = $4 or a.email_key = $4) and a.disabled_at is null
        """,
        attempt.counts,
        attempt.seconds,
        now,
        key(name),
        ip,
        attempt.familiar,
        attempt.keys,
    )
    return Counted.of(row, attempt, now), _credentials(row)


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
    verified: Verified,
    *,
    previous: Claim,
    choices: Choices,
    event: Event,
) -> bool:
    """Start a login, and end the one the browser had.

    Returns False, and does nothing, if the account was disabled or deleted, or its password
    changed, since the password was checked. Whoever does that waits for this transaction, and
    then ends its login too.

    In the same statement, for the sake of the round trips: the guest's choices fill those the
    account never made, a fresher password hash is stored, the attempt is taken back, and the
    event recorded.
    """
    started = await db.fetchval(
        f"""
        with verified as (
            select id from accounts
            where id = $2 and password_hash = $14 and disabled_at is null
            for no key update
        ),
        ended as (
            update logins set ended_at = $3
            where token_hash = $8 and ended_at is null and exists (select from verified)
        ),
        filled as (
            insert into preferences as p (
                account_id, theme, locale, page_size, marketing_emails
            )
            select id, $9, $10, $11::int, $12::boolean from verified
            on conflict (account_id) do update set
                theme = coalesce(p.theme, excluded.theme),
                locale = coalesce(p.locale, excluded.locale),
                page_size = coalesce(p.page_size, excluded.page_size),
                marketing_emails = coalesce(p.marketing_emails, excluded.marketing_emails)
        ),
        rehashed as (
            update accounts set password_hash = $13::text
            where id = (select id from verified) and $13::text is not null
        ),
        -- in the order in which they were counted, see throttling
        forgiven_address as (
            update attempts set count = count - 1
            where key = ($15::bytea[])[1] and count > 0 and exists (select from verified)
            returning 1
        ),
        forgiven_account as (
            update attempts set count = count - 1
            where key = ($15::bytea[])[2] and count > 0 and exists (select from verified)
                and (select count(*) from forgiven_address) >= 0
        ),
        {recording("verified", 17)}
        insert into logins (
            token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip, id
        )
        select $1, id, $3::timestamptz, $3, $4::interval, $5::timestamptz, $6, $7, $16::uuid
        from verified
        returning true
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
        verified.fresh_hash,
        verified.password_hash,
        verified.forgiven,
        login.id,
        *event.columns(),
    )
    return bool(started)


async def end_login(db: Connection, claim: Claim, event: Event) -> UUID | None:
    """End the claim's login; returns its id, or None where there was none to end."""
    ended: UUID | None = await db.fetchval(
        f"""
        with ended as (
            update logins set ended_at = $3
            where token_hash = $1 and account_id = $2 and ended_at is null
            returning id
        ),
        {recording("ended", 3)}
        select id from ended
        """,
        claim.token_hash,
        claim.account_id,
        *event.columns(),
    )
    return ended


async def count_password(
    db: Connection, account_id: UUID, attempt: Attempt, now: datetime
) -> tuple[Counted, Credentials | None]:
    """Count an attempt at a signed-in account's password, and return the account."""
    (row,) = await db.fetch(
        f"""
        with used as (select $4::bytea[] as keys), {counting(len(attempt.keys))}
        select keys, passed, ends_at, first,
            a.id, a.username, a.email, a.created_at, a.password_hash
        from counted left join accounts a on a.id = $5 and a.disabled_at is null
        """,
        attempt.counts,
        attempt.seconds,
        now,
        attempt.keys,
        account_id,
    )
    return Counted.of(row, attempt, now), _credentials(row)


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


async def renew_login(db: Connection, claim: Claim, token: str) -> None:
    """Give a login another token; the old one is worth nothing from then on."""
    await db.execute(
        "update logins set token_hash = $3 where token_hash = $1 and account_id = $2",
        claim.token_hash,
        claim.account_id,
        hash_token(token),
    )


async def disable_account(db: Connection, account_id: UUID, now: datetime) -> None:
    """Let nobody in any more."""
    await db.execute("update accounts set disabled_at = $2 where id = $1", account_id, now)


async def delete_account(db: Connection, account_id: UUID) -> None:
    """Delete an account, with its logins, its preferences, its cart and the answers it had."""
    await db.execute(
        """
        with answers as (delete from idempotency_keys where scope = $1)
        delete from accounts where id = $1
        """,
        account_id,
    )


def _credentials(row: Record) -> Credentials | None:
    return Credentials(_account(row), row["password_hash"]) if row["id"] else None


def _account(row: Record) -> Account:
    return Account(row["id"], row["username"], row["email"], row["created_at"])
