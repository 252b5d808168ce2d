"""How logins start, on which devices, and how a login gets another token."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from service.audit import Event, audit_cte
from service.database import Connection
from service.statements import Statement

from .devices import MOST_DEVICES, Device
from .model import NewLogin, PresentedLogin, StartedLogin
from .tokens import hash_token, new_token

START_LOGIN = Statement(
    f"""
    with verified as (
        select id from accounts
        where id = :account_id and password_hash = :password_hash and disabled_at is null
        for no key update
    ),
    revoked as (
        update logins set ended_at = :now, over_at = :now::timestamptz + :merge_window::interval
        where token_hash = :previous and ended_at is null and exists (select from verified)
    ),
    device as (
        select case when exists (select from devices where token_hash = :device)
            then :device else :new_device::bytea end as token_hash
    ),
    used_before as (
        select used_at from devices where token_hash = :device and account_id = :account_id
    ),
    known as (
        insert into devices (token_hash, account_id, created_at, used_at, user_agent, ip)
        select token_hash, id, :now, :now, :user_agent, :ip from device, verified
        on conflict (token_hash, account_id) do update set used_at = excluded.used_at
    ),
    too_many as (
        delete from devices
        where account_id = (select id from verified) and token_hash = any(array(
            select token_hash from devices
            where account_id = :account_id and token_hash is distinct from :device
            order by used_at desc offset {MOST_DEVICES - 1}
        ))
    ),
    {audit_cte("verified")}
    insert into logins (
        token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip, id,
        device, new_device
    )
    select :token_hash, id, :now::timestamptz, :now, :idle::interval, :expires_at::timestamptz,
        :user_agent, :ip, :login_id::uuid, device.token_hash,
        :event_kind = 'logged_in' and not exists (select from used_before)
    from verified, device
    returning device = :device as kept, (select used_at from used_before) as used_before
    """
)


async def start_login(
    db: Connection,
    login: NewLogin,
    password_hash: str,
    *,
    previous: PresentedLogin,
    device: Device | None,
    event: Event,
    merge_window: timedelta,
) -> StartedLogin | None:
    """Start a login, and revoke the one the browser had, which is over after ``merge_window``.

    Returns None, and does nothing, if the account was disabled or deleted since its password was
    checked against this hash, or the password changed. A request that does that meanwhile waits
    for this transaction, and then revokes its login too.

    The event is recorded, and the device is known from now on; one that isn't known any more gets
    a new token.
    """
    fresh = Device(new_token(), login.account_id)
    row = await db.fetchrow(
        *START_LOGIN(
            **login.parameters(),
            password_hash=password_hash,
            previous=previous.token_hash,
            merge_window=merge_window,
            device=device.token_hash if device else None,
            new_device=fresh.token_hash,
            **event.parameters(),
        )
    )
    if row is None:
        return None
    kept = replace(device, account_id=login.account_id) if device and row["kept"] else fresh
    return StartedLogin(kept, row["used_before"])


START_WITHOUT_PASSWORD = Statement(
    """
    with owner as (
        select id, username from accounts where id = :account_id and disabled_at is null
    ),
    started as (
        insert into logins (
            token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip, id
        )
        select :token_hash, owner.id, :now::timestamptz, :now, :idle::interval,
            :expires_at::timestamptz, :user_agent, :ip, :login_id
        from owner
    )
    select username from owner
    """
)


async def start_without_password(db: Connection, login: NewLogin) -> str | None:
    """Start a login without a log in; returns whose it is, or None for no such account."""
    username: str | None = await db.fetchval(
        *START_WITHOUT_PASSWORD(
            **login.parameters(),
        )
    )
    return username


RENEW_LOGIN = Statement(
    """
    with renewed as (
        update logins set token_hash = :fresh
        where token_hash = :token_hash and account_id = :account_id
        returning account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip
    )
    insert into logins (
        token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip,
        ended_at, over_at
    )
    select :token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip,
        :now, :now::timestamptz + :merge_window::interval
    from renewed
    """
)


async def renew_login(
    db: Connection, presented: PresentedLogin, token: str, now: datetime, merge_window: timedelta
) -> None:
    """Give a login another token; the old one is that of a login which was revoked."""
    await db.execute(
        *RENEW_LOGIN(
            token_hash=presented.token_hash,
            account_id=presented.account_id,
            fresh=hash_token(token),
            now=now,
            merge_window=merge_window,
        )
    )


SELECT_NEW_DEVICES = Statement(
    """
    select user_agent from devices
    where account_id = :account_id and token_hash <> :device and created_at > :since
    order by created_at desc limit 3
    """
)


async def select_new_devices(
    db: Connection, account_id: UUID, device: Device, since: datetime
) -> list[str]:
    """Return the user agents of the other devices that the account came to be known on since.

    The newest first, and a few at most.
    """
    rows = await db.fetch(
        *SELECT_NEW_DEVICES(account_id=account_id, device=device.token_hash, since=since)
    )
    return [row["user_agent"] for row in rows]
