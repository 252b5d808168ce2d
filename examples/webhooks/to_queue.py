"""Is told of orders, answers at once, and works them off one after the other from a queue.

What is in the queue is lost with the process. Where that must not be, store the event before
answering: what isn't answered with 2xx comes again.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from quart import Quart, request
from standardwebhooks import Webhook, WebhookVerificationError

app = Quart(__name__)
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(maxsize=1000)


@app.post("/hooks")
async def receive() -> tuple[str, int]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        event = webhook.verify(await request.get_data(), headers)
    except WebhookVerificationError:
        return "", 400
    try:
        queue.put_nowait((headers["webhook-id"], event))
    except asyncio.QueueFull:
        # The shop tries again later, and keeps the order of each order's events.
        return "", 503
    return "", 202


@app.while_serving
async def work() -> AsyncIterator[None]:
    worker = asyncio.create_task(work_off())
    yield
    # What was taken is worked off before the process ends.
    await queue.join()
    worker.cancel()


async def work_off() -> None:
    while True:
        event_id, event = await queue.get()
        try:
            await handle(event_id, event)
        except Exception:
            app.logger.exception("event %s", event_id)
        finally:
            queue.task_done()


async def handle(event_id: str, event: dict[str, Any]) -> None:
    """Ship it, bill it; twice the same id must have no further effect."""
    await asyncio.sleep(0.1)
    print(event_id, event["type"], event["data"].get("number"), flush=True)
