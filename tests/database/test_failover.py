"""A connection to a server that is no longer the primary is of no use, and isn't kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Quart

from service.database import Pool
from tests.support.shopping import API, Product

pytestmark = pytest.mark.session

StartApp = Callable[..., Awaitable[Quart]]


async def demote(app: Quart, connections: int = 1) -> None:
    """Make the pool's present connections read-only, and no later one.

    So it looks when the address has moved on to another server, and they are still with the old.
    """
    pool: Pool = app.extensions["locker"].get(Pool)
    held = [await pool.acquire() for _ in range(connections)]
    for connection in held:
        await connection.execute("set session characteristics as transaction read only")
    for connection in held:
        pool.release(connection)
    await settle(app)


async def settle(app: Quart) -> None:
    """Wait until all connections are back."""
    pool: Pool = app.extensions["locker"].get(Pool)
    while pool.idle < 10:  # noqa: ASYNC110 - releases are tasks of the pool's own
        await asyncio.sleep(0.01)


async def add(app: Quart, product: Product) -> int:
    client: Any = app.test_client()
    status: int = (await client.post(f"{API}/cart/lines", json={"sku": product.sku})).status_code
    await settle(app)
    return status


@pytest.mark.parametrize("connections", [1, 5, 10])
async def test_write_after_a_failover(
    start_app: StartApp, product: Product, connections: int
) -> None:
    """One request fails, and the next one gets a new connection, however many there were."""
    app = await start_app()
    await demote(app, connections)
    assert await add(app, product) == 503
    assert [await add(app, product) for _ in range(3)] == [201] * 3


async def test_writes_at_once_after_a_failover(start_app: StartApp, product: Product) -> None:
    """Where many writes fail at once by a failover, what comes after them is served."""
    app = await start_app()
    await demote(app, 5)
    statuses = await asyncio.gather(*(add(app, product) for _ in range(5)))
    assert set(statuses) <= {201, 503}
    assert [await add(app, product) for _ in range(3)] == [201] * 3


async def test_page_after_a_failover(start_app: StartApp, product: Product) -> None:
    """After a failover a page's form fails once, and then it is served."""
    app = await start_app()
    await demote(app)
    client: Any = app.test_client()
    statuses = []
    for _ in range(2):
        response = await client.post("/cart/lines", form={"sku": product.sku})
        statuses.append(response.status_code)
        await settle(app)
    assert statuses == [503, 303]


async def test_readiness_after_a_failover(start_app: StartApp) -> None:
    """`/readyz` says that nothing can be written, and the next probe asks the new server."""
    app = await start_app()
    await demote(app, 3)
    response = await app.test_client().get("/readyz")
    assert response.status_code == 503
    assert (await response.get_json())["detail"] == "The database is read-only."
    assert int(response.headers["Retry-After"]) >= 1
    await settle(app)
    assert (await app.test_client().get("/readyz")).status_code == 200


async def test_replica(start_app: StartApp, database_url: str) -> None:
    """Where new connections are read-only too, it stays unready, and reads are served."""
    mark = "&" if "?" in database_url else "?"
    app = await start_app(database_url=f"{database_url}{mark}default_transaction_read_only=on")
    for _ in range(3):
        assert (await app.test_client().get("/readyz")).status_code == 503
        assert (await app.test_client().get(f"{API}/products")).status_code == 200
