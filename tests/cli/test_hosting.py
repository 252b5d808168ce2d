"""What a process that serves does beside what Hypercorn does."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import Any

import hypercorn.asyncio
import pytest
from hypercorn.config import Config
from quart import Quart

from service.cli.hosting import host
from service.settings import Settings


async def test_the_collector_passes_over_what_was_there_at_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full rounds of the garbage collector don't look at all that the process has imported."""
    before = gc.get_freeze_count()
    tracked: list[int] = []

    async def serve(app: Quart, *_: Any, **__: Any) -> None:
        await app.startup()
        tracked.extend((gc.get_freeze_count(), len(gc.get_objects())))
        await app.shutdown()

    monkeypatch.setattr(hypercorn.asyncio, "serve", serve)
    await host(settings, Config())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    frozen, left = tracked
    assert frozen > before
    assert left < frozen
