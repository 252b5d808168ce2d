"""What hypercorn.toml mends of HTTP/2, on a server that runs with it."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import httpx
import hypercorn.asyncio
from hypercorn.config import Config

PATH = Path(__file__).parents[2] / "hypercorn.toml"


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        # As any view that asks the database: other tasks get their turn before the answer.
        for _ in range(10):
            await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_no_request_is_left_unanswered() -> None:
    """A connection is good for more requests than Hypercorn's default of 1000.

    The one after those would be carried out and not answered.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = Config.from_toml(PATH)
    config.bind = [f"fd://{listener.detach()}"]
    config.workers = 1  # `serve` never forks, and warns of any other number
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait))
        # Without HTTP/1.1 to fall back on, httpx speaks HTTP/2 in plain text.
        async with httpx.AsyncClient(http1=False, http2=True) as client:
            answers = [await client.get(url) for _ in range(1100)]
        stop.set()

    assert {(answer.status_code, answer.http_version) for answer in answers} == {(204, "HTTP/2")}
