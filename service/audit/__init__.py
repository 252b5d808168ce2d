"""What happened to accounts: a row in a table, and a line in the log."""

from .actions import Record, record, recorded
from .model import OPERATOR, Event, EventKind, Source, log
from .queries import audit_cte

__all__ = [
    "OPERATOR",
    "Event",
    "EventKind",
    "Record",
    "Source",
    "audit_cte",
    "log",
    "record",
    "recorded",
]
