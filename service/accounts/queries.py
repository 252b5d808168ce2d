"""How accounts are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import asyncpg
from asyncpg import Record

from service.carts import UNITS_CTE, empty_joined_cte
from service.database import Connection
from service.http.idempotency import forget_cte
from service.logins import LOGIN, PresentedLogin
from service.outbox import OutboxKind, events_cte
from service.preferences import Choices, choices_of
from service.statements import Statement
from service.throttling import Attempt, ThrottleResult, throttle_cte

from .model import Account, Credentials, EmailTaken, UsernameTaken, key
from .names import skeleton


def account_event_cte(kind: OutboxKind, source: str) -> str:
    """Return CTEs that tell of each account in ``source``, as of the parameter ``now``."""
    return f"""
        about_account as (
            select '{kind}' as kind, 'account:' || id as subject, :now::timestamptz as at,
                jsonb_build_object('account_id', id) as data
            from {source}
        ),
        {events_cte("about_account")}"""


SELECT_CREDENTIALS = Statement(
    """
    select id, username, email, created_at, password_hash from accounts
    where (username_key = :name or email_key = :name) and disabled_at is null
    """
)


async def select_credentials(db: Connection, name: str) -> Credentials | None:
    """Return the account of this user name or e-mail address, unless it is disabled."""
    row = await db.fetchrow(*SELECT_CREDENTIALS(name=key(name)))
    return credentials_of(row) if row else None


SELECT_REGISTERED = Statement(
    "select id from accounts where username_key = :username and email_key = :email"
)


async def select_registered(db: Connection, username: str, email: str) -> UUID | None:
    """Return the account that has both this user name and this e-mail address."""
    account_id: UUID | None = await db.fetchval(
        *SELECT_REGISTERED(username=key(username), email=key(email))
    )
    return account_id


SELECT_ACCOUNT = Statement(
    f"""
    with {LOGIN}
    select a.id, a.username, a.email, a.created_at
    from login join accounts a on a.id = login.account_id
    """
)


async def select_account(
    db: Connection, presented: PresentedLogin, now: datetime
) -> Account | None:
    """Return the account of the login or token, or None where it isn't valid."""
    row = await db.fetchrow(*SELECT_ACCOUNT(**presented.parameters(), now=now))
    return _account(row) if row else None


@dataclass(frozen=True, slots=True)
class SessionState:
    """Who is there: None, and no choices, for a guest."""

    account: Account | None
    choices: Choices | None
    cart_quantity: int


SELECT_SESSION = Statement(
    f"""
    with {LOGIN}, {UNITS_CTE}
    select a.id, a.username, a.email, a.created_at,
        p.theme, p.locale, p.page_size, p.marketing_emails,
        (select quantity from units) as quantity
    from (select) as one
    left join (login join accounts a on a.id = login.account_id) on true
    left join preferences p on p.account_id = a.id
    """
)


async def select_session(
    db: Connection,
    presented: PresentedLogin,
    guest_cart_id: UUID | None,
    now: datetime,
    *,
    promised: bool,
    merge_window: timedelta,
) -> SessionState:
    """Return who is there, what they chose, and the units in their cart.

    Of the guest's cart that is ``promised`` for after the login only until that is over, and of
    one that joined an account's only as long as it follows there.
    """
    (row,) = await db.fetch(
        *SELECT_SESSION(
            **presented.parameters(),
            now=now,
            guest_cart_id=guest_cart_id,
            promised=promised,
            merge_window=merge_window,
        )
    )
    if row["id"] is None:
        return SessionState(None, None, row["quantity"])
    return SessionState(_account(row), choices_of(row), row["quantity"])


INSERT_ACCOUNT = Statement(
    f"""
    with made as (
        insert into accounts (
            username, username_key, username_skeleton, email, email_key, password_hash, created_at
        )
        values (
            :username, :username_key, :username_skeleton, :email, :email_key, :password_hash, :now
        )
        returning id, username, email, created_at
    ),
    {account_event_cte("account.registered", "made")}
    select id, username, email, created_at from made
    """
)


