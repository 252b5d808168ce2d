"""How attempts are counted: in one statement, so that none slips through between two."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Self

from service.errors import TooManyAttempts

if TYPE_CHECKING:
    from asyncpg import Record

    from service.database import Connection

    from .model import Attempt


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of an attempt: ``retry_at`` is None if it may go on.

    ``keys`` are what it was counted against; ``first`` is whether it is the first to be
    refused in this window.
    """

    keys: list[bytes]
    retry_at: datetime | None
    first: bool

    @classmethod
    def of(cls, row: Record, attempt: Attempt, now: datetime) -> Self:
        """Read the columns of ``counted``, see `counting`."""
        keys, passed = row["keys"], row["passed"]
        if passed == len(keys):
            return cls(keys, None, first=False)
        # A window that began while this statement ran isn't visible to it.
        latest = now + timedelta(seconds=attempt.seconds[passed])
        return cls(keys, row["ends_at"] or latest, first=bool(row["first"]))

    def refusal(self, now: datetime) -> TooManyAttempts | None:
        """Return the error to raise, if the attempt is refused."""
        if self.retry_at is None:
            return None
        seconds = math.ceil((self.retry_at - now).total_seconds())
        return TooManyAttempts(retry_after=max(seconds, 1))


@cache
def counting(limits: int) -> str:
    """Return CTEs that count an attempt against so many keys.

    ``$1`` to ``$3`` are the numbers allowed, the seconds of their windows, and the time; a CTE
    ``used`` before them has the ``keys``. The CTE ``counted`` has one row for `Counted.of`.

    A key is counted against only if those before it had room: whoever is over the limit of
    their address doesn't use up an account. All statements take the keys' rows in this order,
    so none waits for another in a circle.
    """
    steps = "".join(
        f"""
        step{number} as (
            insert into attempts as a (key, count, ends_at)
            select keys[{number}], 1, $3::timestamptz + make_interval(secs => ($2::int[])[{number}])
            from used {f"where exists (select from step{number - 1})" if number > 1 else ""}
            on conflict (key) do update set
                count = case when a.ends_at <= $3 then 1 else a.count + 1 end,
                refused = case when a.ends_at <= $3 then 0 else a.refused end,
                ends_at = case when a.ends_at <= $3 then excluded.ends_at else a.ends_at end
            where a.ends_at <= $3 or a.count < ($1::int[])[{number}]
            returning key
        ),"""
        for number in range(1, limits + 1)
    )
    passed = " + ".join(
        ["0", *(f"(select count(*) from step{number})" for number in range(1, limits + 1))]
    )
    return f"""{steps}
        passed as (select ({passed})::int as passed),
        refused as (
            update attempts a set refused = a.refused + 1
            from used, passed
            -- both are named here, to have a type also where nothing is limited
            where passed < least(cardinality($1::int[]), cardinality($2::int[]))
                and a.key = used.keys[passed + 1]
            returning a.ends_at, a.refused = 1 as first
        ),
        -- Windows that are over go a few at a time, so they can't pile up between two purges.
        purged as (
            delete from attempts where key in (
                select key from attempts, used
                where ends_at <= $3 and key <> all(keys)
                order by ends_at limit 4
                for update of attempts skip locked
            )
        ),
        counted as (
            select keys, passed, ends_at, first
            from used cross join passed left join refused on true
        )"""


async def count_attempt(db: Connection, attempt: Attempt, now: datetime) -> Counted:
    """Count an attempt, before what it tries is looked at."""
    (row,) = await db.fetch(
        f"""
        with used as (select $4::bytea[] as keys), {counting(len(attempt.keys))}
        select keys, passed, ends_at, first from counted
        """,
        attempt.counts,
        attempt.seconds,
        now,
        attempt.keys,
    )
    return Counted.of(row, attempt, now)


async def forgive(db: Connection, attempt: Attempt, counted: Counted) -> None:
    """Take an attempt back that was no guess."""
    # In the order in which they are counted, see `counting`.
    await db.execute(
        """
        with one as (
            update attempts set count = count - 1
            where key = ($1::bytea[])[1] and count > 0
            returning 1
        )
        update attempts set count = count - 1
        where key = ($1::bytea[])[2] and count > 0 and (select count(*) from one) >= 0
        """,
        attempt.forgivable(counted.keys),
    )
