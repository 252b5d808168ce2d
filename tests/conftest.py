"""A real PostgreSQL for the whole run, and the service on it.

Tests share the run's database and keep out of each other's way: each has shoppers, carts and
products of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
from quart import Quart
from quart.typing import TestClientProtocol

from service import create_app, database
from service.devserver import PostgresServer
from service.migrations import grant, migrate
from service.settings import Limit, Settings
from tests.support import serving
from tests.support.databases import lasting_database, name_of, new_database
from tests.support.keys import KEY
from tests.support.pooler import pooling
from tests.support.roles import SERVING_ROLE, as_serving_role, make_serving_role
from tests.support.serving import Served, serve
from tests.support.shopping import Product, add_products, register
from tests.support.templates import CompiledTemplates

# Some machines are slow; a test that hangs ends by pytest's own limit.
hypothesis.settings.register_profile(
    "locker",
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("locker")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let reports of hostile text travel between processes, which takes what UTF-8 can say."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


def pytest_collection_finish() -> None:
    """Keep what was collected, thousands of tests, out of the garbage collector's rounds."""
    gc.collect()
    gc.freeze()


COMPILED_TEMPLATES = CompiledTemplates()
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that may be filled with databases: `LOCKER_TEST_DATABASE_URL`, or our own."""
    given = os.environ.get("LOCKER_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with PostgresServer(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        asyncio.run(make_serving_role(server.dsn))
        yield server.dsn


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pgbouncer",
        action="store_true",
        help="put PgBouncer, in transaction mode, between the service and its database",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("pgbouncer"):
        shared = pytest.mark.skip(reason="PgBouncer shares the server's sessions")
        for item in items:
            if item.get_closest_marker("session"):
                item.add_marker(shared)


@pytest.fixture(scope="session", autouse=True)
def in_between(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is given the run's database goes there as the role that serves, or by PgBouncer.

    Tests themselves look at the database directly, as its owner, and so do their commands.
    """
    server_url, init_app = request.getfixturevalue("server_url"), database.init_app
    with ExitStack() as stack:
        if request.config.getoption("pgbouncer"):
            prepare = stack.enter_context(pooling(server_url)).in_front
        else:
            prepare = partial(as_serving_role, server_url)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(
            database,
            "init_app",
            lambda app, settings, *more: init_app(app, prepare(settings), *more),
        )
        patch.setattr(serving, "prepare", prepare)
        yield


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a database that has every migration, and to which nobody is connected."""

    async def migrate_it(url: str) -> None:
        db = await asyncpg.connect(url)
        await migrate(db)
        if "LOCKER_TEST_DATABASE_URL" not in os.environ:
            await grant(db, SERVING_ROLE)
        await db.close()

    with lasting_database(server_url, prepare=migrate_it) as url:
        yield name_of(url)


@pytest.fixture(scope="session")
def database_url(server_url: str, template: str) -> Iterator[str]:
    """This run's database, migrated."""
    with lasting_database(server_url, template) as url:
        yield url


@pytest.fixture
async def empty_url(server_url: str) -> AsyncIterator[str]:
    """A database without tables."""
    async with new_database(server_url) as url:
        yield url


@pytest.fixture
async def own_url(server_url: str, template: str) -> AsyncIterator[str]:
    """A database of this test's own, migrated."""
    async with new_database(server_url, template) as url:
        yield url


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection whose transaction is rolled back at the end."""
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.fixture
async def observer(settings: Settings) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection beside the service's own, to look at what it stored."""
    connection = await asyncpg.connect(settings.database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def settings(database_url: str) -> Settings:
    """Settings for the run's database; the hashing is cheap."""
    return Settings(
        environment="development",
        database_url=database_url,
        secret_key=KEY,
        allowed_hosts=("localhost", "127.0.0.1"),
        secure_cookies=False,
        metrics="main",
        docs=True,
        admin_pages=True,
        argon2=(64, 1, 1),
        # Every test comes from one address.
        throttle_address=Limit(0, 0),
        throttle_total=Limit(0, 0),
        throttle_carts=Limit(0, 0),
        throttle_orders=Limit(0, 0),
        hash_queue=1_000,
        # However busy the machine, a connection is waited for.
        pool_timeout=20.0,
        drain_time=0.0,
        # What a test writes is to be seen at once; `tests/catalogue/test_held.py` holds it.
        catalogue_memory=0,
    )


@pytest.fixture
async def start_app(
    settings: Settings,
) -> AsyncIterator[Callable[..., Awaitable[Quart]]]:
    """Start the service, with other settings where ``changes`` say so."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(prepare: Callable[[Quart], None] | None = None, **changes: Any) -> Quart:
            app = create_app(dataclasses.replace(settings, **changes))
            app.jinja_env.bytecode_cache = COMPILED_TEMPLATES
            if prepare:
                prepare(app)
            lifespan = app.test_app()
            await lifespan.startup()
            stack.push_async_callback(lifespan.shutdown)
            return app

        yield start


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[Quart]:
    """The service, started once for every test that changes nothing of it: others start theirs."""
    app = create_app(settings)
    async with app.test_app():
        yield app


@pytest.fixture
def client(app: Quart) -> TestClientProtocol:
    """A browser: it keeps its cookies."""
    return app.test_client()


@pytest.fixture
async def signed_in(client: TestClientProtocol) -> TestClientProtocol:
    """A browser whose owner has an account, and is logged in."""
    await register(client)
    return client


@pytest.fixture(scope="session")
def pair(settings: Settings) -> Iterator[tuple[Served, Served]]:
    """Two processes of the service, on the run's database."""
    with serve(settings) as one, serve(settings) as two:
        yield one, two


@pytest.fixture(scope="session")
def untaken_in() -> dict[str, list[Product]]:
    """Products that no test has had yet, by the database they are in."""
    return defaultdict(list)


@pytest.fixture
async def product(settings: Settings, untaken_in: dict[str, list[Product]]) -> Product:
    """A product in one variant: 15.99, and plenty of it."""
    untaken = untaken_in[settings.database_url]
    if not untaken:
        untaken += await add_products(settings.database_url, 20)
    return untaken.pop()


@pytest.fixture
def shared_data() -> Path:
    """The real catalogue files, where they are at hand."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real catalogue files are not here")
    return SHARED_DATA
