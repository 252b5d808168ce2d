"""When the pool is empty, the database away, or a connection lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import asyncpg
import pytest
from quart import Quart, Response

from quart_locker.connection import pool as pools
from service.database import Connection, Pool, Pooled, get_db
from tests.database.conftest import Ledger, StartView, idle
from tests.support.databases import with_database
from tests.support.line import Line


@pytest.fixture
async def line(database_url: str) -> AsyncIterator[Line]:
    """A line to the run's database."""
    async with Line(database_url) as line:
        yield line


async def ask() -> str:
    """The view of most tests here: one query."""
    return str(await (await get_db()).fetchval("select 1"))


async def problem(response: Response, code: str) -> dict[str, Any]:
    """Return the body of a 503 that says when to come again."""
    body: dict[str, Any] = await response.get_json()
    assert (response.status_code, body["code"]) == (503, code)
    assert int(response.headers["Retry-After"]) >= 1
    return body


async def test_busy(start_view: StartView) -> None:
    """When no connection comes free in time, it is 503 `busy`; afterwards all is well."""
    app = await start_view(ask, pool_max=1, pool_timeout=0.05)
    pool: Pool = app.extensions["locker"].get(Pool)
    held = await pool.acquire()
    await problem(await app.test_client().get("/view"), "busy")
    pool.release(held)
    assert (await app.test_client().get("/view")).status_code == 200
    assert await idle(app) == 1


