"""A standby of the database, for what is the same for everybody: lists, searches, product types.

`read_public` asks it as long as it is known to be close behind the primary, and the primary
otherwise. Whatever depends on who asks, and whatever something is decided on, is the primary's
alone: `service.database`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from prometheus_client.core import Metric
from quart import Quart

from quart_locker import DatabaseAway, DatabaseBusy, PooledConnection

from . import database
from .database import Connection, Pool, direct, init_pool, run
from .errors import LockerError
from .metrics import gauge, standby_reads
from .migrations import READING
from .services import get_service
from .settings import Settings
from .tracing import Tracer

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks at the standby."""
WITHIN = 1.0
"""Seconds for which the standby is waited for: to let somebody in, and to answer a look."""

_connection = PooledConnection(name="standby_db")

_PRIMARY = """
    select
        pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as position,
        (select system_identifier from pg_control_system()) as cluster,
        current_database() as database
"""
_STANDBY = f"""
    select
        pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint as position,
        (select system_identifier from pg_control_system()) as cluster,
        current_database() as database,
        {", ".join(f"exists (select from {table})" for table in READING)}
"""  # noqa: S608 - the tables are this project's own
"""A table that is being changed there can't be read, nor one that the role has no right to."""


class NotAStandby(Exception):
    """The server isn't the standby of our primary; the message is one line."""


class Place(NamedTuple):
    """Where a server is: the end of its log, in bytes, and of which database."""

    position: int
    cluster: int
    database: str


async def find_place(primary: Connection) -> Place:
    """Return where the primary is."""
    row = await primary.fetchrow(_PRIMARY)
    assert row  # noqa: S101 - a select without a table has one row
    return Place(row["position"], row["cluster"], row["database"])


async def find_standbys_place(standby: Connection, primary: Place | None) -> Place:
    """Return where the standby is; raises `NotAStandby`, and asyncpg's errors if it can't be read.

    Where nothing is known of the primary yet, it may be anybody's.
    """
    row = await standby.fetchrow(_STANDBY)
    assert row  # noqa: S101 - as above
    if row["position"] is None:
        raise NotAStandby("it is no standby")
    place = Place(row["position"], row["cluster"], row["database"])
    if primary and place[1:] != primary[1:]:
        raise NotAStandby("it is the standby of another database")
    return place


def reach_by(settings: Settings) -> Settings:
    """Return the settings as they are for what goes to the standby."""
    return dataclasses.replace(
        settings,
        database_url=settings.standby_url,
        pool_min=0,
        pool_timeout=min(WITHIN, settings.pool_timeout),
    )


class Behind:
    """By how many seconds a standby is behind, by where the primary was at which moment.

    Without anybody's clock: two machines' differ, and the last change that a standby knows of may
    be long ago because there was none since.
    """

    def __init__(self) -> None:
        self._past: deque[tuple[float, int]] = deque()
        self._position = 0
        self._reached = -math.inf

    def note(self, moment: float, position: int) -> None:
        """Note that at this moment the primary had come to this position, or not quite."""
        if position < self._position:
            # Another primary, which lacks some of what this one had.
            self._past.clear()
            self.forget()
        self._position = position
        self._past.append((moment, position))

    def reach(self, position: int) -> None:
        """Note that the standby has everything up to this position."""
        while self._past and self._past[0][1] <= position:
            self._reached = self._past.popleft()[0]

    def forget(self) -> None:
        """Note that nothing is known of the standby."""
        self._reached = -math.inf

    def at(self, moment: float) -> float:
        """Return the seconds at most; infinity where nothing is known."""
        return moment - self._reached


