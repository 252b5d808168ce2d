"""Storing events, and logging them once they are stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext

from service.database import Connection, in_transaction

from . import queries
from .model import Event, log


async def record(db: Connection, event: Event) -> None:
    """Store an event by itself, and log it."""
    await queries.insert_event(db, event)
    log(event)


class Record:
    """What happened in a transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.events: list[Event] = []

    async def store(self, event: Event) -> None:
        """Store an event."""
        await queries.insert_event(self._db, event)
        self.events.append(event)

    async def store_all(self, events: Sequence[Event]) -> None:
        """Store events together."""
        await queries.insert_events(self._db, events)
        self.events.extend(events)

    def note(self, event: Event) -> None:
        """Take note of an event that another statement stores, see `audit_cte`."""
        self.events.append(event)


@asynccontextmanager
async def recorded(db: Connection, *, transaction: bool = True) -> AsyncIterator[Record]:
    """Let what happens in a transaction be recorded, and log it once that is committed.

    Within a caller's transaction it is part of that, and logged before its end. What is one
    statement needs no ``transaction``.
    """
    record = Record(db)
    async with in_transaction(db) if transaction else nullcontext():
        yield record
    for event in record.events:
        log(event)
