"""How logins are stored, and the check that stands in front of other features' statements."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from service.audit import Operator, Source
from service.database import Connection
from service.statements import Statement

from .model import KnownDevice, Login, PresentedLogin


def valid(now: str, of: str = "logins") -> str:
    """Return the condition that a login or a token is valid at ``now``, a parameter."""
    return (
        f"{of}.ended_at is null and {of}.expires_at > {now} "
        f"and ({of}.last_seen_at + {of}.idle <= {now}) is not true"
    )


def session_lasts(token_hash: str) -> str:
    """Return the condition that a session with this login, a parameter, isn't over at ``:now``.

    It is over if there is no such login, or if its browser logged out a while ago. Such a session
    was saved: what is promised to the browser for after its log out is not for it.
    """
    return (
        f"exists (select from logins where token_hash = {token_hash} "
        "and (over_at > :now) is not false)"
    )


JUST_LOGGED_OUT = (
    "exists (select from logins where token_hash = :presented_hash and over_at > :now)"
)
"""The condition that the browser logged out of the presented login just now."""

LOGIN = f"""
    login as (
        select l.account_id, l.id as login_id, a.role
        from logins l join accounts a on a.id = l.account_id
        where l.token_hash = :presented_hash
            and (
                l.account_id = :presented_account
                or (:presented_account::uuid is null and l.scopes is not null)
            )
            and {valid(":now", "l")} and a.disabled_at is null
    ),
    seen as (
        update logins set last_seen_at = :now
        where token_hash = (
            select token_hash from logins
            where token_hash = :presented_hash
                and (last_seen_at > :now - interval '1 minute') is not true
                and exists (select from login)
            for update skip locked
        )
    ),
    over as (
        select from (select) as one where not {session_lasts(":presented_hash")}
    )
"""
"""The login check, to stand first in a ``with``. Its parameters are ``now`` and
`PresentedLogin.parameters`.

``login`` has one row if what the request presents is valid, else none: whose it is, its id, and
the account's role. What became of it goes to `PresentedLogin.require`. The check also notes the
use, at most once a minute, and never waits for another request that does the same.

``over`` has a row if the session that presents it is over, see `session_lasts`."""

SELECT_LOGIN = Statement(f"with {LOGIN} select account_id from login")


async def select_login(db: Connection, presented: PresentedLogin, now: datetime) -> UUID | None:
    """Return whose login or token is presented, or None where it isn't valid."""
    account_id: UUID | None = await db.fetchval(*SELECT_LOGIN(**presented.parameters(), now=now))
    return account_id


SELECT_OPERATOR = Statement(
    f"with {LOGIN} select account_id, login_id from login where role = 'operator'"
)


async def select_operator(
    db: Connection, presented: PresentedLogin, source: Source, now: datetime
) -> Operator | None:
    """Return the operator whose login or token is presented, None where it is nobody's such."""
    row = await db.fetchrow(*SELECT_OPERATOR(**presented.parameters(), now=now))
    return Operator(source, row["account_id"], row["login_id"]) if row else None


SELECT_LOGINS = Statement(
    f"""
    select id, created_at, last_seen_at, user_agent, ip, new_device,
        token_hash is not distinct from :current as current
    from logins where account_id = :account_id and scopes is null and {valid(":now")}
    order by last_seen_at desc, id
    """
)


async def select_logins(
    db: Connection, account_id: UUID, now: datetime, current: bytes | None
) -> list[Login]:
    """Return the valid logins, the last used first; ``current`` is a login's hash."""
    rows = await db.fetch(*SELECT_LOGINS(account_id=account_id, now=now, current=current))
    return [Login(**row) for row in rows]


SELECT_DEVICES = Statement(
    """
    select created_at, used_at, user_agent, ip from devices where account_id = :account_id
    order by used_at desc, created_at
    """
)


async def select_devices(db: Connection, account_id: UUID) -> list[KnownDevice]:
    """Return the devices that an account is known on, the last used first."""
    rows = await db.fetch(*SELECT_DEVICES(account_id=account_id))
    return [KnownDevice(**row) for row in rows]
