"""`locker worker`."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import signal

import click

from service import create_app, outbox
from service.database import run
from service.ops import configure_logging
from service.outbox import SealBroken, Seals
from service.services import services_of
from service.settings import Settings
from service.tracing import Tracer
from service.webhooks.sending import Sender
from service.webhooks.worker import Worker

from .database import direct, require_schema

logger = logging.getLogger(__name__)

CONNECTIONS = 4
"""Of the database; statements are short, and what is waited for is receivers."""


@click.command()
@click.option("--once", is_flag=True, help="Try once what is due, and end.")
def worker(*, once: bool) -> None:
    """Deliver events to webhooks, until SIGTERM or Ctrl-C.

    Any number of workers share the work, and the shop needs none to run.
    """
    settings = Settings.from_env()
    configure_logging(settings)
    asyncio.run(_work(settings, once=once))


async def _work(settings: Settings, *, once: bool) -> None:
    async with direct(settings) as db:
        await require_schema(db)
    app = create_app(
        dataclasses.replace(
            settings,
            pool_min=0,
            pool_max=min(CONNECTIONS, settings.pool_max),
            metrics=settings.worker_metrics,
            standby_url="",
            catalogue_memory=0,
        )
    )
    await app.startup()
    try:
        async with app.app_context():
            try:
                keys = settings.secret_key, *settings.secret_key_fallbacks
                await run(outbox.renew_seals, Seals(*keys))
            except SealBroken:
                logger.warning("the secret of a webhook can't be read: its key is gone; rotate it")
        async with Sender(settings, services_of(app).get(Tracer)) as sender:
            deliverer = Worker(app, settings, sender)
            if once:
                await deliverer.deliver_due()
                return
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
            await deliverer.work(stop)
    finally:
        await app.shutdown()