async def test_waits_its_turn(start_view: StartView) -> None:
    """More requests than connections wait for one another, and all are answered."""
    app = await start_view(ask, pool_max=2)
    client = app.test_client()
    answers = await asyncio.gather(*(client.get("/view") for _ in range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert await idle(app) == 2


async def test_away_and_back(start_view: StartView, line: Line) -> None:
    """While the database is away it is 503 `unavailable`; when it is back, so is the service."""
    app = await start_view(ask, database_url=line.url)
    client = app.test_client()
    assert (await client.get("/view")).status_code == 200
    await line.cut()
    for _ in range(3):
        await problem(await client.get("/view"), "unavailable")
    assert await idle(app) == 10
    await line.mend()
    assert (await client.get("/view")).status_code == 200
    assert await idle(app) == 10


async def test_away_at_the_start(start_view: StartView, line: Line) -> None:
    """The service starts without its database, and serves as soon as there is one."""
    await line.cut()
    app = await start_view(ask, database_url=line.url)
    await problem(await app.test_client().get("/view"), "unavailable")
    await line.mend()
    assert (await app.test_client().get("/view")).status_code == 200


async def test_not_let_in(
    start_view: StartView, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that isn't there (yet), as in a restore, is 503 too, and the log says why."""
    app = await start_view(ask, database_url=with_database(database_url, "no_such_database"))
    await problem(await app.test_client().get("/view"), "unavailable")
    assert 'no connection to the database: database "no_such_database"' in caplog.text


async def test_away_in_a_query(start_view: StartView, line: Line) -> None:
    """A database that goes away under a query is 503 `unavailable`, and nothing leaks."""
    asked = asyncio.Event()

    async def view() -> str:
        db = await get_db()
        asked.set()
        await db.execute("select pg_sleep(30)")
        return ""

    app = await start_view(view, database_url=line.url)
    request = asyncio.create_task(app.test_client().get("/view"))
    await asked.wait()
    await line.cut()
    await problem(await request, "unavailable")
    assert await idle(app) == 10


async def test_vanished(start_view: StartView, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that vanished holds up no query, no new connection, and no giving back."""
    monkeypatch.setattr(pools, "RELEASE_TIMEOUT", 0.05)

    async def view() -> str:
        db = await get_db()
        await db.execute("begin")
        line.hold()
        await db.execute("select 1", timeout=0.05)
        return ""

    app = await start_view(view, database_url=line.url, pool_timeout=0.05)
    await problem(await app.test_client().get("/view"), "busy")
    assert await idle(app) == 10
    await problem(await app.test_client().get("/view"), "busy")
    assert await idle(app) == 10


async def test_release_without_an_answer(
    start_view: StartView, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection whose stray transaction can't be rolled back any more is dropped in time."""
    monkeypatch.setattr(pools, "RELEASE_TIMEOUT", 0.05)

    async def view() -> str:
        await (await get_db()).execute("begin")
        line.hold()
        return ""

    app = await start_view(view, database_url=line.url, statement_timeout=60)
    assert (await app.test_client().get("/view")).status_code == 200
    assert await asyncio.wait_for(idle(app), 10) == 10


async def test_query_without_an_answer(start_view: StartView, line: Line) -> None:
    """The client's own limit ends a query that the server's can't, having vanished."""

    async def view() -> str:
        db = await get_db()
        line.hold()
        await db.execute("select 1")
        return ""

    app = await start_view(view, database_url=line.url, statement_timeout=0.05)
    await problem(await app.test_client().get("/view"), "busy")


@pytest.mark.session
async def test_connection_dies(start_view: StartView, observer: Connection) -> None:
    """A connection that died under its request is 503 `unavailable`; the next one gets another."""

    async def view() -> str:
        db = await get_db()
        await observer.execute("select pg_terminate_backend($1)", db.get_server_pid())
        return str(await db.fetchval("select 1"))

    app = await start_view(view, pool_max=1)
    for _ in range(2):
        await problem(await app.test_client().get("/view"), "unavailable")
    assert await idle(app) == 1


@pytest.mark.session
async def test_another_for_one_that_died(
    start_view: StartView, observer: Connection, ledger: Ledger
) -> None:
    """A request that asks again once its connection has died gets one that lives."""

    async def view() -> str:
        db = await get_db()
        await observer.execute("select pg_terminate_backend($1)", db.get_server_pid())
        while not pools.is_dead(cast("Pooled", db)):
            await observer.fetchval("select 1")
        return str(await (await get_db()).fetchval("select 2"))

    app = await start_view(view, pool_max=1)
    assert await (await app.test_client().get("/view")).get_data() == b"2"
    assert len(ledger.taken) == 2
    assert ledger.is_even()
    assert await idle(app) == 1


@pytest.mark.session
async def test_another_for_one_that_died_idle(start_view: StartView, observer: Connection) -> None:
    """A connection that died in the pool troubles nobody, once this side has heard of it."""
    used: list[Pooled] = []

    async def view() -> str:
        db = await get_db()
        used.append(cast("Any", db)._con)
        return str(await db.fetchval("select pg_backend_pid()"))

    app = await start_view(view, pool_max=1)
    client = app.test_client()
    pid = int(await (await client.get("/view")).get_data())
    await observer.execute("select pg_terminate_backend($1)", pid)
    while not used[0].is_closed():
        await observer.fetchval("select 1")
    response = await client.get("/view")
    assert response.status_code == 200
    assert int(await response.get_data()) != pid


@pytest.mark.parametrize("hangs", [False, True])
async def test_release_that_fails(
    start_view: StartView,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    hangs: bool,
) -> None:
    """A connection that can't be given back breaks no response and holds none up."""
    may_end = asyncio.Event()

    async def release(_: object, connection: Pooled, **__: object) -> None:
        if hangs:
            await may_end.wait()
        connection.terminate()
        raise asyncpg.InterfaceError("made up")

    app = await start_view(ask)
    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Pool, "release", release)
        response = await app.test_client().get("/view")
        assert response.status_code == 200
        assert await response.get_data() == b"1"
        may_end.set()
        await idle(app)
    assert "a connection could not be given back" in caplog.text


async def test_close_while_in_use(
    start_app: Callable[..., Awaitable[Quart]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The end doesn't wait for ever for a connection in use; taking one then is refused."""
    monkeypatch.setattr(pools, "CLOSE_TIMEOUT", 0.05)
    app = await start_app()
    pool: Pool = app.extensions["locker"].get(Pool)
    held = await pool.acquire()
    await pool.close()
    assert "still in use" in caplog.text
    pool.release(held)
    with pytest.raises(RuntimeError, match="after the application's end"):
        await pool.acquire()


async def test_close_waits_for_what_comes_back(
    start_app: Callable[..., Awaitable[Quart]], caplog: pytest.LogCaptureFixture
) -> None:
    """Connections on their way back at the end arrive; nothing is dropped."""
    app = await start_app()
    pool: Pool = app.extensions["locker"].get(Pool)
    held = await pool.acquire()
    ending = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    pool.release(held)
    await ending
    assert not caplog.records
