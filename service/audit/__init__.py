"""What happened to accounts: a row in a table, and a line in the log."""

from .model import OPERATOR, Event, Kind, Source, log
from .queries import insert_event, recording

__all__ = ["OPERATOR", "Event", "Kind", "Source", "insert_event", "log", "recording"]
