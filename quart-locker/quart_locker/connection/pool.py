"""The pool behind an application's connections, and the releases that are still under way."""

from __future__ import annotations

import asyncio
import logging
import math
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias  # noqa: TID251 - asyncpg's stubs have parameters, its classes none

import asyncpg
from quart import has_request_context

from quart_locker.errors import Misconfigured

from .counting import CountingConnection
from .errors import DatabaseAway, DatabaseBusy

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from .visits import Visit

    Pooled: TypeAlias = PoolConnectionProxy[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | Pooled
else:
    Connection: TypeAlias = asyncpg.Connection
    Pooled: TypeAlias = asyncpg.Connection

logger = logging.getLogger(__name__)

RELEASE_TIMEOUT = 5.0
"""Seconds a connection may take to come back before it is dropped."""

MILLISECOND = 0.001
"""Seconds; the server counts no less, and takes 0 for no limit."""

LONGEST_STATEMENT = 2_147_483
"""Seconds; the server keeps the milliseconds in 32 bits."""

CLOSE_TIMEOUT = 10.0
"""Seconds the pool may take to close before its connections are dropped."""

NOT_STARTED = (
    "There is no connection before the application has started: the pool opens with the server. "
    "In a script or a test, do this within `async with app.test_app():`; a hook of the start is "
    "registered after init_app()."
)
ENDED = (
    "There is no connection after the application's end: the pool has closed. What needs one "
    "belongs into a hook that runs before, or the application must be started again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions:
    """How a pool is made; times are in seconds. Raises `Misconfigured`."""

    min_size: int = 0
    """With 0 it connects on first use, so an application starts while its database is away."""

    max_size: int = 10
    timeout: float = 2.0
    """How long a request waits for a connection to come free."""

    connect_timeout: float | None = None
    """How long a new connection may take; by default as ``timeout``."""

    statement_timeout: float = 30.0
    """How long a statement may run or wait for a lock, and a transaction may be idle."""

    application_name: str | None = None
    """How the server lists it; by default the application's own name."""

    reset: bool = True
    """Whether a connection that comes back is reset, which is a round trip for each context that
    took one. Without it a stray transaction is still rolled back, but nothing that belongs to the
    server's session may be used: ``SET``, session advisory locks, temporary tables, ``LISTEN``."""

    pooler: bool = False
    """Whether a pooler that gives each transaction another session is in between, as PgBouncer does
    in its transaction mode. Then no statement stays prepared and nothing is set for the session:
    ``statement_timeout`` is kept on this side alone, and what the server is to keep as well is a
    setting of the role. What ``reset`` says of the session holds in any case."""

    session: Mapping[str, str] = field(default_factory=dict)
    """Further settings of the server's sessions, such as ``TimeZone``; none through a pooler."""

    connect: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of `asyncpg.create_pool`, such as ``ssl``, ``init`` or
    ``statement_cache_size``."""

    def __post_init__(self) -> None:
        if type(self.min_size) is not int or type(self.max_size) is not int:
            raise Misconfigured("min_size and max_size must be whole numbers.")
        if not 0 <= self.min_size <= self.max_size or self.max_size < 1:
            raise Misconfigured("min_size and max_size must be 0 <= min_size <= max_size, from 1.")
        self._check_times()
        if not isinstance(self.application_name, str | None) or "\0" in (
            self.application_name or ""
        ):
            raise Misconfigured("application_name must be text.")
        for name in ("reset", "pooler"):
            if not isinstance(getattr(self, name), bool):
                raise Misconfigured(f"{name} must be True or False.")
        if self.session and self.pooler:
            raise Misconfigured("session can't be had through a pooler: set it for the role.")
        self._check_connect()

    def _check_times(self) -> None:
        connect_timeout = self.timeout if self.connect_timeout is None else self.connect_timeout
        for name, seconds in (("timeout", self.timeout), ("connect_timeout", connect_timeout)):
            if not _is_number(seconds) or not 0 < seconds < math.inf:
                raise Misconfigured(f"{name} must be seconds, more than 0.")
        seconds = self.statement_timeout
        if not _is_number(seconds) or not MILLISECOND <= seconds <= LONGEST_STATEMENT:
            raise Misconfigured(
                f"statement_timeout must be seconds, from {MILLISECOND} to {LONGEST_STATEMENT}."
            )

    def _check_connect(self) -> None:
        if not isinstance(self.connect, Mapping):
            raise Misconfigured("connect must be a dictionary of asyncpg.create_pool's arguments.")
        taken = {"dsn", "min_size", "max_size", "timeout", "command_timeout", "server_settings"}
        if clash := sorted({*taken, "reset"} & self.connect.keys()):
            raise Misconfigured(
                f"connect can't say {', '.join(clash)}: there are arguments for it."
            )
        known = {*signature(asyncpg.create_pool).parameters, *signature(asyncpg.connect).parameters}
        # A function of one's own that connects takes what it wants.
        if "connect" not in self.connect and (odd := sorted(self.connect.keys() - known)):
            raise Misconfigured(f"connect has {', '.join(odd)}, which asyncpg doesn't take.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Observer(Protocol):
    """What is told when an app context takes a connection, and when it gives it back."""

    def taken(self, connection: Pooled) -> None: ...

    def given_back(self, connection: Pooled) -> None: ...


@dataclass(slots=True)
class PoolUse:
    """What became of requests for a connection: ``waited`` is in seconds, of all together.

    ``timeouts`` are those that had none in time, ``failures`` those that found the database away.
    """

    waiting: int = 0
    asked: int = 0
    waited: float = 0.0
    timeouts: int = 0
    failures: int = 0


class Pool:
    """One application's pool of connections."""

    def __init__(self, dsn: str, options: PoolOptions, application_name: str) -> None:
        if not isinstance(dsn, str) or not dsn.startswith(("postgresql:", "postgres:")):
            raise Misconfigured("PooledConnection needs the database's address: postgresql://…")
        self.observer: Observer | None = None
        self.use = PoolUse()
        self._dsn = dsn
        self._options = options
        self._application_name = options.application_name or application_name
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._releases: set[asyncio.Task[None]] = set()
        self._distrusted = False
        self._closed = False
        self._kept_by_tests: weakref.WeakSet[Visit] = weakref.WeakSet()

    async def open(self) -> None:
        """Open the pool."""
        options = self._options
        # asyncpg still rolls back a stray transaction without its reset.
        reset = {} if options.reset and not options.pooler else {"reset": _leave}
        unprepared = {"statement_cache_size": 0} if options.pooler else {}
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=options.min_size,
            max_size=options.max_size,
            timeout=options.connect_timeout or options.timeout,
            # The server's own limit comes first; this one is for a server that is gone.
            command_timeout=options.statement_timeout + (0 if options.pooler else 1),
            server_settings=self._session_settings(),
            **{
                "connection_class": CountingConnection,
                **reset,
                **unprepared,
                **options.connect,
            },
        )

    def _session_settings(self) -> dict[str, str]:
        name = {"application_name": self._application_name}
        if self._options.pooler:
            # PgBouncer knows this one; it refuses connections for others.
            return name
        milliseconds = str(int(self._options.statement_timeout * 1000))
        return {
            **self._options.session,
            **name,
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
        }

    async def close(self) -> None:
        """Wait for connections in use, but not for ever."""
        if self._pool is None:
            return
        for visit in self._kept_by_tests:
            if visit.connection is not None:
                self.release(visit.connection)
                visit.give_back()
        pool, self._pool, self._closed = self._pool, None, True
        await self.settle(RELEASE_TIMEOUT)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await pool.close()
        except TimeoutError:
            logger.warning("connections were still in use at the end and were dropped")
            pool.terminate()

    async def acquire(self) -> Pooled:
        """Take a connection; raises `DatabaseBusy` when none comes free in time, `DatabaseAway`.

        Raises `RuntimeError` where the application was never started, and `Misconfigured` where
        the driver can't read the address.
        """
        if self._pool is None and self._closed and has_request_context():
            raise DatabaseAway(retry_after=1)
        if self._pool is None:
            raise RuntimeError(ENDED if self._closed else NOT_STARTED)
        use, began = self.use, time.perf_counter()
        use.waiting += 1
        try:
            if self._distrusted:
                self._distrusted = False
                await self._pool.expire_connections()
            return await self._pool.acquire(timeout=self._options.timeout)
        except (TimeoutError, asyncpg.TooManyConnectionsError) as error:
            use.timeouts += 1
            raise DatabaseBusy(retry_after=1) from error
        except asyncpg.ClientConfigurationError as error:
            # Who comes again finds the same.
            raise Misconfigured(f"The database's address can't be used: {error}") from error
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
            # The database is away, or doesn't let us in, or the pool is closing.
            use.failures += 1
            logger.warning("no connection to the database: %s", error)
            raise DatabaseAway(retry_after=1) from error
        finally:
            use.waiting -= 1
            use.asked += 1
            use.waited += time.perf_counter() - began

    def release(self, connection: Pooled) -> None:
        """Give a connection back without waiting for it.

        In a task of its own: a client that leaves while ``pool.release`` is awaited makes
        Quart raise an exception group that Hypercorn doesn't catch, and every other request
        on that connection fails with it. So does a release that raises.
        """
        if self._pool is None:
            if not is_dead(connection):
                connection.terminate()
            return
        task = asyncio.create_task(self._release(self._pool, connection))
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)

    async def _release(self, pool: asyncpg.Pool[asyncpg.Record], connection: Pooled) -> None:
        try:
            await pool.release(connection, timeout=RELEASE_TIMEOUT)
        except Exception:
            # asyncpg has dropped the connection by now and opens another when needed.
            logger.exception("a connection could not be given back")

    async def settle(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as asyncio.wait
        """Wait until each connection on its way back has arrived, or for so many seconds."""
        if self._releases:
            await asyncio.wait(self._releases, timeout=timeout)

    def keep_for_test(self, visit: Visit) -> None:
        """Note a visit whose context a test client keeps beyond the request's end."""
        self._kept_by_tests.add(visit)

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

    @property
    def in_use(self) -> int:
        """Connections that somebody holds, or that are on their way back."""
        return self._pool.get_size() - self._pool.get_idle_size() if self._pool else 0

    @property
    def open_idle(self) -> int:
        """Connections that are open, and nobody holds."""
        return self._pool.get_idle_size() if self._pool else 0

    @property
    def max_size(self) -> int:
        return self._options.max_size


async def _leave(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Reset nothing."""


def is_dead(connection: Pooled) -> bool:
    """Return whether a connection that was taken has died meanwhile."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool takes it back by itself when it dies, and then it answers nothing any more.
        return True
