"""What a connection carries from one request to the next: nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from quart import Quart

from service.database import Connection, get_db
from tests.database.conftest import StartView, idle
from tests.support.shopping import API, Product, add, log_in, register

LIMITS = "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"


async def state(db: Connection) -> dict[str, Any]:
    """Everything of a session that outlives a transaction."""
    row = await db.fetchrow("""
        select pg_backend_pid() as pid,
            (select jsonb_object_agg(name, setting) from pg_settings)::text as settings,
            (select count(*) from pg_locks where pid = pg_backend_pid()
                and locktype = 'advisory') as locks,
            (select count(*) from pg_listening_channels()) as channels,
            (select count(*) from pg_cursors where is_holdable) as cursors,
            pg_my_temp_schema() as temporary,
            session_user, current_user
    """)
    assert row
    return dict(row)


@pytest.mark.session
async def test_shopping_leaves_none(start_view: StartView, product: Product) -> None:
    """A shopper's whole visit leaves its connection as it was, so nothing need reset it."""
    states = []

    async def view() -> str:
        states.append(await state(await get_db()))
        return ""

    app = await start_view(view, pool_max=1)
    client = app.test_client()
    await client.get("/view")
    for path in ("/products", f"/products/{product.handle}", "/cart", "/session", "/preferences"):
        assert (await client.get(API + path)).status_code == 200
    await add(client, product.sku, 2)
    user = (await register(client))["user"]["username"]
    line = f"{API}/cart/lines/{product.sku}"
    assert (await client.put(line, json={"quantity": 3})).status_code == 200
    assert (await client.patch(f"{API}/preferences", json={"theme": "dark"})).status_code == 200
    for path in ("/account", "/cart", "/session", "/preferences"):
        assert (await client.get(API + path)).status_code == 200
    assert (await client.delete(line)).status_code == 200
    assert (await client.delete(f"{API}/cart")).status_code == 200
    assert (await client.delete(f"{API}/session")).status_code == 204
    await log_in(client, user, remember=True)
    await client.get("/view")
    assert states[0] == states[1]
    assert states[0]["locks"] == states[0]["channels"] == states[0]["temporary"] == 0


@pytest.mark.session
async def test_stray_transaction_is_rolled_back(start_view: StartView) -> None:
    """A transaction that a request left open is gone before the next request."""
    found = []

    async def view() -> str:
        db = await get_db()
        found.append(await db.fetchval("select to_regclass('stray')"))
        await db.execute("begin")
        await db.execute("set local statement_timeout = '1min'")
        await db.execute("create temp table stray ()")
        return ""

    app = await start_view(view, pool_max=1)
    for _ in range(2):
        assert (await app.test_client().get("/view")).status_code == 200
    assert found == [None, None]
    async with app.app_context():
        limit = await (await get_db()).fetchval("select current_setting('statement_timeout')")
    assert limit == "5s"


@pytest.mark.session
async def test_limits_are_set_on_the_server(start_view: StartView) -> None:
    """The server knows the limits: of a statement, of a lock, of an idle transaction."""

    async def view() -> list[str]:
        db = await get_db()
        return [await db.fetchval("select current_setting($1)", name) for name in LIMITS]

    app = await start_view(view, statement_timeout=7.5)
    assert await (await app.test_client().get("/view")).get_json() == ["7500ms"] * 3


async def test_statement_timeout(start_view: StartView) -> None:
    """A statement that takes too long is 503 `busy`, and its connection stays."""
    pids = []

    async def view() -> str:
        db = await get_db()
        pids.append(db.get_server_pid())
        await db.execute("select pg_sleep(30)")
        return ""

    app = await start_view(view, pool_max=1, statement_timeout=0.05)
    for _ in range(2):
        response = await app.test_client().get("/view")
        assert (response.status_code, (await response.get_json())["code"]) == (503, "busy")
    assert pids[0] == pids[1]
    assert await idle(app) == 1


async def test_lock_timeout(start_view: StartView, db: Connection) -> None:
    """A statement that waits too long for a lock is 503 `busy`."""
    await db.execute("lock table preferences")

    async def view() -> str:
        await (await get_db()).execute("select from preferences")
        return ""

    app = await start_view(view, pool_max=1, statement_timeout=0.05)
    response = await app.test_client().get("/view")
    assert (response.status_code, (await response.get_json())["code"]) == (503, "busy")
    assert await idle(app) == 1


@pytest.mark.session
async def test_idle_transaction_timeout(start_view: StartView, observer: Connection) -> None:
    """A transaction that somebody forgot is ended by the server, and the service goes on."""

    async def view() -> str:
        db = await get_db()
        async with db.transaction():
            pid = db.get_server_pid()
            while await observer.fetchval(
                "select exists (select from pg_stat_activity where pid = $1)", pid
            ):
                pass
            await db.execute("select 1")
        return ""

    app = await start_view(view, pool_max=1, statement_timeout=0.05)
    for _ in range(2):
        response = await app.test_client().get("/view")
        assert response.status_code == 503
        assert (await response.get_json())["code"] in {"busy", "unavailable"}
    assert await idle(app) == 1


async def test_cancelled_query_leaves_it_whole(start_view: StartView) -> None:
    """After a query was cancelled, the connection answers the next ones, each with its own."""

    async def view() -> list[int]:
        db = await get_db()
        pid = db.get_server_pid()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await db.execute("select pg_sleep(30)")
        answers = [await db.fetchval("select $1::int", number) for number in range(3)]
        assert pid == db.get_server_pid()
        return answers

    app = await start_view(view, pool_max=1)
    assert await (await app.test_client().get("/view")).get_json() == [0, 1, 2]


@pytest.mark.session
async def test_named_in_the_servers_list(app: Quart, observer: Connection) -> None:
    """An operator can tell the service's connections from others."""
    async with app.app_context():
        pid = (await get_db()).get_server_pid()
        name = await observer.fetchval(
            "select application_name from pg_stat_activity where pid = $1", pid
        )
    assert name == "locker"
