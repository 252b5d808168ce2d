"""How a log in is counted, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from service.carts import CartMerge, as_read_cte, conflicts, join_carts_cte
from service.database import Conflicted, Connection
from service.errors import WrongCredentials
from service.logins import LOCK_PREVIOUS_CTE, Device, LoginStart, StartedLogin, start_login_cte
from service.preferences import Choices, fill_cte
from service.statements import Statement
from service.throttling import Attempt, ThrottleResult, refund_cte, throttle_cte

from .model import Account, Credentials, key
from .queries import credentials_of


@dataclass(frozen=True, slots=True)
class Verified:
    """An account whose password was right, and the hash it was checked against.

    ``fresh_hash`` replaces one made with other parameters; ``refunded`` are the attempts to
    take back.
    """

    account: Account
    password_hash: str
    fresh_hash: str | None = None
    refunded: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CountedLogin:
    """An attempt to log in, counted, and whose it is; None where the name is nobody's.

    ``known_device``: the account was logged in to on this device before.
    """

    counted: ThrottleResult
    credentials: Credentials | None
    known_device: bool


@cache
def _count_login(limits: int, *, device: bool) -> Statement:
    return Statement(
        f"""
        with known as (select from devices where token_hash = :device limit 1),
        {throttle_cte(limits, device=device)}
        select passed, ends_at, first, spare,
            a.id, a.username, a.email, a.created_at, a.password_hash,
            exists (
                select from devices where token_hash = :device and account_id = a.id
            ) as known_device
        from counted left join accounts a
            on (a.username_key = :name or a.email_key = :name) and a.disabled_at is null
        """
    )


async def count_login(
    db: Connection, name: str, attempt: Attempt, device: Device | None, now: datetime
) -> CountedLogin:
    """Count an attempt to log in, and return the account as `select_credentials` does."""
    (row,) = await db.fetch(
        *_count_login(attempt.limits, device=attempt.device)(
            **attempt.parameters(),
            now=now,
            name=key(name),
            device=device.token_hash if device else None,
        )
    )
    counted = ThrottleResult.of(row, attempt, now)
    return CountedLogin(counted, credentials_of(row), row["known_device"])


def _settle_login(*, session: bool) -> Statement:
    previous = f"{LOCK_PREVIOUS_CTE}," if session else ""
    after = "where (select count(*) from previous) >= 0" if session else ""
    start = f"{start_login_cte('as_read')}," if session else ""
    columns = ", kept, used_before" if session else ""
    started = "left join started on true" if session else ""
    return Statement(
        f"""
        with verified as (
            select id from accounts
            where id = :account_id and password_hash = :password_hash and disabled_at is null
            for no key update
        ),
        {previous}
        owner as (select id from verified {after}),
        {as_read_cte("owner")},
        {start}
        {fill_cte("as_read")},
        {refund_cte(":refunded", "select from as_read")},
        rehashed as (
            update accounts set password_hash = :fresh_hash
            where id = (select id from as_read) and :fresh_hash::text is not null
        ),
        {join_carts_cte("as_read")}
        select exists (select from as_read) as done{columns}
        from verified {started}
        """
    )


SETTLE_LOGIN = _settle_login(session=True)
SETTLE_APPS_LOGIN = _settle_login(session=False)


async def settle_login(
    db: Connection,
    verified: Verified,
    start: LoginStart | None,
    merge: CartMerge,
    choices: Choices,
    now: datetime,
) -> StartedLogin | None:
    """Do all that a log in comes to, in one statement: all of it or nothing.

    The login starts, but an app has none; the guest's cart joins the account's, and the guest's
    choices fill those that the account never made; the attempts are taken back, and a fresher hash
    is stored.

    Raises `WrongCredentials` if the account was disabled or deleted since its password was checked
    against this hash, or the password changed: a request that does that meanwhile waits for this
    one, and then revokes its login too. Raises `Conflicted` if a cart has changed since it was
    read.
    """
    statement = SETTLE_LOGIN if start else SETTLE_APPS_LOGIN
    parameters = {
        **(start.parameters() if start else {}),
        **merge.changes.parameters(),
        **choices.parameters(),
        "account_id": verified.account.id,
        "password_hash": verified.password_hash,
        "fresh_hash": verified.fresh_hash,
        "refunded": verified.refunded,
        "now": now,
    }
    with conflicts():
        row = await db.fetchrow(*statement(**parameters))
    if row is None:
        raise WrongCredentials
    if not row["done"]:
        raise Conflicted
    return start.started(row) if start else None
