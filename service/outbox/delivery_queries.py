"""What becomes of events: claims, attempts, dead letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from uuid import UUID

import asyncpg
import msgspec

from service.database import Connection
from service.statements import Statement

from .model import Attempted, Claimed, DeliveryState, ListedEvent, WebhookSecrets, message_body

CLAIM = Statement(
    """
    with due as (
        select d.event_id from deliveries d
        where d.webhook_id = :webhook_id and d.state = 'pending' and d.due_at <= :now
            -- what comes before it of the same subject is neither under way nor dead
            and not exists (
                select from deliveries earlier
                where earlier.webhook_id = d.webhook_id and earlier.subject = d.subject
                    and earlier.event_id < d.event_id and earlier.state in ('pending', 'dead')
            )
        order by d.due_at limit :most
        for update of d skip locked
    )
    update deliveries
    set claim = gen_random_uuid(), due_at = :until, attempts = deliveries.attempts + 1,
        attempted_at = :now
    from due, events e, webhooks w
    where deliveries.event_id = due.event_id and deliveries.webhook_id = :webhook_id
        and e.id = due.event_id and w.id = :webhook_id and w.disabled_at is null
    returning deliveries.event_id, deliveries.webhook_id, deliveries.claim, deliveries.attempts,
        e.key, e.kind, e.at, e.data::text as data, w.name as webhook, w.url, w.secret, w.old_secret,
        w.old_secret_until
    """
)


async def claim_deliveries(
    db: Connection, webhook_id: UUID, most: int, now: datetime, until: datetime
) -> list[Claimed]:
    """Claim what is due of a webhook, the first of each subject alone, until then.

    A claim that expires is claimed anew, so what its holder did may be done twice.
    """
    rows = await db.fetch(*CLAIM(webhook_id=webhook_id, most=most, now=now, until=until))
    return [
        Claimed(
            event_id=row["event_id"],
            webhook_id=row["webhook_id"],
            webhook=row["webhook"],
            claim=row["claim"],
            attempts=row["attempts"],
            key=row["key"],
            url=row["url"],
            secrets=WebhookSecrets.of(row),
            body=message_body(row["kind"], row["at"], msgspec.Raw(row["data"].encode())),
        )
        for row in rows
    ]


SETTLE = Statement(
    """
    update deliveries
    set state = :state, due_at = coalesce(:due_at, due_at), claim = null,
        http_status = :http_status, error = :error
    where event_id = :event_id and webhook_id = :webhook_id and claim = :claim
        and state = 'pending'
    """
)


async def settle_delivery(
    db: Connection,
    claimed: Claimed,
    state: DeliveryState,
    attempted: Attempted,
    due_at: datetime | None,
) -> None:
    """Store what came of an attempt, and when the next is due; nothing if the claim is lost."""
    await db.execute(
        *SETTLE(
            event_id=claimed.event_id,
            webhook_id=claimed.webhook_id,
            claim=claimed.claim,
            state=state,
            due_at=due_at,
            http_status=attempted.http_status,
            error=attempted.error,
        )
    )


RETRY = Statement(
    """
    update deliveries set state = 'pending', due_at = :now, attempts = 0
    from events e, webhooks w
    where e.id = deliveries.event_id and w.id = deliveries.webhook_id
        and (e.key = :key or (:key::uuid is null and deliveries.state = 'dead'))
        and (w.name = :webhook or :webhook::text is null)
        and (deliveries.state in ('dead', 'skipped')
            or (deliveries.state = 'pending' and deliveries.claim is null))
    returning e.key
    """
)


async def retry_deliveries(
    db: Connection, key: UUID | None, webhook: str | None, now: datetime
) -> list[UUID]:
    """Have an event tried again at once, or all dead letters; of one webhook, or of all.

    Returns the keys of those that there are.
    """
    rows = await db.fetch(*RETRY(key=key, webhook=webhook, now=now))
    return [row["key"] for row in rows]


SKIP = Statement(
    """
    update deliveries set state = 'skipped', claim = null
    from events e, webhooks w
    where e.id = deliveries.event_id and w.id = deliveries.webhook_id and e.key = :key
        and (w.name = :webhook or :webhook::text is null)
        and deliveries.state in ('dead', 'pending')
    returning e.key
    """
)


async def skip_deliveries(db: Connection, key: UUID, webhook: str | None) -> list[UUID]:
    """Give an event up, so that what comes after it of the same subject goes on."""
    return [row["key"] for row in await db.fetch(*SKIP(key=key, webhook=webhook))]


CONDITIONS = {
    "state": "d.state = :state",
    "webhook": "w.name = :webhook",
    "subject": "e.subject = :subject",
    "before": "e.id < (select id from events where key = :before)",
}


@cache
def _select_deliveries(*conditions: str) -> Statement:
    where = " and ".join(["true", *(CONDITIONS[name] for name in conditions)])
    return Statement(
        f"""
        select e.id, e.key, e.kind, e.subject, e.at, e.data::text as data, w.name as webhook,
            d.state, d.attempts, d.due_at, d.http_status, d.error
        from events e
        left join (deliveries d join webhooks w on w.id = d.webhook_id) on d.event_id = e.id
        where {where}
        order by e.id desc, w.name limit :limit
        """
    )


async def select_deliveries(
    db: Connection,
    *,
    state: DeliveryState | None = None,
    webhook: str | None = None,
    subject: str | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[ListedEvent]:
    """Return the newest events with what became of each, those before one of them."""
    asked = {"state": state, "webhook": webhook, "subject": subject, "before": before}
    asked = {name: value for name, value in asked.items() if value is not None}
    rows = await db.fetch(*_select_deliveries(*asked)(**asked, limit=limit))
    return [
        replace(
            _event(row),
            webhook=row["webhook"],
            state=row["state"],
            attempts=row["attempts"] or 0,
            due_at=row["due_at"],
            http_status=row["http_status"],
            error=row["error"] or "",
        )
        for row in rows
    ]


SELECT_AFTER = Statement(
    """
    select id, key, kind, subject, at, data::text as data
    from events
    where (written, id) > (
            coalesce((select written from events where key = :after), '0'::xid8),
            coalesce((select id from events where key = :after), 0)
        )
        -- Whoever began earlier may still write, and would be missed if it came before these.
        and written < pg_snapshot_xmin(pg_current_snapshot())
    order by written, id limit :limit
    """
)


async def select_after(db: Connection, after: UUID | None, limit: int) -> list[ListedEvent]:
    """Return the events after one of them, the oldest first; none is ever missed."""
    return [_event(row) for row in await db.fetch(*SELECT_AFTER(after=after, limit=limit))]


def _event(row: asyncpg.Record) -> ListedEvent:
    return ListedEvent(
        id=row["id"],
        key=row["key"],
        kind=row["kind"],
        subject=row["subject"],
        at=row["at"],
        data=msgspec.json.decode(row["data"]),
    )
