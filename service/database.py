"""The request's connection: one, taken on first use, kept in ``g``, always given back.

``await get_db()`` takes a connection from the pool for this app context (a request, a
websocket, a background task, a command) and keeps it as ``g.db``. `teardown_db` gives it
back when the context ends. No session-level state may be left on a connection (``SET``,
session advisory locks, temporary tables, ``LISTEN``): nothing resets it on release.
"""

from __future__ import annotations

import asyncio
import logging
import random
import weakref
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

import asyncpg
from quart import Quart, current_app, g, has_app_context, has_request_context

from .errors import Busy, LockerError, Unavailable
from .settings import read_address
from .visits import Visit, current_visit, is_copy

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from .settings import Settings

    Pooled: TypeAlias = PoolConnectionProxy[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | Pooled
else:
    Connection: TypeAlias = asyncpg.Connection

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

RELEASE_TIMEOUT = 5.0
"""Seconds a connection may take to come back before it is dropped."""

CLOSE_TIMEOUT = 10.0
"""Seconds the pool may take to close before its connections are dropped."""

NOT_STARTED = (
    "There is no connection before the application has started: the pool opens with the server. "
    "In a script or a test, do this within `async with app.test_app():`."
)
ENDED = (
    "There is no connection after the application's end: the pool has closed. What needs one "
    "belongs into a hook that runs before, or the application must be started again."
)

ATTEMPTS = 4


class Conflicted(Exception):
    """Another request changed first what this one had read; the action runs again."""


RETRYABLE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, Conflicted)
"""Nothing of the transaction happened, and a repeat may well succeed."""

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
    # What asyncpg says between the server's last word and the end of the connection.
    asyncpg.InternalClientError,
    ConnectionError,
)
"""The database is away, restarting, or no longer the primary."""

OVERLOADED = (
    *RETRYABLE,  # again and again
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.OutOfMemoryError,
    TimeoutError,
)


class Observer(Protocol):
    """What is told when an app context takes a connection, and when it gives it back."""

    def taken(self, connection: Pooled) -> None: ...

    def given_back(self, connection: Pooled) -> None: ...


class Pool:
    """The application's pool of connections, and the releases still under way."""

    def __init__(self, settings: Settings) -> None:
        self.observer: Observer | None = None
        self._settings = settings
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._releases: set[asyncio.Task[None]] = set()
        self._distrusted = False
        self._closed = False
        self._kept_by_tests: weakref.WeakSet[Visit] = weakref.WeakSet()

    async def open(self) -> None:
        """Open the pool.

        With ``pool_min`` 0 it connects on first use, so that a service starts, and says that it
        isn't ready, while its database is away.
        """
        settings = self._settings
        address = read_address(settings.database_url)
        milliseconds = str(int(settings.statement_timeout * 1000))
        self._pool = await asyncpg.create_pool(
            address.url,
            min_size=settings.pool_min,
            max_size=settings.pool_max,
            timeout=address.connect_timeout or settings.pool_timeout,
            # The server's own limit comes first; this one is for a server that is gone.
            command_timeout=settings.statement_timeout + 1,
            server_settings={
                "application_name": "locker",
                "statement_timeout": milliseconds,
                "lock_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
            },
            # asyncpg still rolls back a stray transaction; its default reset would cost
            # every request a round trip more.
            reset=_leave,
        )

    async def close(self) -> None:
        """Wait for connections in use, but not for ever, and for none of whoever waits."""
        if self._pool is None:
            return
        if has_app_context():
            release_db()
        for visit in self._kept_by_tests:
            self._take_from(visit)
        pool, self._pool, self._closed = self._pool, None, True
        if self._releases:
            await asyncio.wait(self._releases, timeout=RELEASE_TIMEOUT)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await pool.close()
        except TimeoutError:
            logger.warning("connections were still in use at the end and were dropped")
            pool.terminate()

    async def acquire(self) -> Pooled:
        """Take a connection; raises `Busy` when none comes free in time, and `Unavailable`.

        Raises `RuntimeError` where the application was never started.
        """
        if self._pool is None and self._closed and has_request_context():
            raise Unavailable(retry_after=1)
        if self._pool is None:
            raise RuntimeError(ENDED if self._closed else NOT_STARTED)
        try:
            return await self._pool.acquire(timeout=self._settings.pool_timeout)
        except (TimeoutError, asyncpg.TooManyConnectionsError) as error:
            raise Busy(retry_after=1) from error
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
            # Away, not letting us in, or the pool is closing.
            logger.warning("no connection to the database: %s", error)
            raise Unavailable(retry_after=1) from error

    def release(self, connection: Pooled) -> None:
        """Give a connection back without waiting for it.

        In a task of its own: a client that leaves while ``pool.release`` is awaited makes
        Quart raise an exception group that Hypercorn doesn't catch, and every other request
        on that connection fails with it. So does a release that raises.
        """
        if self._pool is None:
            if not _is_dead(connection):
                connection.terminate()
            return
        task = asyncio.create_task(self._release(self._pool, connection))
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)

    async def _release(self, pool: asyncpg.Pool[asyncpg.Record], connection: Pooled) -> None:
        try:
            if self._distrusted:
                self._distrusted = False
                await pool.expire_connections()
            await pool.release(connection, timeout=RELEASE_TIMEOUT)
        except Exception:
            # asyncpg has dropped the connection by now and opens another when needed.
            logger.exception("a connection could not be given back")

    def keep_for_test(self, visit: Visit) -> None:
        """Note a visit whose context a test client keeps beyond the request's end."""
        self._kept_by_tests.add(visit)

    def _take_from(self, visit: Visit) -> None:
        if visit.connection is not None:
            connection, visit.connection = visit.connection, None
            self.release(connection)

    def distrust(self) -> None:
        """Have every connection replaced before its next use.

        A server that is no longer the primary keeps the connections that it has, so a service
        that kept them too would stay with it for good.
        """
        self._distrusted = True

    @property
    def idle(self) -> int:
        """Connections nobody holds, those not opened yet included."""
        if self._pool is None:
            return 0
        return self._pool.get_max_size() - self._pool.get_size() + self._pool.get_idle_size()


