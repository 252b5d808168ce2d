"""Lists and searches are read from a standby that is close behind, and from the primary else."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest
from quart import Quart

from service import metrics, standby
from service.catalogue import select_products
from service.cli.doctor import _examine_standby
from service.database import Connection as Database
from service.database import get_db
from service.settings import Settings
from service.standby import Standby, read_public
from tests.support.databases import with_database
from tests.support.line import Line
from tests.support.replicas import READER, STRANGER, Replicated, as_superuser, replicating
from tests.support.shopping import API, add_product, get

pytestmark = pytest.mark.slow

StartApp = Callable[..., Awaitable[Quart]]

LAG = 0.4
"""Seconds; a test that waits for them is done soon."""


@pytest.fixture(scope="module")
def pair() -> Iterator[Replicated]:
    with replicating() as pair:
        yield pair


@pytest.fixture
async def replica(pair: Replicated) -> AsyncIterator[Database]:
    """The standby, as its superuser; it goes on at the end."""
    db = await asyncpg.connect(as_superuser(pair.standby.partition("&options")[0]))
    yield db
    await db.execute("select pg_wal_replay_resume()")
    await db.close()


@pytest.fixture
async def line(pair: Replicated) -> AsyncIterator[Line]:
    """The way to the standby."""
    async with Line(pair.standby) as line:
        yield line


@pytest.fixture
def start_pair(start_app: StartApp, pair: Replicated, monkeypatch: pytest.MonkeyPatch) -> StartApp:
    """Start the service on both; the standby is looked at often, and patiently."""
    monkeypatch.setattr(standby, "EVERY", 0.02)
    monkeypatch.setattr(standby, "WITHIN", 30.0)

    async def start(*, lag: float = 30.0, **changes: Any) -> Quart:
        urls = {"database_url": pair.primary, "standby_url": pair.standby}
        app = await start_app(**{**urls, **changes})
        of(app)._most = lag
        return app

    return start


def of(app: Quart) -> Standby:
    found: Standby = app.extensions["locker"].get(Standby)
    return found


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nobody says when
        await asyncio.sleep(0.01)


async def fresh(app: Quart) -> Quart:
    await until(lambda: of(app).is_fresh)
    return app


def reads() -> dict[str, float]:
    """Return how many lists and searches were answered so far, by whom."""
    return {
        server: metrics.standby_reads.labels(server)._value.get()
        for server in ("standby", "primary")
    }


async def listed(app: Quart) -> set[str]:
    """Return the newest of what the API lists."""
    found = await get(app.test_client(), "/products?sort=newest&limit=100")
    return {product["handle"] for product in found["products"]}


async def until_replayed(replica: Database, pair: Replicated) -> None:
    """Wait until the standby has what the primary has now."""
    primary = await asyncpg.connect(pair.primary)
    position = await primary.fetchval("select pg_current_wal_lsn()")
    await primary.close()
    while not await replica.fetchval("select pg_last_wal_replay_lsn() >= $1", position):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)


async def until_listed(app: Quart, *handles: str) -> None:
    while not {*handles} <= await listed(app):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)


async def test_lists_are_from_the_standby(
    start_pair: StartApp, pair: Replicated, replica: Database
) -> None:
    """Lists, searches and types are what the standby knows; a product is what is so now."""
    app = await fresh(await start_pair())
    await replica.execute("select pg_wal_replay_pause()")
    product = await add_product(pair.primary)
    before = reads()
    client = app.test_client()
    assert product.handle not in await listed(app)
    await get(client, "/products?facets=true&q=tent")
    await get(client, "/products/suggest?q=tent")
    await get(client, "/product-types")
    for path in ("/", "/?q=nothing", "/suggestions?q=tent"):
        assert (await client.get(path)).status_code == 200
    assert reads()["primary"] == before["primary"]
    assert reads()["standby"] >= before["standby"] + 10
    assert (await get(client, f"/products/{product.handle}"))["handle"] == product.handle
    await replica.execute("select pg_wal_replay_resume()")
    await until_listed(app, product.handle)


async def test_cursors_and_errors_are_the_same(start_pair: StartApp, pair: Replicated) -> None:
    """A list that was begun on one goes on with the other, and a bad cursor is refused by both."""
    products = {(await add_product(pair.primary)).handle for _ in range(2)}
    app = await fresh(await start_pair())
    await until_listed(app, *products)
    client = app.test_client()
    first = await get(client, "/products?sort=newest&limit=1")
    refused = await client.get(f"{API}/products?after=nonsense")
    of(app)._most = -1.0
    second = await get(client, f"/products?sort=newest&limit=1&after={first['next']}")
    assert {each["products"][0]["handle"] for each in (first, second)} == products
    before = reads()
    again = await client.get(f"{API}/products?after=nonsense")
    assert refused.status_code == again.status_code == 422
    assert reads()["standby"] == before["standby"]


async def test_one_that_lags_is_not_asked(
    start_pair: StartApp, pair: Replicated, replica: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Beyond the bound the primary answers, and the standby again once it has caught up."""
    caplog.set_level(logging.INFO, standby.logger.name)
    app = await fresh(await start_pair(lag=LAG))
    await replica.execute("select pg_wal_replay_pause()")
    product = await add_product(pair.primary)
    await until_listed(app, product.handle)
    # The one that looks after it says so at its next look.
    await until(lambda: f"it is more than {LAG:g} s behind" in " ".join(caplog.messages))
    behind = (await (await app.test_client().get("/metrics")).get_data(as_text=True)).partition(
        "\nlocker_standby_behind_seconds "
    )[2]
    assert float(behind.partition("\n")[0]) > LAG
    await replica.execute("select pg_wal_replay_resume()")
    of(app)._most = 30.0
    await until_replayed(replica, pair)
    await fresh(app)
    before = reads()
    assert product.handle in await listed(app)
    assert reads()["standby"] == before["standby"] + 1
    await until(lambda: caplog.messages[-1].endswith("the standby"))


