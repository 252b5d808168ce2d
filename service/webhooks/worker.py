"""The worker: claims what is due, sends it, and stores what came of it.

It also looks for carts that were left alone, as no request tells of what nobody does. Any number
of them share the work. One that is killed leaves claims that expire.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

import asyncpg
from quart import Quart

from service import carts, clock, metrics, outbox
from service.database import Connection, run, translate
from service.outbox import Attempted, Claimed, SealBroken, Seals
from service.services import services_of
from service.settings import Settings
from service.tracing import Tracer

from .sending import Sender

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

JITTER = 0.2
"""Of the seconds until each next attempt, more or less: what failed together comes back apart."""
AT_ONCE = 16
"""Messages under way to one webhook from one worker."""
POLL = 1.0
"""Seconds until a worker that found nothing looks again."""
LOOK_FOR_CARTS = timedelta(seconds=60)
"""After a look that found no more, until the next."""
CARTS_AT_ONCE = 200


class Worker:
    """Delivers until told to stop, and lets what is under way come to its end then."""

    def __init__(self, app: Quart, settings: Settings, sender: Sender) -> None:
        self._app = app
        self._sender = sender
        self._retries = settings.webhook_retries
        self._seals = Seals(settings.secret_key, *settings.secret_key_fallbacks)
        self._lease = timedelta(seconds=settings.webhook_timeout + settings.webhook_claim)
        self._abandoned = timedelta(seconds=settings.cart_abandoned)
        self._look_at: datetime | None = None
        self._tracer = services_of(app).get(Tracer)
        self._running: dict[UUID, set[asyncio.Task[None]]] = {}

    async def work(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop``. A database that is away is waited for."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._tell_of_carts()
                await self._claim_all()
                await asyncio.wait(
                    {stopping, *self._under_way()},
                    timeout=POLL,
                    return_when=asyncio.FIRST_COMPLETED,
                )
        finally:
            stopping.cancel()
            await asyncio.gather(*self._under_way())

    async def deliver_due(self) -> int:
        """Try what is due until nothing is; returns how often."""
        number = 0
        while await self._tell_of_carts():
            pass
        await self._claim_all()
        while tasks := self._under_way():
            await asyncio.gather(*tasks)
            number += len(tasks)
            await self._claim_all()
        return number

    def _under_way(self) -> list[asyncio.Task[None]]:
        return [task for tasks in self._running.values() for task in tasks]

    async def _tell_of_carts(self) -> bool:
        """Tell of some carts that were left alone; returns whether there may be more."""
        now = clock.now()
        if not self._abandoned or (self._look_at and now < self._look_at):
            return False
        more = False
        with _database_may_be_away():
            number = await self._do(carts.tell_of_abandoned, self._abandoned, now, CARTS_AT_ONCE)
            more = number == CARTS_AT_ONCE
            self._look_at = None if more else now + LOOK_FOR_CARTS
        return more

    async def _claim_all(self) -> None:
        """Start what is due, as far as there is room."""
        with _database_may_be_away():
            for webhook_id in await self._do(outbox.select_enabled):
                running = self._running.setdefault(webhook_id, set())
                free = AT_ONCE - len(running)
                if free <= 0:
                    continue
                now = clock.now()
                claimed = await self._do(
                    outbox.claim_deliveries, webhook_id, free, now, now + self._lease
                )
                for each in claimed:
                    task = asyncio.create_task(self._deliver(each))
                    running.add(task)
                    task.add_done_callback(running.discard)

    async def _deliver(self, claimed: Claimed) -> None:
        with self._tracer.delivering(claimed.message_id, claimed.attempts) as fields:
            await self._deliver_once(claimed, fields)

    async def _deliver_once(self, claimed: Claimed, fields: dict[str, str]) -> None:
        now, began = clock.now(), time.monotonic()
        try:
            secrets = [self._seals.open(sealed) for sealed in claimed.secrets.at(now)]
        except SealBroken:
            attempted = Attempted(error="its secret can't be read: rotate it")
        else:
            attempted = await self._sender.send(
                claimed.url, claimed.message_id, claimed.body, secrets, now
            )
        due_at = None
        if not attempted.error:
            state: outbox.DeliveryState = "delivered"
        elif claimed.attempts > len(self._retries):
            state = "dead"
        else:
            state = "pending"
            seconds = self._retries[claimed.attempts - 1]
            due_at = clock.now() + timedelta(
                seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
            )
        metrics.webhook_seconds.labels(claimed.webhook, state).observe(time.monotonic() - began)
        log = logger.warning if state == "dead" else logger.info
        log(
            "webhook %s",
            state,
            extra={
                "event": claimed.message_id,
                "webhook": claimed.webhook,
                "attempt": claimed.attempts,
                "http_status": attempted.http_status,
                "error": attempted.error,
                **fields,
            },
        )
        try:
            await self._do(outbox.settle_delivery, claimed, state, attempted, due_at)
        except Exception as error:
            if not isinstance(error, asyncpg.PostgresError) and translate(error) is None:
                raise
            # The claim expires, and the event is sent once more.
            logger.warning("what came of an event could not be stored")

    async def _do(
        self,
        action: Callable[Concatenate[Connection, P], Awaitable[T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        async with self._app.app_context():
            return await run(action, *args, **kwargs)


@contextmanager
def _database_may_be_away() -> Iterator[None]:
    """Leave the rest of the block for the next time where the database is away."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, asyncpg.PostgresError) and translate(error) is None:
            raise
        logger.warning("the database is away; the worker waits for it")
