"""How webhooks are stored."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
from asyncpg import Record

from service.database import Connection
from service.statements import Statement

from .model import MOST_COUNTED, Backlog, Webhook, WebhookExists, WebhookSecrets

INSERT_WEBHOOK = Statement(
    """
    insert into webhooks (name, url, kinds, secret, created_at)
    values (:name, :url, :kinds, :secret, :now)
    returning id, name, url, kinds, created_at, disabled_at, 0 as pending, 0 as dead
    """
)


async def insert_webhook(
    db: Connection, name: str, url: str, kinds: tuple[str, ...], sealed: bytes, now: datetime
) -> Webhook:
    """Store a webhook; raises `WebhookExists`."""
    try:
        (row,) = await db.fetch(
            *INSERT_WEBHOOK(name=name, url=url, kinds=kinds, secret=sealed, now=now)
        )
    except asyncpg.UniqueViolationError:
        raise WebhookExists(f"{name} is taken.") from None
    return _webhook(row)


SELECT_WEBHOOKS = Statement(
    """
    select id, name, url, kinds, created_at, disabled_at,
        (select count(*) from deliveries d where d.webhook_id = w.id and d.state = 'pending')
            as pending,
        (select count(*) from deliveries d where d.webhook_id = w.id and d.state = 'dead') as dead
    from webhooks w order by name
    """
)


async def select_webhooks(db: Connection) -> list[Webhook]:
    """Return all webhooks, with how much waits for each and how much of it is dead."""
    return [_webhook(row) for row in await db.fetch(*SELECT_WEBHOOKS())]


SELECT_ENABLED = Statement("select id from webhooks where disabled_at is null order by id")


async def select_enabled(db: Connection) -> list[UUID]:
    """Return the webhooks that are to get what is theirs."""
    return [row["id"] for row in await db.fetch(*SELECT_ENABLED())]


SELECT_BACKLOGS = Statement(
    """
    with dead as (
        select webhook_id, count(*) as number
        from (select webhook_id from deliveries where state = 'dead' limit :most) as d
        group by webhook_id
    )
    select w.name as webhook, coalesce(dead.number, 0) as dead,
        (
            select count(*) from (
                select from deliveries d
                where d.webhook_id = w.id and d.state = 'pending' limit :most
            ) as counted
        ) as pending,
        (
            select e.at from events e where e.id = (
                select d.event_id from deliveries d
                where d.webhook_id = w.id and d.state = 'pending' and w.disabled_at is null
                order by d.event_id limit 1
            )
        ) as oldest_at
    from webhooks w left join dead on dead.webhook_id = w.id
    order by w.name
    """
)


async def select_backlogs(db: Connection) -> list[Backlog]:
    """Return what waits for each webhook, in little time however much it is."""
    return [Backlog(**row) for row in await db.fetch(*SELECT_BACKLOGS(most=MOST_COUNTED))]


LOCK_WEBHOOK = Statement(
    """
    select id, url, secret, old_secret, old_secret_until from webhooks where name = :name
    for no key update
    """
)


async def lock_webhook(db: Connection, name: str) -> tuple[UUID, str, WebhookSecrets] | None:
    """Return a webhook's id, URL and secrets, and lock its row until the commit."""
    row = await db.fetchrow(*LOCK_WEBHOOK(name=name))
    return (row["id"], row["url"], WebhookSecrets.of(row)) if row else None


UPDATE_DISABLED = Statement("update webhooks set disabled_at = :at where id = :id")


async def update_disabled(db: Connection, webhook_id: UUID, at: datetime | None) -> None:
    """Send nothing more to a webhook from ``at`` on, or with None send again."""
    await db.execute(*UPDATE_DISABLED(id=webhook_id, at=at))


UPDATE_SECRETS = Statement(
    """
    update webhooks
    set secret = :sealed, old_secret = :old, old_secret_until = :until where id = :id
    """
)


async def update_secrets(db: Connection, webhook_id: UUID, secrets: WebhookSecrets) -> None:
    """Store what signs."""
    await db.execute(
        *UPDATE_SECRETS(id=webhook_id, sealed=secrets.sealed, old=secrets.old, until=secrets.until)
    )


DELETE_WEBHOOK = Statement(
    """
    with gone as (delete from webhooks where id = :id returning id)
    delete from deliveries where webhook_id in (select id from gone)
    """
)


async def delete_webhook(db: Connection, webhook_id: UUID) -> None:
    """Delete a webhook, and what still waits for it."""
    await db.execute(*DELETE_WEBHOOK(id=webhook_id))


def _webhook(row: Record) -> Webhook:
    return Webhook(
        id=row["id"],
        name=row["name"],
        url=row["url"],
        kinds=tuple(row["kinds"]),
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        pending=row["pending"],
        dead=row["dead"],
    )
