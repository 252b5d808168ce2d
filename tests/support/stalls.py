"""The service with a watch on its event loop, for a process of its own.

`GET /stall` answers how long, in milliseconds, the loop was held at most since it was last asked:
in CPU time of the process, which other processes of a busy machine don't add to. A thread that
holds the GIL counts, one that lets go of it counts only for what it does between two ticks.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import service

TICK = 0.001


class Watch:
    """Stands before the service."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._longest = 0.0
        self._ticking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._ticking is None:
            # What a start leaves behind is there for good; a collection needn't look at it.
            gc.collect()
            gc.freeze()
            self._ticking = asyncio.create_task(self._tick())
        if scope["type"] != "http" or scope["path"] != "/stall":
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(2 * TICK)
        longest, self._longest = self._longest, 0.0
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": str(longest * 1000).encode()})

    async def _tick(self) -> None:
        while True:
            before = time.process_time()
            await asyncio.sleep(TICK)
            self._longest = max(self._longest, time.process_time() - before)


def create_app() -> Watch:
    """Return the service, watched."""
    return Watch(service.create_app())
