"""How events are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.database import Connection

    from .model import Event

EVENT_COLUMNS = "at, event, account_id, login_id, ip, user_agent, request_id"


async def insert_event(db: Connection, event: Event) -> None:
    """Store an event. Where the deed is one statement, it can ride along in it."""
    await db.execute(
        f"insert into audit ({EVENT_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)",
        *event.columns(),
    )
