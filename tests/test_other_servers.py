"""The journey that `make bench` measures, and the same application under another server."""

from __future__ import annotations

import asyncio
import io
import signal
from typing import Literal

import asyncpg
import pytest

from benchmarks.driver import STEPS, Crowd, Plan
from benchmarks.stage import SAMPLE, prepare
from service.catalogue import import_products
from service.settings import Settings
from tests.support.serving import serve


async def walk(port: int) -> None:
    """Make journeys, two at a time, whose every answer is checked."""
    crowd = Crowd(Plan(port=port, shoppers=2, journeys=4, accounts=4, seconds=60))
    await crowd.run()
    assert sum(map(len, crowd.seen.times.values())) == 4 * STEPS


async def hang_up(port: int, request: bytes) -> None:
    """Send a request, or a part of one, and leave without the answer."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    writer.transport.abort()


@pytest.fixture
async def stocked_url(own_url: str) -> str:
    """A database with the sample catalogue and four accounts."""
    db = await asyncpg.connect(own_url)
    await import_products(db, io.BytesIO(SAMPLE.read_bytes()), currency="USD")
    await prepare(db, 4)
    await db.close()
    return own_url


@pytest.mark.parametrize(
    ("program", "status"), [("hypercorn", 0), ("uvicorn", -signal.SIGTERM)], ids=["ours", "uvicorn"]
)
async def test_journey(
    settings: Settings, stocked_url: str, program: Literal["hypercorn", "uvicorn"], status: int
) -> None:
    """Shoppers get through, also after others have left; SIGTERM ends it without a complaint.

    Uvicorn ends by the signal itself once it has stopped.
    """
    with serve(settings, program=program, database_url=stocked_url, pool_max=2) as served:
        head = b"POST /api/v1/cart/lines HTTP/1.1\r\nHost: localhost\r\n"
        half = head + b"Content-Type: application/json\r\nContent-Length: 40\r\n\r\n{"
        whole = b"GET /api/v1/products HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for _ in range(5):
            await asyncio.gather(hang_up(served.port, half), hang_up(served.port, whole))
        await walk(served.port)
        assert served.stop() == status
        assert "Traceback" not in served.log()
        assert '"level":"error"' not in served.log().replace(" ", "")