async def insert_account(
    db: Connection, username: str, email: str, password_hash: str, now: datetime
) -> Account:
    """Store a new account, and tell of it; raises `UsernameTaken` or `EmailTaken`."""
    try:
        (row,) = await db.fetch(
            *INSERT_ACCOUNT(
                username=username,
                username_key=key(username),
                username_skeleton=skeleton(username),
                email=email,
                email_key=key(email),
                password_hash=password_hash,
                now=now,
            )
        )
    except asyncpg.UniqueViolationError as error:
        taken = EmailTaken if error.constraint_name == "accounts_email_key_key" else UsernameTaken
        raise taken from None
    return _account(row)


@cache
def _count_password(limits: int) -> Statement:
    return Statement(
        f"""
        with {throttle_cte(limits, device=False)}
        select passed, ends_at, first, spare,
            a.id, a.username, a.email, a.created_at, a.password_hash
        from counted left join accounts a on a.id = :account_id and a.disabled_at is null
        """
    )


async def count_password(
    db: Connection, account_id: UUID, attempt: Attempt, now: datetime
) -> tuple[ThrottleResult, Credentials | None]:
    """Count an attempt at a signed-in account's password, and return the account."""
    (row,) = await db.fetch(
        *_count_password(attempt.limits)(**attempt.parameters(), now=now, account_id=account_id)
    )
    return ThrottleResult.of(row, attempt, now), credentials_of(row)


LOCK_ACCOUNT = Statement(
    """
    select true from accounts where id = :account_id and password_hash = :password_hash
    for no key update
    """
)


async def lock_account(db: Connection, account_id: UUID, password_hash: str) -> bool:
    """Lock an account until the commit; returns whether it still has this password.

    Log ins that are under way take the same lock, so they come wholly before or after.
    """
    return bool(
        await db.fetchval(*LOCK_ACCOUNT(account_id=account_id, password_hash=password_hash))
    )


IS_DELETED = Statement(
    "select true from deleted_accounts where mark = sha256(uuid_send(:account_id))"
)


async def is_deleted(db: Connection, account_id: UUID) -> bool:
    """Return whether there was an account of this id that its owner deleted."""
    return bool(await db.fetchval(*IS_DELETED(account_id=account_id)))


UPDATE_PASSWORD = Statement(
    "update accounts set password_hash = :password_hash where id = :account_id"
)


async def update_password(db: Connection, account_id: UUID, password_hash: str) -> None:
    """Store a password's hash."""
    await db.execute(*UPDATE_PASSWORD(account_id=account_id, password_hash=password_hash))


UPDATE_EMAIL = Statement(
    """
    update accounts set email = :email, email_key = :email_key where id = :account_id
    returning id, username, email, created_at
    """
)


async def update_email(db: Connection, account_id: UUID, email: str) -> Account:
    """Store an e-mail address; raises `EmailTaken`."""
    try:
        (row,) = await db.fetch(
            *UPDATE_EMAIL(account_id=account_id, email=email, email_key=key(email))
        )
    except asyncpg.UniqueViolationError:
        raise EmailTaken from None
    return _account(row)


DELETE_ACCOUNT = Statement(
    f"""
    with marked as (
        insert into deleted_accounts (mark, deleted_at)
        values (sha256(uuid_send(:account_id)), :now)
    ),
    {empty_joined_cte(":account_id", ":now")},
    {forget_cte("select :account_id::uuid union all select id from emptied")},
    gone as (delete from accounts where id = :account_id returning id),
    {account_event_cte("account.deleted", "gone")}
    select from gone
    """
)


async def delete_account(db: Connection, account_id: UUID, now: datetime) -> None:
    """Delete an account, with its logins, its preferences, its cart and the answers it had.

    A mark stays, and so do the guests' carts that joined its cart, empty: without them what
    browsers remember would be taken for what the database lost, and be brought back.
    """
    await db.execute(*DELETE_ACCOUNT(account_id=account_id, now=now))


def credentials_of(row: Record) -> Credentials | None:
    """Return the account of a row that has its columns, null where there is none."""
    return Credentials(_account(row), row["password_hash"]) if row["id"] else None


def _account(row: Record) -> Account:
    return Account(row["id"], row["username"], row["email"], row["created_at"])
