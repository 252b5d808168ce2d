"""One connection of a pool for each app context.

Start with `extension.PooledConnection`; `pool` is what it takes from, and `visits` what keeps a
context to one.
"""

from .counting import CountingConnection, Progress, progress_of
from .errors import DatabaseAway, DatabaseBusy
from .extension import PooledConnection
from .pool import Connection, Pool, Pooled
from .visits import incoming

__all__ = [
    "Connection",
    "CountingConnection",
    "DatabaseAway",
    "DatabaseBusy",
    "Pool",
    "Pooled",
    "PooledConnection",
    "Progress",
    "incoming",
    "progress_of",
]