async def test_a_quiet_primary_makes_no_lag(start_pair: StartApp, replica: Database) -> None:
    """A standby that has all there is isn't behind, however long ago the last change was."""
    app = await fresh(await start_pair(lag=LAG))
    moment = of(app)._behind._reached
    await until(lambda: of(app)._behind._reached > moment + 2 * LAG)


async def test_one_that_is_away_is_not_missed(
    start_pair: StartApp, pair: Replicated, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the standby goes away no request fails, and it is used when it is back."""
    caplog.set_level(logging.INFO, standby.logger.name)
    app = await fresh(await start_pair(standby_url=line.url))
    product = await add_product(pair.primary)
    await line.cut()
    assert product.handle in await listed(app)
    await until(lambda: not of(app).is_fresh)
    before, said = reads(), len(caplog.messages)
    for _ in range(3):
        assert product.handle in await listed(app)
    assert reads() == {**before, "primary": before["primary"] + 3}
    assert len(caplog.messages) == said
    await line.mend()
    await fresh(app)
    await listed(app)
    assert reads()["standby"] == before["standby"] + 1


async def test_one_that_vanishes_is_not_waited_for(
    start_pair: StartApp, pair: Replicated, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the standby says nothing any more, who waits for it is answered by the primary."""
    monkeypatch.setattr(standby, "WITHIN", 0.3)
    app = await fresh(await start_pair(standby_url=line.url, statement_timeout=600.0))
    product = await add_product(pair.primary)
    await listed(app)
    line.hold()
    assert product.handle in await listed(app)
    assert not of(app).is_fresh
    await line.cut()


async def test_what_fails_there_is_done_again(start_pair: StartApp) -> None:
    """What the standby can't do is done by the primary, whatever it is, and no connection kept."""

    async def write(db: Database) -> str:
        await db.execute("create table if not exists of_this_test (number int)")
        return str(await db.fetchval("select current_setting('transaction_read_only')"))

    app = await fresh(await start_pair())
    before = reads()
    async with app.app_context():
        assert await read_public(write) == "off"
        assert await (await get_db()).fetchval("select not pg_is_in_recovery()")
        await select_products(await get_db())
    assert reads() == {**before, "primary": before["primary"] + 1}
    pool = of(app).pool
    assert pool
    await pool.settle()
    assert pool.in_use == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda pair: with_database(pair.standby, "nowhere"), 'database "nowhere" does not exist'),
        (lambda pair: with_database(pair.standby, "postgres"), 'relation "catalogue" does not'),
        (lambda pair: pair.standby.replace(READER, STRANGER), "permission denied for"),
    ],
    ids=["no database", "no tables", "no rights"],
)
async def test_what_is_no_good_is_not_asked(
    start_pair: StartApp,
    pair: Replicated,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Replicated], str],
    why: str,
) -> None:
    """What is no standby, or doesn't let us in, costs nothing but a line in the log.

    Nor does it keep the service from starting.
    """
    app = await start_pair(standby_url=change(pair))
    await is_left_alone(app, caplog, why)


async def test_the_standby_of_another_is_not_asked(
    start_pair: StartApp, caplog: pytest.LogCaptureFixture, database_url: str
) -> None:
    """Nor does the shop show what is in another shop's database."""
    app = await start_pair(database_url=database_url)
    await is_left_alone(app, caplog, "it is the standby of another database")


async def is_left_alone(app: Quart, caplog: pytest.LogCaptureFixture, why: str) -> None:
    await until(lambda: any(why in message for message in caplog.messages))
    before = reads()
    await listed(app)
    assert (await app.test_client().get("/readyz")).status_code == 200
    assert reads() == {**before, "primary": before["primary"] + 1}


@pytest.mark.parametrize(
    ("change", "told", "fix"),
    [
        (lambda pair: pair.standby, "bytes behind", ""),
        (lambda pair: pair.primary, "it is no standby", "read from the primary"),
        (lambda pair: pair.standby.replace(READER, STRANGER), "permission", "--grant-reading"),
        (lambda pair: pair.standby.partition("&options")[0], "more than the public", "of its own"),
        (lambda pair: "postgresql://127.0.0.1:1/locker", "can't be reached", "the primary"),
    ],
    ids=["good", "the primary", "no rights", "too many rights", "nothing"],
)
async def test_the_doctor_looks_at_it(
    settings: Settings,
    pair: Replicated,
    change: Callable[[Replicated], str],
    told: str,
    fix: str,
) -> None:
    """`locker doctor` says what is wrong with the standby, and that the service runs without."""
    urls = {"database_url": pair.primary, "standby_url": change(pair)}
    primary = await asyncpg.connect(pair.primary)
    found = [
        each
        async for each in _examine_standby(primary, dataclasses.replace(settings, **urls))  # type: ignore[arg-type] # as given
    ]
    await primary.close()
    assert all(each.runs for each in found if each.fix)
    assert told in found[-1].what
    assert fix in found[-1].fix
