"""Whether it is alive, and whether to send requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from quart import Quart
from quart.typing import TestClientProtocol as Client

from service.database import Pool
from service.ops import start_draining
from tests.support.databases import new_database

Start = Callable[..., Awaitable[Quart]]

AWAY = "postgresql://nobody@127.0.0.1:1/nothing"


async def assert_not_ready(app: Quart, detail: str) -> None:
    response = await app.test_client().get("/readyz")
    assert response.status_code == 503
    assert response.mimetype == "application/problem+json"
    assert int(response.headers["Retry-After"]) > 0
    body = await response.get_json()
    assert (body["code"], body["detail"]) == ("unavailable", detail)


async def test_alive_and_ready(client: Client) -> None:
    """A service on a migrated database is both, and nothing in between may keep the answer."""
    for path in ("/livez", "/readyz"):
        response = await client.get(path)
        assert (response.status_code, await response.get_json()) == (200, {"status": "ok"})
        assert response.headers["Cache-Control"] == "no-store"


async def test_session_untouched(client: Client) -> None:
    """A probe neither reads nor writes the session."""
    for path in ("/livez", "/readyz"):
        response = await client.get(path)
        assert "Vary" not in response.headers
        assert "Set-Cookie" not in response.headers


async def test_database_away(start_app: Start) -> None:
    """Without its database the service lives and is not ready: a restart would mend nothing."""
    app = await start_app(database_url=AWAY)
    assert (await app.test_client().get("/livez")).status_code == 200
    await assert_not_ready(app, "The database can't be reached.")


async def test_no_connection_free(start_app: Start) -> None:
    """A service that can't get at its database in time is not ready."""
    app = await start_app(pool_max=1, pool_timeout=0.05)
    pool: Pool = app.extensions["locker"].get(Pool)
    held = await pool.acquire()
    await assert_not_ready(app, "The database can't be reached.")
    pool.release(held)


async def test_not_migrated(start_app: Start, server_url: str) -> None:
    """A database without the schema is reachable, and that is not enough."""
    async with new_database(server_url) as url:
        app = await start_app(database_url=url)
        await assert_not_ready(app, "The database is to be migrated first.")
        await app.extensions["locker"].get(Pool).close()


async def test_draining(start_app: Start) -> None:
    """Told to stop, the service is not ready, yet goes on serving."""
    app = await start_app()
    start_draining(app)
    await assert_not_ready(app, "The service is about to stop.")
    assert (await app.test_client().get("/livez")).status_code == 200
    assert (await app.test_client().get("/api/v1/products")).status_code == 200


async def test_connections(start_app: Start) -> None:
    """`/livez` takes no connection, `/readyz` one."""
    app = await start_app()
    pool: Pool = app.extensions["locker"].get(Pool)
    taken = 0
    acquire = pool.acquire

    async def count() -> object:
        nonlocal taken
        taken += 1
        return await acquire()

    pool.acquire = count  # type: ignore[method-assign, assignment]
    await app.test_client().get("/livez")
    assert taken == 0
    await app.test_client().get("/readyz")
    assert taken == 1
