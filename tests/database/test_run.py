"""Running an action again where Postgres asks for it, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from quart import Quart

from service.database import ATTEMPTS, LOST, Conflicted, Connection, Pool, run
from service.errors import Unavailable
from tests.database.conftest import StartView, idle
from tests.support.line import Line

StartApp = Callable[..., Awaitable[Quart]]
SLEEP_IN_COMMIT = """
    create temporary table slept (id int);
    create function pg_temp.sleep() returns trigger language plpgsql
        as 'begin perform pg_sleep(20); return null; end';
    create constraint trigger sleep after insert on slept deferrable initially deferred
        for each row execute function pg_temp.sleep();
    insert into slept values (1)
"""


async def end_when_asleep(observer: Connection, pid: int) -> None:
    """End a server process in the midst of what it was asked for."""
    asleep = "select wait_event = 'PgSleep' from pg_stat_activity where pid = $1"
    while not await observer.fetchval(asleep, pid):
        pass
    await observer.execute("select pg_terminate_backend($1)", pid)


async def test_again_after_a_conflict(app: Quart, observer: Connection) -> None:
    """A transaction that another one got in the way of (40001) is done again, whole."""
    await observer.execute("create table counters (id int primary key, count int)")
    await observer.execute("insert into counters values (1, 0)")
    seen = []

    async def increase(db: Connection) -> None:
        async with db.transaction(isolation="repeatable_read"):
            seen.append(await db.fetchval("select count from counters"))
            if len(seen) == 1:
                await observer.execute("update counters set count = count + 10")
            await db.execute("update counters set count = count + 1")

    async with app.app_context():
        await run(increase)
    assert seen == [0, 10]
    assert await observer.fetchval("select count from counters") == 11
    await observer.execute("drop table counters")


async def test_returns_what_the_action_does(app: Quart) -> None:
    """The action's result is handed on, and it runs once when nothing is in its way."""
    runs = []

    async def action(db: Connection) -> int:
        runs.append(db)
        return await db.fetchval("select 42")  # type: ignore[no-any-return]

    async with app.app_context():
        assert await run(action) == 42
    assert len(runs) == 1


@pytest.mark.parametrize(
    "error", [Conflicted, asyncpg.SerializationError, asyncpg.DeadlockDetectedError]
)
async def test_a_few_times_only(start_view: StartView, error: type[Exception]) -> None:
    """An action that fails again and again is tried a few times, and then 503 `busy`."""
    runs = []

    async def action(db: Connection) -> str:
        runs.append(db)
        raise error

    async def view() -> str:
        return await run(action)

    app = await start_view(view, pool_max=1)
    response = await app.test_client().get("/view")
    assert (response.status_code, (await response.get_json())["code"]) == (503, "busy")
    assert len(runs) == ATTEMPTS
    assert await idle(app) == 1


@pytest.mark.parametrize(
    "error",
    [asyncpg.ConnectionDoesNotExistError, asyncpg.QueryCanceledError, ConnectionResetError],
)
async def test_not_when_the_outcome_is_open(app: Quart, error: type[Exception]) -> None:
    """What may have been done already is not done again."""
    runs = []

    async def action(db: Connection) -> None:
        runs.append(db)
        raise error

    async with app.app_context():
        with pytest.raises(error):
            await run(action)
    assert len(runs) == 1


async def test_again_when_the_database_went_away(app: Quart, observer: Connection) -> None:
    """A transaction whose connection was lost before its COMMIT is done again, whole, and once."""
    marks = [b"lost %d" % number for number in range(2)]
    runs = []

    async def insert(db: Connection) -> None:
        async with db.transaction():
            runs.append(await db.fetchval("select pg_backend_pid()"))
            for mark in marks:
                await db.execute(
                    "insert into attempts (key, count, ends_at) values ($1, 1, now())", mark
                )
                if len(runs) == 1:
                    await observer.execute("select pg_terminate_backend($1)", runs[0])

    async with app.app_context():
        await run(insert)
    assert len(set(runs)) == 2
    kept = await observer.fetch("delete from attempts where key = any($1) returning key", marks)
    assert len(kept) == 2


@pytest.mark.session
@pytest.mark.parametrize("whole", [True, False], ids=["with its COMMIT", "a statement alone"])
async def test_not_when_it_may_have_happened(
    app: Quart, observer: Connection, *, whole: bool
) -> None:
    """What was lost with its COMMIT, or as a statement alone, may have been done."""
    runs = []

    async def act(db: Connection) -> None:
        runs.append(await db.fetchval("select pg_backend_pid()"))
        ending = asyncio.create_task(end_when_asleep(observer, runs[-1]))
        if whole:
            async with db.transaction():
                await db.execute(SLEEP_IN_COMMIT)
        else:
            await db.execute("select pg_sleep(20)")
        await ending

    async with app.app_context():
        with pytest.raises(LOST):
            await run(act)
    assert len(runs) == 1


async def test_a_database_that_comes_back(start_app: StartApp, database_url: str) -> None:
    """A request waits a little for a database that is away, and not for ever."""
    async with Line(database_url) as line:
        app = await start_app(database_url=line.url)
        await line.cut()

        async def mend(db: Connection) -> int:
            return await db.fetchval("select 1")  # type: ignore[no-any-return]

        async with app.app_context():
            waiting = asyncio.create_task(run(mend))
            pool: Pool = app.extensions["locker"].get(Pool)
            while not pool.use.failures:  # noqa: ASYNC110 - the pool has nobody to tell
                await asyncio.sleep(0.01)
            await line.mend()
            assert await waiting == 1
        await line.cut()
        async with app.app_context():
            with pytest.raises(Unavailable):
                await run(mend)
        await line.mend()
