"""A real Patroni cluster that changes its leader under load, with `make test-cluster`.

``PATRONI`` names a program with the commands `switchover`, `kill9` and `rejoin N`, for a running
cluster of three on the ports 5541 to 5543 of this machine, with a database and a role `app`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress

import asyncpg
import httpx
import pytest

from service.migrations import migrate
from service.settings import Settings
from tests.support.serving import Served, serve
from tests.support.shopping import API, PASSWORD, add_product, new_name

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PATRONI = os.environ.get("PATRONI", "")
URL = "postgresql://app:app@127.0.0.1:5541,127.0.0.1:5542,127.0.0.1:5543/app"
PRIMARY = f"{URL}?target_session_attrs=primary"
SHOPPERS = 10
BACK_WITHIN = 2.0
"""Seconds from there being a leader to the next write that is acknowledged."""


@pytest.fixture
def cluster(settings: Settings) -> Iterator[Served]:
    if not PATRONI:
        pytest.skip("PATRONI names no program that runs a cluster")

    async def prepare() -> None:
        db = await asyncpg.connect(PRIMARY)
        await db.execute("drop schema public cascade; create schema public")
        await migrate(db)
        await db.close()

    asyncio.run(prepare())
    with serve(
        dataclasses.replace(settings, pool_timeout=2.0), database_url=URL, log_level="ERROR"
    ) as served:
        yield served


class Shopper:
    """Adds one unit after the other, and remembers what was acknowledged."""

    def __init__(self, client: httpx.AsyncClient, sku: str) -> None:
        self.client, self.sku = client, sku
        self.acknowledged = self.unsure = 0
        self.refused: list[int] = []
        self.slowest = 0.0
        self.done: list[float] = []

    async def register(self) -> None:
        body = {"username": new_name(), "email": f"{new_name()}@x.example", "password": PASSWORD}
        answer = await self.client.post(f"{API}/account", json=body)
        assert answer.status_code == 201, answer.text

    async def shop(self, until: asyncio.Event) -> None:
        while not until.is_set():
            began = time.monotonic()
            answer = await self.client.post(f"{API}/cart/lines", json={"sku": self.sku})
            self.slowest = max(self.slowest, time.monotonic() - began)
            if answer.status_code in {200, 201}:
                self.acknowledged += 1
                self.done.append(time.monotonic())
            else:
                assert answer.status_code == 503, answer.text
                self.refused.append(answer.status_code)
                self.unsure += 1
            await asyncio.sleep(0.05)

    async def check(self) -> None:
        """Still logged in, and nothing that was acknowledged is missing."""
        session = (await self.client.get(f"{API}/session")).json()
        assert session["authenticated"] or session.get("user"), session
        cart = (await self.client.get(f"{API}/cart")).json()
        quantity = cart["lines"][0]["quantity"]
        assert self.acknowledged <= quantity <= self.acknowledged + self.unsure


async def await_leader(previous: str) -> float:
    """Return when there is a primary other than the one before."""
    while True:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            db = await asyncpg.connect(PRIMARY, timeout=1)
            port = await db.fetchval("select inet_server_port()::text")
            await db.close()
            if port != previous:
                return time.monotonic()
        await asyncio.sleep(0.05)


async def patroni(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(PATRONI, *arguments)
    assert await process.wait() == 0


@pytest.mark.parametrize("what", ["switchover", "kill9"])
async def test_another_leader(cluster: Served, what: str) -> None:
    """Nothing that was acknowledged is lost, nobody is logged out, and writes soon go on."""
    product = await add_product(PRIMARY)
    db = await asyncpg.connect(PRIMARY)
    before = await db.fetchval("select inet_server_port()::text")
    await db.close()
    async with AsyncExitStack() as stack:
        shoppers = [
            Shopper(
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=cluster.url, timeout=30)
                ),
                product.sku,
            )
            for _ in range(SHOPPERS)
        ]
        await change_leader(what, before, shoppers)
    if what == "kill9":
        await patroni("rejoin", str(int(before) - 5540))


async def change_leader(what: str, before: str, shoppers: list[Shopper]) -> None:
    for shopper in shoppers:
        await shopper.register()
    until = asyncio.Event()
    shopping = asyncio.gather(*(shopper.shop(until) for shopper in shoppers))
    await asyncio.sleep(2)
    _, led = await asyncio.gather(patroni(what), await_leader(before))
    await asyncio.sleep(3)
    until.set()
    await shopping
    done = sorted(moment for shopper in shoppers for moment in shopper.done)
    back = next(moment for moment in done if moment > led - 0.2) - led
    gap = max(after - earlier for earlier, after in itertools.pairwise(done))
    slowest = max(shopper.slowest for shopper in shoppers)
    refused = sum(len(shopper.refused) for shopper in shoppers)
    figures = (
        f"{what}: {len(done)} acknowledged, {refused} refused, the longest gap {gap:.1f} s, "
        f"the slowest answer {slowest:.1f} s, back {back:.1f} s after there was a leader"
    )
    print(figures)  # noqa: T201 - for whoever runs it
    await asyncio.gather(*(shopper.check() for shopper in shoppers))
    assert back < BACK_WITHIN
    assert slowest < 5
