"""The request's connection: the shop's settings for it, its errors, and repeats.

``await get_db()`` is the connection of this app context (a request, a websocket, a background
task, a command), kept as ``g.db``; see `quart_locker.PooledConnection`. No session-level state may
be left on a connection (``SET``, session advisory locks, temporary tables, ``LISTEN``): nothing
resets it on release.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Concatenate, ParamSpec, TypeVar

import asyncpg
from prometheus_client.core import Metric
from quart import Quart

from quart_locker import (
    Connection,
    DatabaseAway,
    DatabaseBusy,
    Pool,
    Pooled,
    PooledConnection,
    Progress,
    progress_of,
)

from .errors import Busy, LockerError, Unavailable
from .metrics import count, gauge, gauges, summary
from .services import get_service
from .settings import Settings, read_address
from .tracing import Tracer

__all__ = [
    "Connection",
    "Pool",
    "Pooled",
    "get_db",
    "in_transaction",
    "init_app",
    "release_db",
    "run",
    "tally",
    "translate",
]

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS = 4

MARK = "locker.direct"
"""A setting of our own that each session is begun with; of no effect."""
POOLER = (
    "a pooler such as PgBouncer is in front of the database: set LOCKER_PGBOUNCER=transaction, "
    "or name the database itself in LOCKER_DATABASE_URL"
)


class PoolerFound(asyncpg.InterfaceError):
    """A pooler is in between of which the settings don't say so.

    What a session is begun with doesn't pass it, the limits of statements among it, and PgBouncer
    before 1.21 would take other clients' prepared statements for ours.
    """

    def __init__(self) -> None:
        super().__init__(POOLER)


class Conflicted(Exception):
    """Another request changed first what this one had read; the action runs again."""


RETRYABLE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, Conflicted)
"""Nothing of the transaction happened, and a repeat may well succeed."""

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
    ConnectionError,
)
"""How the loss of a connection may show, in the middle of an action."""

RECONNECT_WITHIN = 2.0
"""Seconds for which a request waits for a database that went away: a switchover takes two."""

NOWHERE = Progress()
"""Where there is no connection yet."""

_connection = PooledConnection()

release_db = _connection.release
tally = _connection.tally


def init_app(app: Quart, settings: Settings, tracer: Tracer) -> Pool:
    """Tie the pool's life to the server's, and each connection's to its app context."""
    return init_pool(_connection, app, settings, tracer)


def init_pool(
    connection: PooledConnection, app: Quart, settings: Settings, tracer: Tracer, **session: str
) -> Pool:
    """Give a connection its pool, as the settings say; ``session`` is for its servers' sessions."""
    address = read_address(settings.database_url)
    pooler = settings.pgbouncer == "transaction"
    return connection.init_app(
        app,
        address.url,
        min_size=settings.pool_min,
        max_size=settings.pool_max,
        timeout=settings.pool_timeout,
        # Of several hosts one that is gone must not take all the time there is.
        connect_timeout=address.connect_timeout or settings.pool_timeout / address.hosts,
        statement_timeout=settings.statement_timeout,
        application_name="locker",
        reset=False,
        pooler=pooler,
        # The mark first, so that a pooler which refuses settings names this one.
        session={} if pooler else {MARK: "on", **session},
        connect={**({} if pooler else {"init": refuse_pooler}), **tracer.connect},
    )


async def refuse_pooler(connection: Connection) -> None:
    """Raise `PoolerFound` where the mark of a new session hasn't arrived.

    By the simple protocol, as nothing may be prepared before this is known.
    """
    try:
        await connection.execute(f"show {MARK}")
    except asyncpg.UndefinedObjectError:
        raise PoolerFound from None


@asynccontextmanager
async def direct(
    settings: Settings,
    timeout: float,  # noqa: ASYNC109 - as asyncpg.connect
    *,
    name: str = "locker",
) -> AsyncIterator[Connection]:
    """Connect beside the pool, without the service's limits; ``timeout`` is in seconds.

    The server knows the connection by its ``name``. Raises `PoolerFound`, and what asyncpg raises.
    """
    address = read_address(settings.database_url)
    pooler = settings.pgbouncer == "transaction"
    try:
        db = await asyncpg.connect(
            address.url,
            timeout=address.connect_timeout or timeout,
            server_settings={"application_name": name} | ({} if pooler else {MARK: "on"}),
            statement_cache_size=0 if pooler else 100,
        )
    except asyncpg.ProtocolViolationError as error:
        if MARK in str(error):
            raise PoolerFound from None
        raise
    try:
        if not pooler:
            await refuse_pooler(db)
        yield db
    finally:
        await db.close(timeout=timeout)


