"""How a log in is counted, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from service.database import Connection
from service.logins import Device
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


SETTLE_LOGIN = Statement(
    f"""
    with {fill_cte(":account_id")},
    {refund_cte(":refunded", "select")}
    update accounts set password_hash = :fresh_hash
    where id = :account_id and :fresh_hash::text is not null
    """
)


async def settle_login(db: Connection, verified: Verified, choices: Choices, now: datetime) -> None:
    """Do what follows from a log in, in one statement for the sake of the round trips.

    The guest's choices fill those that the account never made, the attempts are taken back, and a
    fresher hash is stored.
    """
    await db.execute(
        *SETTLE_LOGIN(
            account_id=verified.account.id,
            now=now,
            fresh_hash=verified.fresh_hash,
            refunded=verified.refunded,
            **choices.parameters(),
        )
    )
