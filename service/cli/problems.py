"""What was to be foreseen, in a line that says what to do about it."""

from __future__ import annotations

import asyncpg
from hypercorn.utils import LifespanFailureError

from service.catalogue import ImportRefused
from service.database import MARK, POOLER, PoolerFound
from service.errors import DevServerError, LockerError, SettingsError
from service.migrations import NoSuchRole, SchemaError
from service.settings import CERTIFICATES

UNKNOWN_PARAMETER = (
    *(asyncpg.UndefinedObjectError, asyncpg.InvalidParameterValueError),
    # PgBouncer says so with this one.
    asyncpg.ProtocolViolationError,
)
"""What comes of a parameter in the database's address that the server doesn't know."""

_TEXTS = (
    ((SettingsError, DevServerError, SchemaError, LockerError, ImportRefused), "{}"),
    ((PoolerFound, NoSuchRole), "{}"),
    (LifespanFailureError, "the service could not start; the log above says why"),
    (
        (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError),
        "the database refused the login: {}; check LOCKER_DATABASE_URL",
    ),
    (
        asyncpg.InvalidCatalogNameError,
        "{}; make it with createdb, or check LOCKER_DATABASE_URL",
    ),
    (UNKNOWN_PARAMETER, "the database says: {}; see what stands in LOCKER_DATABASE_URL"),
    (asyncpg.UndefinedTableError, "the database has no tables yet; run: locker migrate"),
    (
        (asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError),
        "the database's schema is not this version's; run: locker migrate",
    ),
    (
        (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError),
        "the database was busy with somebody else's work; try again",
    ),
    (
        # asyncpg's own text may quote what it took for a port: half a password with a slash in it.
        asyncpg.ClientConfigurationError,
        (
            "LOCKER_DATABASE_URL can't be used: write postgresql://user:password@host:port/database"
            " with special characters in the password percent-encoded"
        ),
    ),
    ((asyncpg.PostgresError, asyncpg.InterfaceError), "the database says: {}"),
    (TimeoutError, "the database did not answer in time"),
    (OSError, "the database can't be reached: {}"),
)
"""The first that fits counts."""

FORESEEN = (
    *(SettingsError, DevServerError, SchemaError, LockerError, LifespanFailureError),
    *(ImportRefused, NoSuchRole),
    *(asyncpg.PostgresError, asyncpg.InterfaceError, OSError),
)


def explain(error: BaseException) -> str:
    """Return what happened in one line; never the database's URL, which has a password."""
    if isinstance(error, LockerError) and error.__cause__:
        # A shopper is told "too busy"; the operator needs to know with what.
        return explain(error.__cause__)
    if isinstance(error, asyncpg.ProtocolViolationError) and MARK in str(error):
        return POOLER
    if isinstance(error, asyncpg.ClientConfigurationError) and "root certificate" in str(error):
        return (
            "LOCKER_DATABASE_URL wants the server's certificate verified: name the file of those "
            f"to trust, as in sslrootcert={CERTIFICATES}"
        )
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    text = next(text for kinds, text in _TEXTS if isinstance(error, kinds))
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
        # Details and hints come in lines of their own.
        return text.format(str(error).partition("\n")[0])
    return text.format(error)
