"""How events are stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Unpack

import msgspec
from asyncpg import Record

from service.database import Connection
from service.statements import Statement

from .model import OPERATOR, Event, EventFilters, Operator, Source, StoredEvent

COLUMNS = "at, event, account_id, login_id, ip, user_agent, request_id"
OF_OPERATORS = "by_account_id, by_login_id, subject, details"


def audit_cte(source: str) -> str:
    """Return a CTE, ``recorded``, that stores an event for each row of ``source``.

    So what happened and its record are one statement, and one round trip. Its parameters are
    `Event.parameters`; an event that doesn't name its login takes the ``id`` of the row.
    """
    return f"""
        recorded as (
            insert into audit ({COLUMNS})
            select :event_at::timestamptz, :event_kind::text, :event_account_id::uuid,
                coalesce(:event_login_id::uuid, {source}.id),
                :event_ip::text, :event_user_agent::text, :event_request_id::text
            from {source}
        )"""


INSERT_EVENT = Statement(
    f"""
    insert into audit ({COLUMNS}, {OF_OPERATORS})
    values (
        :event_at, :event_kind, :event_account_id, :event_login_id,
        :event_ip, :event_user_agent, :event_request_id,
        :by_account_id, :by_login_id, :subject, :details::jsonb
    )
    """
)


async def insert_event(db: Connection, event: Event) -> None:
    """Store an event."""
    await db.execute(*_insertion(event))


async def insert_events(db: Connection, events: Sequence[Event]) -> None:
    """Store events, all in one answer of the database's."""
    if events:
        await db.executemany(INSERT_EVENT.text, [_insertion(event)[1:] for event in events])


def _insertion(event: Event) -> tuple[str, *tuple[Any, ...]]:
    by = event.operator
    return INSERT_EVENT(
        **event.parameters(),
        by_account_id=by.account_id if by else None,
        by_login_id=by.login_id if by else None,
        subject=event.subject,
        details=msgspec.json.encode(event.details).decode() if event.details else None,
    )


CONDITIONS = {
    "account_id": "account_id = :account_id",
    "kind": "event = :kind",
    "by": "by_account_id = :by",
    "subject": "subject = :subject",
    "since": "at >= :since",
    "until": "at < :until",
    "before": "id < :before",
}


@cache
def _select_events(*conditions: str) -> Statement:
    # As with orders: only what is asked for is a condition, so that its index is used.
    where = " and ".join(["true", *(CONDITIONS[name] for name in conditions)])
    return Statement(
        f"""
        select id, {COLUMNS}, by_account_id, by_login_id, subject, details::text as details
        from audit where {where} order by id desc limit :limit
        """
    )


async def select_events(
    db: Connection, *, limit: int, **filters: Unpack[EventFilters]
) -> list[StoredEvent]:
    """Return the newest events that fit."""
    asked = {name: value for name, value in filters.items() if value is not None}
    rows = await db.fetch(*_select_events(*asked)(**asked, limit=limit))
    return [StoredEvent(row["id"], _event(row)) for row in rows]


def _event(row: Record) -> Event:
    source = Source(row["ip"], row["user_agent"], row["request_id"])
    by = row["by_account_id"], row["by_login_id"]
    return Event(
        kind=row["event"],
        at=row["at"],
        source=source,
        account_id=row["account_id"],
        login_id=row["login_id"],
        operator=Operator(source, *by) if any(by) or source == OPERATOR else None,
        subject=row["subject"],
        details=msgspec.json.decode(row["details"]) if row["details"] else {},
    )
