"""PgBouncer in transaction mode, which gives each transaction another session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest
from quart import Quart

from service.database import POOLER
from service.settings import Settings
from tests.support.commands import LOCKER, development, environment
from tests.support.pooler import IGNORED, PROGRAM, Pooler, pooling
from tests.support.serving import ROOT
from tests.support.shopping import API, add_product, register

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed"),
]

StartApp = Callable[..., Awaitable[Quart]]
SHOPPERS = 20


@pytest.fixture(scope="module")
def pooler(server_url: str) -> Iterator[Pooler]:
    """PgBouncer with fewer sessions than the service has connections.

    It drops in silence what it can't pass on.
    """
    with pooling(server_url, sessions=3, ignored=IGNORED) as pooler:
        yield pooler


@pytest.fixture(scope="module")
def strict(server_url: str) -> Iterator[Pooler]:
    """PgBouncer that refuses what it can't pass on, as it does by default."""
    with pooling(server_url) as pooler:
        yield pooler


async def locker(*arguments: str, url: str, **more: str) -> tuple[int, str, str]:
    """Run a command beside this process's loop, with a port of its own to serve on."""
    variables = {**development(url), "BIND": "127.0.0.1:0", **more}
    process = await asyncio.create_subprocess_exec(
        *LOCKER,
        *arguments,
        cwd=ROOT,
        env=environment({f"LOCKER_{name}": value for name, value in variables.items()}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def shop(app: Quart, sku: str, quantity: int) -> list[tuple[str, int]]:
    """Register, add, look at the list, order; returns what was ordered."""
    client: Any = app.test_client()
    await register(client)
    added = await client.post(f"{API}/cart/lines", json={"sku": sku, "quantity": quantity})
    assert added.status_code == 201, await added.get_data()
    assert (await client.get(f"{API}/products?q={sku}")).status_code == 200
    total = (await (await client.get(f"{API}/cart")).get_json())["total"]
    order = await client.post(f"{API}/orders", json={"expected_total": total})
    assert order.status_code == 201, await order.get_data()
    return [(line["sku"], line["quantity"]) for line in (await order.get_json())["lines"]]


async def test_each_shopper_has_their_own(
    start_app: StartApp, settings: Settings, pooler: Pooler
) -> None:
    """Shoppers who share a few sessions of the server each get their own, with every answer."""
    behind = pooler.in_front(settings)
    app = await start_app(database_url=behind.database_url, pgbouncer=behind.pgbouncer)
    products = [await add_product(settings.database_url) for _ in range(SHOPPERS)]
    bought = await asyncio.gather(
        *(shop(app, product.sku, quantity) for quantity, product in enumerate(products, 1))
    )
    assert bought == [[(product.sku, number)] for number, product in enumerate(products, 1)]


async def test_statements_end(start_app: StartApp, settings: Settings, pooler: Pooler) -> None:
    """A statement that waits too long is ended, though no limit of ours reaches the server."""
    behind = pooler.in_front(settings)
    app = await start_app(
        database_url=behind.database_url, pgbouncer=behind.pgbouncer, statement_timeout=0.3
    )
    product = await add_product(settings.database_url)
    other = await asyncpg.connect(settings.database_url)
    async with other.transaction():
        await other.execute("lock table carts")
        answer = await app.test_client().post(f"{API}/cart/lines", json={"sku": product.sku})
        assert (answer.status_code, (await answer.get_json())["code"]) == (503, "busy")
        waiting = (
            "select count(*) from pg_locks where not granted and database = "
            "(select oid from pg_database where datname = current_database())"
        )
        while await other.fetchval(waiting):  # noqa: ASYNC110 - the server ends it
            await asyncio.sleep(0.01)
    await other.close()


async def test_migrations(empty_url: str, pooler: Pooler) -> None:
    """Migrations, two at once, go by PgBouncer, and what they make is the whole schema."""
    url = pooler.url(empty_url)
    both = await asyncio.gather(
        *(locker("migrate", url=url, PGBOUNCER="transaction") for _ in range(2))
    )
    assert [status for status, *_ in both] == [0, 0], both
    assert sum("applied 0001_accounts" in output for _, output, _ in both) == 1, both
    status, output, _ = await locker("migrate", "--check", url=url, PGBOUNCER="transaction")
    assert (status, output) == (0, "The schema is up to date.\n")


async def test_not_said(
    start_app: StartApp, settings: Settings, pooler: Pooler, strict: Pooler
) -> None:
    """Without the setting nothing starts behind PgBouncer, and one line says what to set.

    Neither does a service become ready that found its database away when it started.
    """
    for each, command in (
        *((pooler, command) for command in ("serve", "migrate --check", "user list", "doctor")),
        *((strict, command) for command in ("serve", "user list")),
    ):
        url = each.url(settings.database_url)
        status, output, errors = await locker(*command.split(), url=url)
        assert status == 1, command
        if command == "doctor":
            assert "Set LOCKER_PGBOUNCER=transaction" in output
        else:
            assert (output, errors) == ("", f"Error: {POOLER}\n"), command
        app = await start_app(database_url=url)
        assert (await app.test_client().get("/readyz")).status_code == 503
        assert (await app.test_client().get(f"{API}/products")).status_code == 503
