"""The request's connection: one at most, and always given back, exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from quart import Quart, Response, abort, g, stream_with_context, websocket
from quart.typing import ResponseReturnValue

from service.database import Connection, Pool, get_db, release_db
from service.errors import NotFound
from tests.database.conftest import Ledger, StartView, idle


async def test_one_however_often_asked(start_view: StartView, ledger: Ledger) -> None:
    """Every function of a request gets the same connection, which is ``g.db``."""

    async def deeper() -> object:
        return await get_db()

    async def view() -> dict[str, bool]:
        first = await get_db()
        return {"same": await deeper() is first and await get_db() is first and g.db is first}

    app = await start_view(view)
    assert await (await app.test_client().get("/view")).get_json() == {"same": True}
    assert len(ledger.taken) == 1
    assert ledger.is_even()


@pytest.mark.parametrize("tasks", [2, 20])
async def test_one_for_tasks_that_ask_at_once(
    start_view: StartView, ledger: Ledger, tasks: int
) -> None:
    """Tasks of one request that ask at the same moment share one connection."""

    async def view() -> dict[str, int]:
        connections = await asyncio.gather(*(get_db() for _ in range(tasks)))
        return {"different": len(set(connections))}

    app = await start_view(view)
    assert await (await app.test_client().get("/view")).get_json() == {"different": 1}
    assert len(ledger.taken) == 1
    assert await idle(app) == 10


async def test_none_if_never_asked(start_view: StartView, ledger: Ledger) -> None:
    """A request that needs no data takes no connection."""

    async def view() -> str:
        return ""

    app = await start_view(view)
    await app.test_client().get("/view")
    await app.test_client().get("/no-such-page")
    assert ledger.taken == []


async def test_own_for_each_of_two_requests(start_view: StartView, ledger: Ledger) -> None:
    """Two requests at once hold two connections."""
    both = asyncio.Barrier(2)

    async def view() -> str:
        await get_db()
        await both.wait()
        return ""

    client = (await start_view(view)).test_client()
    await asyncio.gather(client.get("/view"), client.get("/view"))
    assert len(set(map(id, ledger.taken))) == 2
    assert ledger.is_even()


async def _answer() -> ResponseReturnValue:
    return "done"


async def _fail() -> ResponseReturnValue:
    raise ZeroDivisionError


async def _refuse() -> ResponseReturnValue:
    raise NotFound


async def _abort() -> ResponseReturnValue:
    abort(409)


async def _fail_in_sql() -> ResponseReturnValue:
    await (await get_db()).execute("select 1 / 0")
    return ""


async def _fail_in_transaction() -> ResponseReturnValue:
    async with (await get_db()).transaction():
        raise ZeroDivisionError


async def _time_out() -> ResponseReturnValue:
    async with asyncio.timeout(0.01):
        await (await get_db()).execute("select pg_sleep(30)")
    return ""


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (_answer, 200),
        (_fail, 500),
        (_refuse, 404),
        (_abort, 400),
        (_fail_in_sql, 500),
        (_fail_in_transaction, 500),
        (_time_out, 503),
    ],
)
async def test_given_back_however_it_ends(
    start_view: StartView,
    ledger: Ledger,
    ending: Callable[[], Awaitable[ResponseReturnValue]],
    status: int,
) -> None:
    """A request's connection comes back whole: the next request can use it at once."""

    async def view() -> ResponseReturnValue:
        db = await get_db()
        assert await db.fetchval("select 1") == 1
        return await ending()

    app = await start_view(view, pool_max=1)
    for _ in range(2):
        assert (await app.test_client().get("/view")).status_code == status
    assert ledger.is_even()
    assert await idle(app) == 1


async def test_given_back_when_the_client_leaves(
    start_view: StartView, observer: Connection, ledger: Ledger
) -> None:
    """A client that leaves while a query runs ends the query, and the connection comes back."""

    async def view() -> str:
        await (await get_db()).execute("select pg_sleep(30), 'left alone'")
        return ""

    async def is_running() -> bool:
        running = await observer.fetchval(
            "select exists (select from pg_stat_activity where state = 'active' "
            "and query like '%left alone%' and pid <> pg_backend_pid())"
        )
        return bool(running)

    app = await start_view(view, pool_max=1)
    async with app.test_client().request("/view") as connection:
        await connection.send_complete()
        while not await is_running():
            pass
        await connection.disconnect()
    assert ledger.is_even()
    assert await idle(app) == 1
    assert not await is_running()
    async with app.app_context():
        assert await (await get_db()).fetchval("select 1") == 1


async def test_plain_stream_has_none(start_view: StartView, ledger: Ledger) -> None:
    """A plain stream begins after the connection went back, and can't take another."""
    refused = []

    async def view() -> AsyncIterator[bytes]:
        db = await get_db()
        rows = await db.fetch("select generate_series(1, 3) as number")

        async def generate() -> AsyncIterator[bytes]:
            assert ledger.is_even()
            for row in rows:
                yield b"%d" % row["number"]
            with pytest.raises(RuntimeError):
                await get_db()
            refused.append(True)

        return generate()

    app = await start_view(view)
    assert await (await app.test_client().get("/view")).get_data() == b"123"
    assert refused
    assert len(ledger.taken) == 1
    assert await idle(app) == 10


