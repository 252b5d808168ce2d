"""How events are stored, and given to the webhooks that want them."""

from __future__ import annotations

from service.database import Connection
from service.statements import Statement

from .model import OutboxEvent


def events_cte(source: str) -> str:
    """Return CTEs that store an event for each row of ``source``, and its deliveries.

    The rows have a ``kind``, a ``subject`` such as ``stock:SKU``, a time ``at``, and ``data`` as
    jsonb. So what happened and that it is told are one statement, and one round trip.
    """
    return f"""
        event as (
            insert into events (kind, subject, at, data)
            select kind, subject, at, data from {source}
            returning id, kind, subject, at
        ),
        delivery as (
            insert into deliveries (event_id, webhook_id, subject, due_at)
            select event.id, webhooks.id, event.subject, event.at
            from event
            join webhooks on event.kind = any(webhooks.kinds) or webhooks.kinds = '{{}}'
        )"""


def event_cte(source: str, also: str | None = None) -> str:
    """Return CTEs that store one event for each row of ``source``: the same for all.

    Their parameters are `OutboxEvent.parameters`. A statement stores its events in one place, so
    what else it tells of comes with it: ``also`` has rows as `events_cte` takes them.
    """
    more = f"union all select kind, subject, at, data from {also}" if also else ""
    return f"""
        told as (
            select :told_kind::text as kind, :told_subject::text as subject,
                :told_at::timestamptz as at, :told_data::jsonb as data
            from {source}
            {more}
        ),
        {events_cte("told")}"""


INSERT_OUTBOX_EVENT = Statement(f"with {event_cte('(select) as one')} select from told")


async def tell(db: Connection, event: OutboxEvent) -> None:
    """Store an event, in the caller's transaction, where no statement has it as `event_cte`."""
    await db.execute(*INSERT_OUTBOX_EVENT(**event.parameters()))
