"""How logins and tokens are revoked: one, the others, all. A row stays until `locker purge`."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from service.audit import Event, audit_cte
from service.database import Connection
from service.statements import Statement

from .model import PresentedLogin
from .queries import valid

REVOKE_PRESENTED = Statement(
    f"""
    with revoked as (
        update logins set ended_at = :event_at,
            over_at = :event_at::timestamptz + :merge_window::interval
        where token_hash = :token_hash and account_id = :event_account_id and ended_at is null
        returning id
    ),
    {audit_cte("revoked")}
    select id from revoked
    """
)


async def revoke_presented(
    db: Connection, presented: PresentedLogin, event: Event, merge_window: timedelta
) -> UUID | None:
    """Revoke the presented login, a log out that is over after ``merge_window``.

    Returns its id, or None where there was none to revoke.
    """
    revoked: UUID | None = await db.fetchval(
        *REVOKE_PRESENTED(
            token_hash=presented.token_hash, merge_window=merge_window, **event.parameters()
        )
    )
    return revoked


REVOKE_ONE = Statement(
    f"""
    with revoked as (
        update logins set ended_at = :event_at,
            over_at = case
                when token_hash = :own then :event_at::timestamptz + :merge_window::interval
            end
        where account_id = :event_account_id and id = :event_login_id
            and (scopes is null) = :is_login and {valid(":event_at")}
        returning id, token_hash, device
    ),
    unknown as (
        delete from devices
        where account_id = :event_account_id and token_hash = (select device from revoked)
    ),
    {audit_cte("revoked")}
    select token_hash from revoked
    """
)


async def revoke_one(
    db: Connection, event: Event, own: bytes | None, merge_window: timedelta
) -> bytes | None:
    """Revoke the event's login or token; returns its hash, or None if the account has none such.

    The device of a login is no longer known. If it is the caller's ``own`` login, this is a log
    out, which is over after ``merge_window``.
    """
    is_login = event.kind == "login_ended"
    revoked: bytes | None = await db.fetchval(
        *REVOKE_ONE(own=own, merge_window=merge_window, is_login=is_login, **event.parameters())
    )
    return revoked


REVOKE_OTHERS = Statement(
    f"""
    with one as (select null::uuid as id), {audit_cte("one")},
    unknown as (
        delete from devices
        where account_id = :event_account_id and token_hash is distinct from :device
    ),
    revoked as (
        update logins set ended_at = :event_at
        where account_id = :event_account_id and (scopes is null or :tokens)
            and ended_at is null and token_hash is distinct from :current
    )
    select count(*) from logins
    where account_id = :event_account_id and scopes is not null and not :tokens
        and {valid(":event_at")}
    """
)


async def revoke_others(
    db: Connection, event: Event, current: bytes | None, device: bytes | None, *, tokens: bool
) -> int:
    """Revoke the account's logins but this one, and with ``tokens`` those; returns how many stay.

    It is no longer known on any device but this one, either.
    """
    stay: int = await db.fetchval(
        *REVOKE_OTHERS(current=current, device=device, tokens=tokens, **event.parameters())
    )
    return stay


REVOKE_ALL = Statement(
    """
    with unknown as (
        delete from devices
        where account_id = :account_id and token_hash is distinct from :device
    ),
    revoked as (
        update logins set ended_at = :now
        where account_id = :account_id and ended_at is null and token_hash is distinct from :but
        returning 1
    )
    select count(*) from revoked
    """
)


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
        await db.fetchval(*REVOKE_ALL(account_id=account_id, now=now, but=but, device=device))
    )
