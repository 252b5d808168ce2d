"""Query plans on much data: nothing reads a large table from end to end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from quart import Quart

from benchmarks.year import YEAR, fill
from service import carts, clock, create_app, housekeeping
from service.migrations import migrate
from service.settings import Settings
from tests.support.checkout import check_out
from tests.support.databases import new_database
from tests.support.shopping import API, add, get, log_in, register

LARGE = {"accounts", "carts", "idempotency_keys", "logins", "order_lines", "orders"}

Plans = dict[str, list[Any]]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(5_000, id="small"),
        pytest.param(YEAR, id="year", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ],
)
def orders(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
async def full(server_url: str, orders: int) -> AsyncIterator[str]:
    """A database with so many orders, the planner's statistics up to date."""
    async with new_database(server_url) as url:
        db = await asyncpg.connect(url)
        await migrate(db)
        await fill(db, orders)
        await db.close()
        yield url


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plans]:
    """The plans of all statements with parameters that are run from now on."""
    plans: Plans = {}
    execute: Callable[..., Any] = vars(asyncpg.Connection)["_execute"]

    async def explained(self: Any, query: str, args: Any, *more: Any, **options: Any) -> Any:
        if query not in plans and not query.lstrip().lower().startswith(("explain", "show")):
            found = []
            for kind in _kinds(self):
                (row,) = await execute(self, f"explain ({kind}format json) {query}", args, 0, None)
                found += json.loads(row[0])
            plans[query] = found
        return await execute(self, query, args, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "_execute", explained)
        yield plans


async def test_no_large_table_is_read_whole(
    full: str, orders: int, settings: Settings, plans: Plans
) -> None:
    """Shopping, a login's merge, checkout, lists, a purge and a look for left carts use indexes."""
    settings = replace(settings, database_url=full, guest_order_days=30)
    app = create_app(settings)
    async with app.test_app():
        await _shop(app)
    db = await asyncpg.connect(full)
    for rule in housekeeping.rules(settings):
        async for _ in housekeeping.purge(db, rule, batch=orders // 1000):
            break
    most = orders // 1000
    assert await carts.tell_of_abandoned(db, timedelta(hours=4), clock.now(), most) == most
    await db.close()

    read = {query: _tables(plan) for query, plan in plans.items()}
    assert any("insert into orders" in query for query in read)
    assert any("merged_into = $1" in query for query in read)
    assert any("order by o.id desc" in query for query in read)
    assert any("skip locked" in query and "delete from carts" in query for query in read)
    assert any("update carts set told_at" in query for query in read)
    assert any("update orders set key_hash" in query for query in read)
    assert {query: tables & LARGE for query, tables in read.items() if tables & LARGE} == {}


async def _shop(app: Quart) -> None:
    """Do what shoppers do."""
    client = app.test_client()
    await add(client, "YEAR-1")
    name = (await register(client))["user"]["username"]
    await client.delete(f"{API}/session")
    await add(client, "YEAR-2")
    await log_in(client, name)
    for key in (None, "key"):
        cart = await add(client, "YEAR-3")
        status, order, _ = await check_out(client, cart["total"], key=key)
        assert status == 201
    await check_out(client, cart["total"])
    first = await get(client, "/orders?limit=1")
    await get(client, f"/orders?limit=1&after={first['next']}")
    await get(client, f"/orders/{order['number']}")
    await get(client, "/session")
    await client.post(f"{API}/orders/{order['number']}/cancel", headers={"Idempotency-Key": "k"})


def _kinds(connection: Any) -> tuple[str, ...]:
    """Return how to ask for the plan of these parameters, and for the one of any parameters."""
    return ("", "generic_plan, ") if connection.get_server_version().major >= 16 else ("",)


def _tables(node: Any) -> set[str]:
    """Return the tables that a plan reads from end to end."""
    if isinstance(node, list):
        return set().union(*map(_tables, node))
    if not isinstance(node, dict):
        return set()
    here = {node["Relation Name"]} if node.get("Node Type") == "Seq Scan" else set()
    return here.union(*map(_tables, node.values()))
