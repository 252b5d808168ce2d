"""Running an action again where Postgres asks for it, and nowhere else."""

from __future__ import annotations

import asyncpg
import pytest
from quart import Quart

from service.database import ATTEMPTS, Conflicted, Connection, run
from tests.database.conftest import StartView, idle


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
