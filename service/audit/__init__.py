"""What happened to accounts: a row in a table, and a line in the log."""

from .actions import Record, record, recorded
from .model import (
    COMMAND_LINE,
    OPERATOR,
    Event,
    EventFilters,
    EventKind,
    Operator,
    Source,
    StoredEvent,
    log,
)
from .queries import audit_cte, select_events

__all__ = [
    "COMMAND_LINE",
    "OPERATOR",
    "Event",
    "EventFilters",
    "EventKind",
    "Operator",
    "Record",
    "Source",
    "StoredEvent",
    "audit_cte",
    "log",
    "record",
    "recorded",
    "select_events",
]
