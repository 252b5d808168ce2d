"""How attempts are counted: in one statement, so that none slips through between two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Self

from asyncpg import Record

from service import metrics
from service.database import Connection
from service.errors import TooManyAttempts
from service.statements import Statement

from .model import Attempt, LimitedAction


@dataclass(frozen=True, slots=True)
class ThrottleResult:
    """What became of an attempt: ``retry_at`` is None if it may go on.

    ``keys`` are what it was counted against; ``first`` is whether it is the first attempt to be
    refused in this window. ``spare``: it is refused, but its known device has a count of its own,
    which has room.
    """

    keys: list[bytes]
    retry_at: datetime | None
    first: bool
    spare: bool
    action: LimitedAction

    @classmethod
    def of(cls, row: Record, attempt: Attempt, now: datetime) -> Self:
        """Read the columns of ``counted``, see `throttle_cte`."""
        passed, spare = row["passed"], row["spare"]
        keys = [*attempt.keys[:passed], *(attempt.keys[-1:] if spare else ())]
        if passed == attempt.limits:
            return cls(keys, None, first=False, spare=False, action=attempt.action)
        # A window that began while this statement ran isn't visible to it.
        latest = now + timedelta(seconds=attempt.seconds[passed])
        retry_at = row["ends_at"] or latest
        return cls(keys, retry_at, bool(row["first"]), spare=spare, action=attempt.action)

    def refusal(self, now: datetime) -> TooManyAttempts | None:
        """Return the error to raise, if the attempt is refused, which is counted."""
        if self.retry_at is None:
            return None
        metrics.throttled.labels(self.action).inc()
        seconds = math.ceil((self.retry_at - now).total_seconds())
        return TooManyAttempts(retry_after=max(seconds, 1))


def throttle_cte(limits: int, *, device: bool) -> str:
    """Return CTEs that count an attempt with so many limits, and perhaps the count of a device.

    Their parameters are ``now`` and `Attempt.parameters`; with a device, a CTE ``known`` before
    them has a row if the device is known. The CTE ``counted`` has one row for `ThrottleResult.of`.

    A key is counted against only if those before it had room: an address that is over its limit
    doesn't use up an account. All statements take the keys' rows in this order, so none waits for
    another in a circle.
    """
    steps = "".join(
        _step(f"step{number}", number, f"select from step{number - 1}" if number > 1 else "select")
        for number in range(1, limits + 1)
    )
    passed = " + ".join(
        ["0", *(f"(select count(*) from step{number})" for number in range(1, limits + 1))]
    )
    if device:
        # The condition on `refused` is always true. It makes this step wait for that one, so that
        # the row of the refused key is taken before the row of the device.
        turned_away = f"""
            select from passed, known where passed < {limits}
                and (select count(*) from refused) >= 0
        """
        spare = _step("spare", limits + 1, turned_away), "exists (select from spare)"
    else:
        spare = "", "false"
    return f"""{steps}
        passed as (select ({passed})::int as passed),
        refused as (
            update attempts a set refused = a.refused + 1
            from passed
            -- all parameters are named here, to have a type also where nothing is limited
            where passed < least(
                    {limits},
                    cardinality(:attempt_counts::int[]), cardinality(:attempt_seconds::int[])
                )
                and a.key = (:attempt_keys::bytea[])[passed + 1] and :now::timestamptz is not null
            returning a.ends_at, a.refused = 1 as first
        ),
        {spare[0]}
        -- windows that are over go a few at a time, so that they can't pile up between two purges
        purged as (
            delete from attempts where key in (
                select key from attempts
                where ends_at <= :now and key <> all(:attempt_keys)
                order by ends_at limit 4
                for update of attempts skip locked
            )
        ),
        counted as (
            select passed, ends_at, first, {spare[1]} as spare
            from passed left join refused on true
        )"""


def _step(name: str, number: int, condition: str) -> str:
    """Return a CTE that counts against the key of this number where the condition has a row.

    It has a row itself if the key had room.
    """
    return f"""
        {name} as (
            insert into attempts as a (key, count, ends_at)
            select (:attempt_keys::bytea[])[{number}], 1,
                :now::timestamptz + make_interval(secs => (:attempt_seconds::int[])[{number}])
            where exists ({condition})
            on conflict (key) do update set
                count = case when a.ends_at <= :now then 1 else a.count + 1 end,
                refused = case when a.ends_at <= :now then 0 else a.refused end,
                ends_at = case when a.ends_at <= :now then excluded.ends_at else a.ends_at end
            where a.ends_at <= :now or a.count < (:attempt_counts::int[])[{number}]
            returning key
        ),"""


@cache
def _count_attempt(limits: int, *, device: bool) -> Statement:
    return Statement(
        f"""
        with {throttle_cte(limits, device=device)}
        select passed, ends_at, first, spare from counted
        """
    )


async def count_attempt(db: Connection, attempt: Attempt, now: datetime) -> ThrottleResult:
    """Count an attempt, before what it tries is looked at."""
    statement = _count_attempt(attempt.limits, device=attempt.device)
    (row,) = await db.fetch(*statement(**attempt.parameters(), now=now))
    return ThrottleResult.of(row, attempt, now)


def refund_cte(keys: str, condition: str) -> str:
    """Return CTEs that take an attempt back from these keys where the condition has a row."""
    return f"""
        -- in the order in which they are counted, see `throttle_cte`
        refunded as (
            select key from attempts
            where key = any({keys}::bytea[]) and count > 0 and exists ({condition})
            order by array_position({keys}::bytea[], key)
            for update
        ),
        returned as (
            update attempts set count = count - 1 where key in (select key from refunded)
        )"""


REFUND = Statement(f"with {refund_cte(':keys', 'select')} select")


async def refund(db: Connection, attempt: Attempt, counted: ThrottleResult) -> None:
    """Take an attempt back that was no guess."""
    await db.execute(*REFUND(keys=attempt.refundable(counted.keys)))
