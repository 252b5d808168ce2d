"""Session and connection outside of a server: tests, scripts, hooks; nothing is held afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest
from quart import Quart, current_app, g, session
from quart.utils import run_sync

from quart_locker import PooledConnection, SectionedSessions
from tests.quart_locker.conftest import settle
from tests.support.keys import KEY


class Shelf:
    """An application with both, and what its hooks saw."""

    def __init__(self, dsn: str) -> None:
        self.app = Quart(__name__)
        self.app.secret_key = KEY
        SectionedSessions(self.app, sections=["cart"])
        self.db = PooledConnection(self.app, dsn, max_size=3)
        self.seen: list[Any] = []

    async def one(self) -> int:
        number: int = await (await self.db.get()).fetchval("select 1")
        return number


@pytest.fixture
def shelf(dsn: str) -> Shelf:
    return Shelf(dsn)


async def test_startup_and_shutdown(shelf: Shelf) -> None:
    """A script may start and end the application by hand."""
    await shelf.app.startup()
    async with shelf.app.app_context():
        assert await shelf.one() == 1
    assert await settle(shelf.app, shelf.db) == 3
    await shelf.app.shutdown()


async def test_hooks_of_the_start_and_of_the_end(shelf: Shelf) -> None:
    """`before_serving`, both halves of `while_serving`, and `after_serving` have the connection."""

    @shelf.app.before_serving
    async def before() -> None:
        shelf.seen.append(await shelf.one())

    @shelf.app.while_serving
    async def around() -> AsyncGenerator[None, None]:
        shelf.seen.append(await shelf.one())
        yield
        shelf.seen.append(await shelf.one())

    @shelf.app.after_serving
    async def after() -> None:
        shelf.seen.append(await shelf.one())

    async with shelf.app.test_app():
        assert shelf.seen == [1, 1]
        assert await settle(shelf.app, shelf.db) == 3
    assert shelf.seen == [1, 1, 1, 1]


async def test_a_request_context_of_a_script(shelf: Shelf) -> None:
    """`test_request_context` has both."""
    async with shelf.app.test_app():
        async with shelf.app.test_request_context("/"):
            session["cart"] = [1]
            assert (await shelf.one(), session["cart"]) == (1, [1])
        assert await settle(shelf.app, shelf.db) == 3


async def test_a_client_within_a_view(shelf: Shelf) -> None:
    """A view that asks its own application has its own session and connection still."""

    @shelf.app.get("/inner")
    async def inner() -> str:
        session["cart"] = "inner"
        return str(await shelf.one())

    @shelf.app.get("/outer")
    async def outer() -> dict[str, Any]:
        session["cart"] = "outer"
        before = await shelf.db.get()
        answer = await current_app.test_client().get("/inner")
        body = await answer.get_data(as_text=True)
        same = before is await shelf.db.get()
        return {"inner": body, "same": same, "cart": session["cart"]}

    async with shelf.app.test_app():
        client = shelf.app.test_client()
        found = await (await client.get("/outer")).get_json()
        assert found == {"inner": "1", "same": True, "cart": "outer"}
        async with client.session_transaction() as kept:
            assert kept["cart"] == "outer"
        assert await settle(shelf.app, shelf.db) == 3


async def test_run_sync_writes_the_session(shelf: Shelf) -> None:
    """A function that runs in a thread reads and writes the session of its request."""

    @shelf.app.get("/")
    async def view() -> dict[str, Any]:
        session["cart"] = [1]
        await run_sync(lambda: session["cart"].append(2))()
        return dict(session)

    client = shelf.app.test_client()
    assert await (await client.get("/")).get_json() == {"cart": [1, 2]}
    async with client.session_transaction() as kept:
        assert kept["cart"] == [1, 2]


@pytest.mark.parametrize("error", [ValueError, KeyError])
async def test_given_back_whatever_a_view_raises(shelf: Shelf, error: type[Exception]) -> None:
    """A view that raises keeps nothing."""

    @shelf.app.get("/")
    async def view() -> str:
        await shelf.one()
        raise error

    async with shelf.app.test_app():
        for _ in range(5):
            assert (await shelf.app.test_client().get("/")).status_code == 500
        assert await settle(shelf.app, shelf.db) == 3


async def test_given_back_by_what_is_cancelled(shelf: Shelf) -> None:
    """A context that ends by a cancellation keeps nothing either."""

    async def wait() -> None:
        async with shelf.app.test_request_context("/"):
            await shelf.one()
            began.set()
            await asyncio.Event().wait()

    async with shelf.app.test_app():
        for _ in range(5):
            began = asyncio.Event()
            task = asyncio.create_task(wait())
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await settle(shelf.app, shelf.db) == 3


async def test_all_that_one_asks_of_a_connection(shelf: Shelf) -> None:
    """Statements, many at once, rows, one row, none, a value, one after another."""
    async with shelf.app.test_app(), shelf.app.app_context():
        db = await shelf.db.get()
        await db.execute("create temporary table things (id int, name text)")
        await db.executemany("insert into things values ($1, $2)", [(1, "a"), (2, "b")])
        assert [tuple(row) for row in await db.fetch("select * from things order by id")] == [
            (1, "a"),
            (2, "b"),
        ]
        first = await db.fetchrow("select name from things where id = $1", 1)
        assert first is not None
        assert first["name"] == "a"
        assert await db.fetchrow("select name from things where id = 3") is None
        assert await db.fetchval("select count(*) from things") == 2
        async with db.transaction():
            cursor = db.cursor("select name from things order by id")
            assert [row["name"] async for row in cursor] == ["a", "b"]


@pytest.mark.parametrize("reset", [True, False])
async def test_a_transaction_is_whole(dsn: str, reset: bool) -> None:  # noqa: FBT001
    """It commits, or rolls back after an error; one that was left open is rolled back."""
    app = Quart(__name__)
    db = PooledConnection(app, dsn, max_size=1, reset=reset)
    async with app.test_app():
        async with app.app_context():
            connection = await db.get()
            await connection.execute("drop table if exists written")
            await connection.execute("create table written (name text unique)")
            async with connection.transaction():
                await connection.execute("insert into written values ('kept')")
            with pytest.raises(asyncpg.UniqueViolationError):
                async with connection.transaction():
                    await connection.execute("insert into written values ('lost'), ('kept')")
            await connection.execute("begin")
            await connection.execute("insert into written values ('stray')")
        async with app.app_context():
            connection = await db.get()
            rows = await connection.fetch("select name from written")
            assert [row["name"] for row in rows] == ["kept"]
            await connection.execute("drop table written")
            assert g.db is connection
