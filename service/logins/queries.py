"""How logins are stored, and the check that rides along in other features' statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.audit import recording

from .model import Login
from .tokens import hash_token

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from service.audit import Event
    from service.database import Connection

    from .devices import Device
    from .model import NewLogin, PresentedLogin


def valid(now: str, of: str = "logins") -> str:
    """Return the condition that a login or a token is valid at ``now``, a parameter."""
    return (
        f"{of}.ended_at is null and {of}.expires_at > {now} "
        f"and ({of}.last_seen_at + {of}.idle <= {now}) is not true"
    )


LOGIN = f"""
    login as (
        select l.account_id
        from logins l join accounts a on a.id = l.account_id
        where l.token_hash = $1
            and (l.account_id = $2 or ($2::uuid is null and l.scopes is not null))
            and {valid("$3", "l")} and a.disabled_at is null
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
and time. ``login`` has one row if what the request presents is valid, else none; whoever reads it
tells `PresentedLogin.require`. It also notes the use, at most once a minute, and never waits for
another request that does the same.

``over`` has a row if there is no such login, or its browser logged out a while ago. Such a session
was saved: what is promised to the browser for after its log out is not for it."""


async def select_login(db: Connection, presented: PresentedLogin, now: datetime) -> UUID | None:
    """Return whose login or token is presented, or None where it isn't valid."""
    account_id: UUID | None = await db.fetchval(
        f"with {LOGIN} select account_id from login",
        presented.token_hash,
        presented.account_id,
        now,
    )
    return account_id


async def select_logins(
    db: Connection, account_id: UUID, now: datetime, current: bytes | None
) -> list[Login]:
    """Return the valid logins, the last used first; ``current`` is a login's hash."""
    rows = await db.fetch(
        f"""
        select id, created_at, last_seen_at, user_agent, ip, new_device,
            token_hash is not distinct from $3 as current
        from logins where account_id = $1 and scopes is null and {valid("$2")}
        order by last_seen_at desc, id
        """,
        account_id,
        now,
        current,
    )
    return [Login(**row) for row in rows]


async def insert_login(db: Connection, login: NewLogin) -> str | None:
    """Start a login without a log in; returns whose it is, or None for no such account."""
    username: str | None = await db.fetchval(
        """
        with owner as (
            select id, username from accounts where id = $2 and disabled_at is null
        ),
        started as (
            insert into logins (
                token_hash, account_id, created_at, last_seen_at, idle, expires_at,
                user_agent, ip, id
            )
            select $1, owner.id, $3::timestamptz, $3, $4::interval, $5::timestamptz, $6, $7, $8
            from owner
        )
        select username from owner
        """,
        hash_token(login.token),
        login.account_id,
        login.now,
        login.idle,
        login.expires_at,
        login.user_agent,
        login.ip,
        login.id,
    )
    return username


async def renew_login(
    db: Connection, presented: PresentedLogin, token: str, now: datetime, late: timedelta
) -> None:
    """Give a login another token; the old one is that of a login which was revoked."""
    await db.execute(
        """
        with renewed as (
            update logins set token_hash = $3 where token_hash = $1 and account_id = $2
            returning account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip
        )
        insert into logins (
            token_hash, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip,
            ended_at, over_at
        )
        select $1, account_id, created_at, last_seen_at, idle, expires_at, user_agent, ip,
            $4, $4::timestamptz + $5::interval
        from renewed
        """,
        presented.token_hash,
        presented.account_id,
        hash_token(token),
        now,
        late,
    )


async def revoke_presented(
    db: Connection, presented: PresentedLogin, event: Event, late: timedelta
) -> UUID | None:
    """Revoke the presented login, a log out that is over after ``late``.

    Returns its id, or None where there was none to revoke.
    """
    revoked: UUID | None = await db.fetchval(
        f"""
        with revoked as (
            update logins set ended_at = $3, over_at = $3::timestamptz + $10::interval
            where token_hash = $1 and account_id = $2 and ended_at is null
            returning id
        ),
        {recording("revoked", 3)}
        select id from revoked
        """,
        presented.token_hash,
        presented.account_id,
        *event.columns(),
        late,
    )
    return revoked


async def revoke_one(
    db: Connection,
    account_id: UUID,
    login_id: UUID,
    event: Event,
    own: bytes | None,
    late: timedelta,
) -> bytes | None:
    """Revoke a login or token, as the event says; returns its hash, or None if there is none.

    The device of a login is no longer known. The ``own`` of whoever asks is a log out, which is
    over after ``late``.
    """
    revoked: bytes | None = await db.fetchval(
        f"""
        with revoked as (
            update logins set ended_at = $2,
                over_at = case when token_hash = $12 then $2::timestamptz + $13::interval end
            where account_id = $1 and id = $3 and (scopes is null) = $4 and {valid("$2")}
            returning id, token_hash, device
        ),
        unknown as (
            delete from devices
            where account_id = $1 and token_hash = (select device from revoked)
        ),
        {recording("revoked", 5)}
        select token_hash from revoked
        """,
        account_id,
        event.at,
        login_id,
        event.kind == "login_ended",
        *event.columns(),
        own,
        late,
    )
    return revoked


async def revoke_others(
    db: Connection,
    account_id: UUID,
    current: bytes | None,
    device: bytes | None,
    event: Event,
    *,
    tokens: bool,
) -> int:
    """Revoke the account's logins but this one, and with ``tokens`` those; returns how many stay.

    It is no longer known on any device but this one, either.
    """
    stay: int = await db.fetchval(
        f"""
        with one as (select null::uuid as id), {recording("one", 6)},
        unknown as (
            delete from devices where account_id = $1 and token_hash is distinct from $5
        ),
        revoked as (
            update logins set ended_at = $2
            where account_id = $1 and (scopes is null or $4) and ended_at is null
                and token_hash is distinct from $3
        )
        select count(*) from logins
        where account_id = $1 and scopes is not null and not $4 and {valid("$2")}
        """,
        account_id,
        event.at,
        current,
        tokens,
        device,
        *event.columns(),
    )
    return stay


async def revoke_all(
    db: Connection,
    account_id: UUID,
    now: datetime,
    *,
    but: bytes | None = None,
    device: bytes | None = None,
) -> int:
    """Revoke the account's logins and tokens, but the one with this hash; returns how many.

    It is no longer known on any device but this one, either.
    """
    return int(
        await db.fetchval(
            """
            with unknown as (
                delete from devices where account_id = $1 and token_hash is distinct from $4
            ),
            revoked as (
                update logins set ended_at = $2
                where account_id = $1 and ended_at is null
                    and token_hash is distinct from $3
                returning 1
            )
            select count(*) from revoked
            """,
            account_id,
            now,
            but,
            device,
        )
    )


async def select_new_devices(
    db: Connection, account_id: UUID, device: Device, since: datetime
) -> list[str]:
    """Return the user agents of the other devices that the account came to be known on since.

    The newest first, and a few at most.
    """
    rows = await db.fetch(
        """
        select user_agent from devices
        where account_id = $1 and token_hash <> $2 and created_at > $3
        order by created_at desc limit 3
        """,
        account_id,
        device.token_hash,
        since,
    )
    return [row["user_agent"] for row in rows]