async def _leave(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Reset nothing."""


def _is_dead(connection: Pooled) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool takes it back by itself when it dies, and then it answers nothing any more.
        return True


def init_app(app: Quart, settings: Settings) -> Pool:
    """Tie the pool's life to the server's, and each connection's to its app context."""
    pool = app.extensions["locker.pool"] = Pool(settings)
    app.before_serving(pool.open)

    @app.before_serving
    async def close_last() -> None:
        # Other hooks of the end may still need a connection.
        app.after_serving_funcs[:] = [
            *(each for each in app.after_serving_funcs if each != pool.close),
            pool.close,
        ]

    teardown = app.do_teardown_appcontext

    async def do_teardown_appcontext(*args: Any, **kwargs: Any) -> None:
        # Around the application's own functions, which may use the connection, and of which
        # one that raises keeps Quart 0.22 from calling those after it.
        try:
            await teardown(*args, **kwargs)
        finally:
            teardown_db()

    app.do_teardown_appcontext = do_teardown_appcontext  # type: ignore[method-assign]
    app.teardown_request(_end_copy)
    app.teardown_websocket(_end_copy)
    return pool


async def _end_copy(_: BaseException | None) -> None:
    if is_copy():
        teardown_db()


def _pool() -> Pool:
    pool: Pool = current_app.extensions["locker.pool"]
    return pool


async def get_db() -> Connection:
    """Return this app context's connection, taking one from the pool on first use.

    Two tasks of one request get the same connection, which runs one query at a time: they
    must take turns. After the context's end it raises `RuntimeError`, also in tasks that
    outlive their request. Raises `Busy` after ``pool_timeout`` seconds, `Unavailable` when
    the database is away.
    """
    visit = current_visit()
    # Between "is there one?" and "keep it" lies an await; without the lock the second task of
    # a gather would take a connection that nobody gives back.
    async with visit.lock:
        visit.check()
        if visit.connection is not None and _is_dead(visit.connection):
            # A connection that died under this request is no use to what comes after.
            release_db()
        if visit.connection is None:
            pool = _pool()
            connection = await pool.acquire()
            try:
                visit.check()
            except RuntimeError:
                # The context ended while this task waited.
                pool.release(connection)
                raise
            visit.connection = connection
            if visit.is_kept_by_a_test:
                pool.keep_for_test(visit)
            if g.visit is visit:
                g.db = connection
            if pool.observer is not None:
                pool.observer.taken(connection)
        return visit.connection


def release_db() -> None:
    """Give the connection back early, before slow work. A later `get_db` takes another."""
    visit = current_visit()
    connection, visit.connection = visit.connection, None
    if connection is not None:
        if g.get("db") is connection:
            g.pop("db")
        pool = _pool()
        pool.release(connection)
        if pool.observer is not None:
            pool.observer.given_back(connection)


def teardown_db() -> None:
    """End the visit: give the connection back, if one was taken, and let none be taken."""
    release_db()
    current_visit().over = True


async def is_writable(db: Connection) -> bool:
    """Return whether the server takes writes; if not, the pool turns away from it."""
    writable: bool = await db.fetchval("select not current_setting('transaction_read_only')::bool")
    if not writable:
        _pool().distrust()
    return writable


async def run(
    action: Callable[Concatenate[Connection, P], Awaitable[T]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run an action on the request's connection, again if Postgres asks for a repeat.

    For actions that are whole in themselves: either one statement or one transaction counts.
    Repeats only when nothing has happened (40001, 40P01, `Conflicted`), a few times, with
    jitter, and with the same arguments: a time among them is not taken anew. An error that
    leaves the outcome open, a lost COMMIT above all, is never repeated.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return await action(await get_db(), *args, **kwargs)
        except RETRYABLE:
            await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 - not a secret
    return await action(await get_db(), *args, **kwargs)


def translate(error: BaseException) -> LockerError | None:
    """Return what a database error means to a client, or None where it is our own fault.

    After the one that says that the server has become read-only the connections are replaced.
    """
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        _pool().distrust()
    if isinstance(error, OVERLOADED):
        return Busy(retry_after=1)
    if isinstance(error, LOST):
        return Unavailable(retry_after=1)
    if isinstance(error, asyncpg.InterfaceError):
        connection = current_visit().connection
        if connection is not None and _is_dead(connection):
            return Unavailable(retry_after=1)
    return None