def pool_metrics(pool: Pool) -> Iterator[Metric]:
    """Return how the pool stands."""
    use = pool.use
    yield gauges(
        "locker_pool_connections",
        "Connections of the pool to the database.",
        "state",
        {"in_use": pool.in_use, "idle": pool.open_idle},
    )
    yield gauge("locker_pool_max_connections", "LOCKER_POOL_MAX.", pool.max_size)
    yield gauge("locker_pool_waiting_requests", "Requests that wait for a connection.", use.waiting)
    yield summary(
        "locker_pool_wait_seconds",
        "Time that requests waited for a connection.",
        use.asked,
        use.waited,
    )
    yield count("locker_pool_timeouts", "Requests that had no connection in time.", use.timeouts)
    yield count("locker_pool_failures", "Requests that found the database away.", use.failures)


async def get_db() -> Connection:
    """Return this app context's connection, taking one from the pool on first use.

    Raises `Busy` after ``pool_timeout`` seconds, `Unavailable` when the database is away, and
    `RuntimeError` after the context's end.
    """
    try:
        return await _connection.get()
    except (DatabaseAway, DatabaseBusy) as error:
        raise _in_our_words(error) from error.__cause__


async def is_writable(db: Connection) -> bool:
    """Return whether the server takes writes; if not, the pool turns away from it."""
    writable: bool = await db.fetchval("select not current_setting('transaction_read_only')::bool")
    if not writable:
        _connection.pool.distrust()
    return writable


def in_transaction(db: Connection) -> AbstractAsyncContextManager[object]:
    """Return what an action that is whole in itself runs in: the caller's transaction, or its own.

    In a caller's there is no savepoint, which would cost two round trips: so a caller that catches
    what the action raises ends its transaction before it goes on.
    """
    return nullcontext() if db.is_in_transaction() else db.transaction()


async def run(
    action: Callable[Concatenate[Connection, P], Awaitable[T]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run an action on the request's connection, again if Postgres asks for a repeat.

    For actions that are whole in themselves: either one statement or one transaction counts.
    Repeats only when nothing has happened (40001, 40P01, `Conflicted`), a few times, with
    jitter, and with the same arguments: a time among them is not taken anew. Where the database
    goes away it waits for it a little: before the action, or after a transaction of the action
    whose COMMIT wasn't sent. An error that leaves the outcome open, a lost COMMIT above all, is
    never repeated.
    """
    patience = _Patience()
    for attempt in itertools.count(1):
        progress = NOWHERE
        try:
            db = await get_db()
            progress = progress_of(db)
            progress.undecided = False
            return await action(db, *args, **kwargs)
        except RETRYABLE:
            if attempt >= ATTEMPTS:
                raise
            await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - not a secret
        except (Unavailable, *LOST) as error:
            undone = progress is NOWHERE or (progress.undecided and _is_away(error))
            if not undone or not patience.is_left():
                raise
            await asyncio.sleep(random.uniform(0.05, 0.2))  # noqa: S311 - not a secret
    raise AssertionError


class _Patience:
    """How long one request waits for a database that went away."""

    def __init__(self) -> None:
        self._until: float | None = None

    def is_left(self) -> bool:
        now = time.monotonic()
        if self._until is None:
            self._until = now + min(RECONNECT_WITHIN, get_service(Settings).pool_timeout)
        return now < self._until


def _is_away(error: BaseException) -> bool:
    """Return whether the connection was lost; a server that takes no writes is still there."""
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return False
    return isinstance(_connection.explain(error), DatabaseAway)


def translate(error: BaseException) -> LockerError | None:
    """Return what a database error means to a client, or None where it is our own fault.

    After the one that says that the server has become read-only the connections are replaced.
    """
    meant = _connection.explain(error)
    if meant is not None:
        return _in_our_words(meant)
    if isinstance(error, Conflicted | TimeoutError):
        # Repeats that never succeeded, or a server that vanished.
        return Busy(retry_after=1)
    if isinstance(error, ConnectionError):
        return Unavailable(retry_after=1)
    return None


def _in_our_words(meant: DatabaseAway | DatabaseBusy) -> LockerError:
    kind = Busy if isinstance(meant, DatabaseBusy) else Unavailable
    return kind(retry_after=1)