@pytest.mark.parametrize("leaves", [False, True], ids=["read to its end", "left"])
async def test_stream_with_context_has_its_own(
    start_view: StartView, ledger: Ledger, *, leaves: bool
) -> None:
    """A stream with context takes a connection of its own, which comes back at its end."""
    held = []

    async def view() -> ResponseReturnValue:
        await get_db()

        @stream_with_context
        async def generate() -> AsyncIterator[bytes]:
            db = await get_db()
            held.append(db)
            for _ in range(3):
                yield b"%d" % await db.fetchval("select 1")
            if leaves:
                await asyncio.Event().wait()

        return Response(generate())

    app = await start_view(view)
    async with app.test_client().request("/view") as connection:
        await connection.send_complete()
        for _ in range(3):
            assert await connection.receive() == b"1"
        if leaves:
            await connection.disconnect()
    assert held == ledger.taken[1:]
    assert ledger.is_even()
    assert await idle(app) == 10


async def test_websocket(start_app: Callable[..., Awaitable[Quart]], ledger: Ledger) -> None:
    """A websocket keeps one connection from its first use, and gives it back when it closes."""

    def prepare(app: Quart) -> None:
        @app.websocket("/socket")
        async def socket() -> None:
            while True:
                await websocket.receive()
                await websocket.send(str(await (await get_db()).fetchval("select 1")))

    app = await start_app(prepare, pool_max=1)
    async with app.test_client().websocket("/socket") as connection:
        for _ in range(2):
            await connection.send("?")
            assert await connection.receive() == "1"
        await connection.disconnect()
    assert len(ledger.taken) == 1
    assert ledger.is_even()
    assert await idle(app) == 1


async def test_background_task(start_view: StartView, ledger: Ledger) -> None:
    """A background task has a connection of its own, also when its request is over."""
    may_go, gone = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await may_go.wait()
        assert await (await get_db()).fetchval("select 1") == 1
        gone.set()

    async def view() -> str:
        await get_db()
        app.add_background_task(work)
        return ""

    app = await start_view(view, pool_max=1)
    await app.test_client().get("/view")
    may_go.set()
    await gone.wait()
    await asyncio.gather(*app.background_tasks)
    assert len(ledger.taken) == 2
    assert ledger.is_even()
    assert await idle(app) == 1


async def test_app_context(app: Quart, ledger: Ledger) -> None:
    """Commands and jobs use the same in ``app.app_context()``, also when they fail."""
    async with app.app_context():
        assert await get_db() is await get_db()

    async def fail() -> None:
        async with app.app_context():
            await get_db()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert len(ledger.taken) == 2
    assert ledger.is_even()
    assert await idle(app) == 10


async def test_release_early_and_take_again(start_view: StartView, ledger: Ledger) -> None:
    """What `release_db` gave back others can have at once; asking again takes another."""
    inner: list[int] = []

    async def view() -> str:
        await get_db()
        release_db()
        release_db()
        assert "db" not in g
        async with app.app_context():
            inner.append(await (await get_db()).fetchval("select 1"))
        return str(await (await get_db()).fetchval("select 2"))

    app = await start_view(view, pool_max=1)
    assert await (await app.test_client().get("/view")).get_data() == b"2"
    assert inner == [1]
    assert len(ledger.taken) == 3
    assert ledger.is_even()
    assert await idle(app) == 1


async def test_task_that_outlives_its_request(start_view: StartView, ledger: Ledger) -> None:
    """A task that is still there after its request is refused a connection."""
    over = asyncio.Event()
    tasks = []

    async def later() -> None:
        await over.wait()
        await get_db()

    async def view() -> str:
        await get_db()
        tasks.append(asyncio.create_task(later()))
        return ""

    app = await start_view(view)
    await app.test_client().get("/view")
    over.set()
    with pytest.raises(RuntimeError, match="has ended"):
        await tasks[0]
    assert len(ledger.taken) == 1
    assert await idle(app) == 10


async def test_task_that_waits_for_the_pool_meanwhile(
    start_view: StartView, ledger: Ledger
) -> None:
    """A task that gets its connection only after its request's end doesn't keep it."""
    tasks = []

    async def view() -> str:
        tasks.append(asyncio.create_task(get_db()))
        await asyncio.sleep(0)  # lets it begin to wait
        return ""

    app = await start_view(view, pool_max=1)
    pool: Pool = app.extensions["locker"].get(Pool)
    held = await pool.acquire()
    await app.test_client().get("/view")
    assert not tasks[0].done()
    pool.release(held)
    with pytest.raises(RuntimeError, match="has ended"):
        await tasks[0]
    assert len(ledger.taken) == 2
    assert ledger.is_even()
    assert await idle(app) == 1
