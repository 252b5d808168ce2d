"""How webhooks stand can be scraped: from the shop, and from a worker."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from quart import Quart

from service import clock, outbox
from service.audit import COMMAND_LINE
from service.outbox import OutboxEvent, Seals
from service.settings import Settings
from service.webhooks.worker import Worker
from tests.support.keys import KEY

Start = Callable[..., Awaitable[Quart]]


async def scrape(app: Quart) -> dict[str, float]:
    """Return what is said of webhooks, by name and labels."""
    response = await app.test_client().get("/metrics")
    assert response.status_code == 200
    lines = (await response.get_data(as_text=True)).splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if line.startswith("locker_webhook_")]
    return {name.removeprefix("locker_webhook_"): float(value) for name, value in pairs}


class Answering:
    """Sends nothing, and has it answered with one status after the other."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)

    async def send(self, *_: Any) -> outbox.Attempted:
        status = self._statuses.pop(0)
        return outbox.Attempted(status, "" if status == 200 else f"answered {status}")


async def test_what_waits_and_what_came_of_attempts(
    own_url: str, start_app: Start, settings: Settings
) -> None:
    """By webhook: events that wait and for how long, dead letters, attempts by outcome."""
    app = await start_app(database_url=own_url)
    db = await asyncpg.connect(own_url)
    for name in ("metered", "idle"):
        await outbox.add_webhook(
            db, Seals(KEY), COMMAND_LINE, name, "https://erp.example/", http=False
        )
    await outbox.disable_webhook(db, COMMAND_LINE, "idle")
    hour = timedelta(hours=1)
    for order, age in (("A", 3 * hour), ("B", 2 * hour), ("C", hour)):
        await outbox.tell(db, OutboxEvent("order.placed", order, clock.now() - age, {}))
    waiting = await scrape(app)
    assert waiting['pending{webhook="metered"}'] == waiting['pending{webhook="idle"}'] == 3
    assert waiting['dead{webhook="metered"}'] == 0
    assert waiting['oldest_seconds{webhook="metered"}'] == pytest.approx(3 * 3600, abs=300)
    assert waiting['oldest_seconds{webhook="idle"}'] == 0
    await db.execute(
        "update deliveries set due_at = now() + interval '1 day' where subject = 'order:C'"
    )
    await db.execute("update deliveries set due_at = now() - interval '1 day' where event_id = 1")
    sender: Any = Answering(200, 500, 500)
    await Worker(app, dataclasses.replace(settings, webhook_retries=(60.0,)), sender).deliver_due()
    await db.execute("update deliveries set due_at = now() where subject = 'order:B'")
    await Worker(app, dataclasses.replace(settings, webhook_retries=()), sender).deliver_due()
    await db.close()
    stands = await scrape(app)
    assert [stands[f'{what}{{webhook="metered"}}'] for what in ("pending", "dead")] == [1, 1]
    assert stands['oldest_seconds{webhook="metered"}'] == pytest.approx(3600, abs=300)
    for outcome in ("delivered", "pending", "dead"):
        assert stands[f'seconds_count{{outcome="{outcome}",webhook="metered"}}'] == 1


async def test_a_scrape_needs_no_database(start_app: Start) -> None:
    """While the database is away everything else is told all the same."""
    app = await start_app(database_url="postgresql://locker@127.0.0.1:1/locker")
    assert not [name for name in await scrape(app) if name.startswith("pending")]
    assert "locker_pool_failures_total" in await (await app.test_client().get("/metrics")).get_data(
        as_text=True
    )
