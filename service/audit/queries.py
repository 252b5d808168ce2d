"""How events are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.database import Connection

    from .model import Event


def recording(source: str, first: int) -> str:
    """Return a CTE, ``recorded``, that stores an event for each row of ``source``.

    So the record rides along in the statement that does the deed. ``$first`` and the six after
    it are `Event.columns`; an event that doesn't name its login takes the ``id`` of the row.
    """
    at, event, account_id, login_id, *rest = (f"${first + number}" for number in range(7))
    return f"""
        recorded as (
            insert into audit (at, event, account_id, login_id, ip, user_agent, request_id)
            select {at}, {event}, {account_id}, coalesce({login_id}::uuid, {source}.id),
                {", ".join(rest)}
            from {source}
        )"""


async def insert_event(db: Connection, event: Event) -> None:
    """Store an event."""
    await db.execute(
        """
        insert into audit (at, event, account_id, login_id, ip, user_agent, request_id)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        *event.columns(),
    )
