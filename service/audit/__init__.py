"""What happened to accounts: a row in a table, and a line in the log."""

from .model import OPERATOR, Event, Kind, Source, log
from .queries import EVENT_COLUMNS, insert_event

__all__ = ["EVENT_COLUMNS", "OPERATOR", "Event", "Kind", "Source", "insert_event", "log"]