class Standby:
    """An application's standby, if it has one, and whether it is close enough to be asked."""

    def __init__(self, settings: Settings, primary: Pool, pool: Pool | None) -> None:
        """``settings`` are those by which it is reached."""
        self.pool = pool
        self._settings = settings
        self._most = settings.standby_lag
        self._primary = primary
        self._place: Place | None = None
        self._behind = Behind()
        self._reads: set[asyncio.Timeout] = set()
        self._attending: asyncio.Task[None] | None = None
        self._good: bool | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it has everything that was committed `standby_lag` seconds ago."""
        return self._behind.at(time.monotonic()) <= self._most

    async def open(self) -> None:
        self._attending = asyncio.create_task(self._attend())

    async def close(self) -> None:
        if self._attending is not None:
            self._attending.cancel()
            with suppress(asyncio.CancelledError):
                await self._attending

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Raise `TimeoutError` in the block once the standby turns out not to be good."""
        async with asyncio.timeout(None) as limit:
            self._reads.add(limit)
            try:
                yield
            finally:
                self._reads.discard(limit)

    async def _attend(self) -> None:
        """Look at it again and again, by a new connection after each look that failed."""
        while True:
            try:
                async with direct(self._settings, WITHIN) as db:
                    while await self._look(db):  # noqa: ASYNC110 - nobody says when it changes
                        await asyncio.sleep(EVERY)
            except Exception as error:  # noqa: BLE001 - whatever it is, there is the primary
                self._judge(error)
            await asyncio.sleep(EVERY)

    async def _look(self, db: Connection) -> bool:
        """Compare the two; returns whether the connection is good for another look."""
        try:
            async with asyncio.timeout(WITHIN):
                await self._ask_primary()
            async with asyncio.timeout(WITHIN):
                await self._ask_standby(db)
        except Exception as error:  # noqa: BLE001 - as above
            self._judge(error)
            return False
        self._judge()
        return True

    async def _ask_primary(self) -> None:
        moment = time.monotonic()
        try:
            connection = await self._primary.acquire()
        except (DatabaseAway, DatabaseBusy):
            # What is known of the standby gets older by itself.
            return
        try:
            self._place = await find_place(connection)
        finally:
            self._primary.release(connection)
        self._behind.note(moment, self._place.position)

    async def _ask_standby(self, db: Connection) -> None:
        self._behind.reach((await find_standbys_place(db, self._place)).position)

    def _judge(self, error: Exception | None = None) -> None:
        """Let requests go to it, or else to the primary, those that wait for it included."""
        if error is not None:
            self._behind.forget()
        good = self.is_fresh
        if not good:
            self._turn_away()
        if good is not self._good:
            self._good = good
            if good:
                logger.info("lists and searches are read from the standby")
            else:
                why = f"it is more than {self._most:g} s behind" if error is None else _say(error)
                logger.warning("lists and searches are read from the primary: %s", why)

    def _turn_away(self) -> None:
        if self.pool is not None:
            # Its address may lead to another server by now.
            self.pool.distrust()
        reads, self._reads = self._reads, set()
        for limit in reads:
            limit.reschedule(asyncio.get_running_loop().time())

    def metrics(self) -> Iterator[Metric]:
        """Return how it stands."""
        if self.pool is not None:
            yield gauge(
                "locker_standby_behind_seconds",
                "By how much the standby is behind, at most; +Inf where nothing is known.",
                self._behind.at(time.monotonic()),
            )


def init_app(app: Quart, settings: Settings, primary: Pool, tracer: Tracer) -> Standby:
    """Tie the standby, where there is one, to the server's life."""
    if not settings.standby_url:
        return Standby(settings, primary, None)
    there = reach_by(settings)
    pool = init_pool(_connection, app, there, tracer, default_transaction_read_only="on")
    standby = Standby(there, primary, pool)
    app.before_serving(standby.open)
    app.after_serving(standby.close)
    return standby


def tally() -> tuple[int, int]:
    """Return how many statements this app context has asked so far, and the round trips."""
    statements, round_trips = database.tally()
    if get_service(Standby).pool is None:
        return statements, round_trips
    more = _connection.tally()
    return statements + more.statements, round_trips + more.round_trips


async def read_public(
    action: Callable[Concatenate[Connection, P], Awaitable[T]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run what reads nothing but the public catalogue: on the standby, or else as `run` does.

    What it reads may be `standby_lag` seconds old. Whatever goes wrong on the standby is done
    again on the primary, so nobody sees that there is one.
    """
    standby = get_service(Standby)
    if standby.pool is None:
        return await run(action, *args, **kwargs)
    if standby.is_fresh:
        try:
            async with standby.waiting():
                found = await action(await _connection.get(), *args, **kwargs)
        except LockerError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, there is the primary
            logger.info("the standby failed, the primary is asked: %s", _say(error))
        else:
            standby_reads.labels("standby").inc()
            return found
    # None of it is held while the primary's is waited for.
    _connection.release()
    standby_reads.labels("primary").inc()
    return await run(action, *args, **kwargs)


def _say(error: Exception) -> str:
    return str(error.__cause__ or error) or "it doesn't answer"
