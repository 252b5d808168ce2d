"""What operators do about webhooks and their events. Each is in the audit."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from service import audit, clock
from service.audit import EventKind, Operator
from service.database import Connection

from . import delivery_queries, webhook_queries
from .model import (
    NoSuchDelivery,
    UnknownWebhook,
    Webhook,
    WebhookSecrets,
    check_name,
    check_url,
    message_id,
)
from .seals import Seals, new_secret


async def add_webhook(
    db: Connection,
    seals: Seals,
    operator: Operator,
    name: str,
    url: str,
    *,
    kinds: tuple[str, ...] = (),
    http: bool,
) -> tuple[Webhook, str]:
    """Add a webhook, and return it with its secret, which is not shown again.

    Raises `Invalid`, `WebhookExists`.
    """
    secret = new_secret()
    check_name(name)
    check_url(url, http=http)
    async with audit.recorded(db) as record:
        added = await webhook_queries.insert_webhook(
            db, name, url, kinds, seals.seal(secret), clock.now()
        )
        await record.store(operator.event("webhook_added", clock.now(), subject=name))
    return added, secret


async def disable_webhook(db: Connection, operator: Operator, name: str) -> None:
    """Send nothing more; what happens meanwhile waits. Raises `UnknownWebhook`."""
    async with audit.recorded(db) as record:
        webhook_id, _, _ = await _find(db, name)
        await webhook_queries.update_disabled(db, webhook_id, clock.now())
        await record.store(operator.event("webhook_disabled", clock.now(), subject=name))


async def enable_webhook(db: Connection, operator: Operator, name: str) -> None:
    """Send again, what has waited first. Raises `UnknownWebhook`."""
    async with audit.recorded(db) as record:
        webhook_id, _, _ = await _find(db, name)
        await webhook_queries.update_disabled(db, webhook_id, None)
        await record.store(operator.event("webhook_enabled", clock.now(), subject=name))


async def remove_webhook(db: Connection, operator: Operator, name: str) -> None:
    """Remove a webhook and what waits for it. Raises `UnknownWebhook`."""
    async with audit.recorded(db) as record:
        webhook_id, _, _ = await _find(db, name)
        await webhook_queries.delete_webhook(db, webhook_id)
        await record.store(operator.event("webhook_removed", clock.now(), subject=name))


async def rotate_secret(
    db: Connection, seals: Seals, operator: Operator, name: str, overlap: timedelta
) -> str:
    """Return a new secret; the old one signs beside it for the ``overlap``.

    Raises `UnknownWebhook`.
    """
    secret = new_secret()
    async with audit.recorded(db) as record:
        webhook_id, _, secrets = await _find(db, name)
        until = clock.now() + overlap
        new = WebhookSecrets(seals.seal(secret), secrets.sealed, until)
        await webhook_queries.update_secrets(db, webhook_id, new)
        await record.store(operator.event("webhook_rotated", clock.now(), subject=name))
    return secret


async def find_webhook(db: Connection, name: str) -> tuple[str, WebhookSecrets]:
    """Return a webhook's URL and what signs for it; raises `UnknownWebhook`."""
    _, url, secrets = await _find(db, name)
    return url, secrets


async def renew_seals(db: Connection, seals: Seals) -> None:
    """Seal every secret by the key of now, so that an older one can go.

    Raises `seals.SealBroken` where one can't be read.
    """
    for webhook in await webhook_queries.select_webhooks(db):
        async with db.transaction():
            webhook_id, _, secrets = await _find(db, webhook.name)
            renewed = WebhookSecrets(
                seals.renew(secrets.sealed),
                seals.renew(secrets.old) if secrets.old else None,
                secrets.until,
            )
            await webhook_queries.update_secrets(db, webhook_id, renewed)


async def retry_events(
    db: Connection, operator: Operator, key: UUID | None, webhook: str | None
) -> int:
    """Try an event again at once, or all dead letters; returns how many there are.

    Raises `NoSuchDelivery`.
    """
    async with audit.recorded(db) as record:
        keys = await delivery_queries.retry_deliveries(db, key, webhook, clock.now())
        await _store(record, operator, "event_retried", keys, key)
    return len(keys)


async def skip_event(db: Connection, operator: Operator, key: UUID, webhook: str | None) -> int:
    """Give an event up: what comes after it goes on. Raises `NoSuchDelivery`."""
    async with audit.recorded(db) as record:
        keys = await delivery_queries.skip_deliveries(db, key, webhook)
        await _store(record, operator, "event_skipped", keys, key)
    return len(keys)


async def _store(
    record: audit.Record,
    operator: Operator,
    kind: EventKind,
    keys: list[UUID],
    asked: UUID | None,
) -> None:
    if asked and not keys:
        raise NoSuchDelivery
    for key in dict.fromkeys(keys):
        await record.store(operator.event(kind, clock.now(), subject=message_id(key)))


async def _find(db: Connection, name: str) -> tuple[UUID, str, WebhookSecrets]:
    found = await webhook_queries.lock_webhook(db, name)
    if found is None:
        raise UnknownWebhook(f"There is no webhook {name}.")
    return found
