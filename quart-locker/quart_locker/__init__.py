"""Flask's two objects for Quart: ``session``, in sections, and a connection for each request.

Start with `sessions.SectionedSessions` and `connection.PooledConnection`; each works without the
other.
"""

from .connection import (
    Connection,
    DatabaseAway,
    DatabaseBusy,
    Pool,
    Pooled,
    PooledConnection,
    Progress,
    incoming,
    progress_of,
)
from .errors import Misconfigured
from .sessions import (
    BASE,
    BROWSER_LIMIT,
    SectionCookie,
    SectionedSessions,
    Session,
    SessionTooLarge,
)

__all__ = [
    "BASE",
    "BROWSER_LIMIT",
    "Connection",
    "DatabaseAway",
    "DatabaseBusy",
    "Misconfigured",
    "Pool",
    "Pooled",
    "PooledConnection",
    "Progress",
    "SectionCookie",
    "SectionedSessions",
    "Session",
    "SessionTooLarge",
    "incoming",
    "progress_of",
]
