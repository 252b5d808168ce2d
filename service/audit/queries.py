"""How events are stored."""

from __future__ import annotations

from service.database import Connection
from service.statements import Statement

from .model import Event

COLUMNS = "at, event, account_id, login_id, ip, user_agent, request_id"


def audit_cte(source: str) -> str:
    """Return a CTE, ``recorded``, that stores an event for each row of ``source``.

    So the record rides along in the statement that does the deed. Its parameters are
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
    insert into audit ({COLUMNS})
    values (
        :event_at, :event_kind, :event_account_id, :event_login_id,
        :event_ip, :event_user_agent, :event_request_id
    )
    """
)


async def insert_event(db: Connection, event: Event) -> None:
    """Store an event."""
    await db.execute(*INSERT_EVENT(**event.parameters()))
