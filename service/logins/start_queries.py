"""How logins start, on which devices, and how a login gets another token."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record

from service.audit import Event, audit_cte
from service.database import Connection
from service.statements import Statement

from .devices import MOST_DEVICES, Device
from .model import NewLogin, PresentedLogin, StartedLogin
from .tokens import hash_token, new_token


@dataclass(frozen=True, slots=True)
class LoginStart:
    """A login that a statement with `start_login_cte` starts, with the event that is recorded.

    ``previous`` is the one that the browser had: it is revoked, and over after ``merge_window``.
    ``device`` is the one that the browser says it is; where that isn't known any more, there is a
    new one.
    """

    login: NewLogin
    event: Event
    previous: PresentedLogin
    device: Device | None
    merge_window: timedelta
    new_device_token: str = field(default_factory=new_token)

    def parameters(self) -> dict[str, Any]:
        return {
            **self.login.parameters(),
            **self.event.parameters(),
            "previous": self.previous.token_hash,
            "merge_window": self.merge_window,
            "device": self.device.token_hash if self.device else None,
            "new_device": hash_token(self.new_device_token),
        }

    def started(self, row: Record) -> StartedLogin:
        """Return the login that has started, of a row with the columns of ``started``."""
        account_id = self.login.account_id
        device = (
            replace(self.device, account_id=account_id)
            if self.device and row["kept"]
            else Device(self.new_device_token, account_id)
        )
        return StartedLogin(device, row["used_before"])


LOCK_PREVIOUS_CTE = """
    previous as (
        select token_hash from logins where token_hash = :previous and ended_at is null for update
    )
"""
"""A CTE that locks the login that the browser had: who locks carts as well has a login first."""


def start_login_cte(source: str) -> str:
    """Return CTEs that start a login if ``source`` has a row, with its account's ``id``.

    Their parameters are `LoginStart.parameters`. So ``started`` has a row, and the device is known
    from now on. What disables the account, or changes its password, must wait for the statement,
    and then revokes this login too: the caller holds a lock of the account.
    """
    return f"""
        revoked as (
            update logins set ended_at = :now, over_at = :now::timestamptz + :merge_window::interval
            where token_hash = :previous and ended_at is null and exists (select from {source})
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
            select token_hash, id, :now, :now, :user_agent, :ip from device, {source}
            on conflict (token_hash, account_id) do update set used_at = excluded.used_at
        ),
        too_many as (
            delete from devices
            where account_id = (select id from {source}) and token_hash = any(array(
                select token_hash from devices
                where account_id = :account_id and token_hash is distinct from :device
                order by used_at desc offset {MOST_DEVICES - 1}
            ))
        ),
        {audit_cte(source)},
        started as (
            insert into logins (
                token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip,
                id, device, new_device
            )
            select :token_hash, id, :now::timestamptz, :now, :idle::interval,
                :expires_at::timestamptz, :user_agent, :ip, :login_id::uuid, device.token_hash,
                :event_kind = 'logged_in' and not exists (select from used_before)
            from {source}, device
            returning device = :device as kept, (select used_at from used_before) as used_before
        )"""


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
