"""What an error of the database's means to the client: come again, or it is our fault."""

from __future__ import annotations

import asyncpg
from werkzeug.exceptions import ServiceUnavailable

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
    # What asyncpg says between the server's last word and the end of the connection.
    asyncpg.InternalClientError,
)
"""The database is away, restarting, or no longer the primary."""

BUSY = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.OutOfMemoryError,
)
"""It is there, and has too much to do."""

OF_A_DEAD_CONNECTION = (asyncpg.InterfaceError, ConnectionError)
"""What comes of a connection that died. Where it lives these are faults of somebody else's."""


class DatabaseBusy(ServiceUnavailable):
    """No connection came free in time, or a statement took too long: 503, come again."""

    description = "Too busy right now, please try again."


class DatabaseAway(ServiceUnavailable):
    """The database can't be reached, or takes no writes: 503, come again."""

    description = "The database can't be reached right now, please try again."
