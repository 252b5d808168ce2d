"""What waits to be delivered to webhooks: read from the database whenever somebody scrapes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

import asyncpg
from prometheus_client.core import Metric
from quart import Quart

from service import clock, outbox
from service.database import get_db
from service.errors import LockerError
from service.metrics import gauges
from service.outbox import MOST_COUNTED, Backlog

READ_WITHIN = 1.0
"""Seconds; a scrape has everything else to tell, whatever the database does."""


async def read_backlogs(app: Quart) -> list[Metric]:
    """Return how the webhooks stand; without values where the database doesn't answer in time."""
    backlogs: list[Backlog] = []
    try:
        async with asyncio.timeout(READ_WITHIN), app.app_context():
            # Once: the next scrape comes soon.
            backlogs = await outbox.select_backlogs(await get_db())
    except (
        *(OSError, TimeoutError, LockerError),
        *(asyncpg.PostgresError, asyncpg.InterfaceError),
        RuntimeError,  # the application has not started, or is about to end
    ):
        pass
    return describe_backlogs(backlogs, clock.now())


def describe_backlogs(backlogs: Iterable[Backlog], now: datetime) -> list[Metric]:
    """Return the metrics of what waits; by webhook."""
    found = list(backlogs)
    return [
        gauges(
            "locker_webhook_pending",
            f"Events that wait for a webhook or are on their way, counted to {MOST_COUNTED}.",
            "webhook",
            {each.webhook: each.pending for each in found},
        ),
        gauges(
            "locker_webhook_dead",
            "Events that a webhook never took and somebody has to decide about: dead letters.",
            "webhook",
            {each.webhook: each.dead for each in found},
        ),
        gauges(
            "locker_webhook_oldest_seconds",
            "How long the oldest event that waits for a webhook has waited; 0 where none does, or "
            "the webhook is disabled.",
            "webhook",
            {
                each.webhook: max(0.0, (now - each.oldest_at).total_seconds())
                if each.oldest_at
                else 0
                for each in found
            },
        ),
    ]
