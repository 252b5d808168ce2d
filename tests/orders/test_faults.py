"""Orders placed while connections are cut and the service is killed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from random import Random
from typing import Any

import httpx
import pytest

from service.database import Connection
from service.orders.keys import hash_key
from service.settings import Limit, Settings
from tests.support.audit import audit, stock_adds_up
from tests.support.cutting import COMMIT_CUTS, REQUEST_CUTS, Proxy, through, to_database
from tests.support.serving import serve
from tests.support.shoppers import Event, History, Shopper
from tests.support.shopping import API, add_product

AT_ONCE = 8
REPEATS = 5


@contextlib.asynccontextmanager
async def browser(port: int) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client:
        yield client


async def all_at_once(shop: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(shop())


@pytest.mark.parametrize(
    "orders", [20, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
async def test_checkouts_whose_connections_are_cut(
    orders: int, settings: Settings, observer: Connection
) -> None:
    """Each is retried five times, cut before, during and after the commit, and placed once.

    Every answer to one of them is the same, and the stock is right to the unit.
    """
    chance, history = Random(5), History()
    product = await add_product(settings.database_url, price="10.00", stock=orders * 3)
    database = Proxy(to_database(settings.database_url), COMMIT_CUTS, chance=chance)
    front = Proxy(
        lambda: asyncio.open_connection("127.0.0.1", served.port), REQUEST_CUTS, chance=chance
    )
    waiting = iter(range(orders))

    async def shop() -> None:
        for _ in waiting:
            async with browser(front.port) as client:
                shopper, quantity = Shopper(client, history), chance.randint(1, 3)
                await shopper.register()
                await shopper.add(product.sku, quantity)
                total, key = {"expected_total": quantity * 1000}, secrets.token_hex(8)
                for _ in range(1 + REPEATS):
                    await shopper.send("POST", "/orders", total, key)
                assert (await shopper.insist("POST", "/orders", total, key)).done

    async with database.serving(), front.serving():
        url = through(settings.database_url, database.port)
        with serve(settings, database_url=url, log_level="ERROR") as served:
            database.rate, front.rate = 0.2, 0.3
            await all_at_once(shop)
            # Not in this thread: to end, it has to talk to the database, by way of the proxy here.
            await asyncio.to_thread(served.stop)

    assert {event.status for event in history.events} <= {None, 200, 201, 503}
    assert await audit(observer, history) == orders
    assert await stock_adds_up(observer, product.sku, orders * 3)
    assert front.accidents.keys() == set(REQUEST_CUTS)
    assert database.accidents.keys() == set(COMMIT_CUTS)


@pytest.mark.parametrize("way", ["cookie", "token"])
@pytest.mark.parametrize(
    "orders", [10, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
async def test_guests_whose_connections_are_cut(
    orders: int, way: str, settings: Settings, observer: Connection
) -> None:
    """A guest's checkout is retried five times, cut anywhere, and placed once, with one key.

    Every answer says the key, which shows the order and is kept as a hash.
    """
    chance, history = Random(7), History()
    product = await add_product(settings.database_url, price="10.00", stock=orders * 3)
    database = Proxy(to_database(settings.database_url), COMMIT_CUTS, chance=chance)
    front = Proxy(
        lambda: asyncio.open_connection("127.0.0.1", served.port), REQUEST_CUTS, chance=chance
    )
    waiting, placed = iter(range(orders)), list[tuple[Shopper, Event]]()

    async def shop() -> None:
        for _ in waiting:
            async with browser(front.port) as client:
                shopper, quantity = Shopper(client, history), chance.randint(1, 3)
                if way == "token":
                    made = await shopper.insist("POST", "/carts")
                    client.headers["Locker-Cart"] = made.answer["token"]
                else:
                    await shopper.insist("GET", "/cart")
                await shopper.add(product.sku, quantity)
                order = {
                    "expected_total": quantity * 1000,
                    "contact": {"email": f"{shopper.name}@example.com"},
                }
                key = secrets.token_hex(8)
                for _ in range(1 + REPEATS):
                    await shopper.send("POST", "/orders", order, key)
                placed.append((shopper, await shopper.insist("POST", "/orders", order, key)))
                assert (await shopper.insist("GET", "/cart")).answer["lines"] == []

    async with database.serving(), front.serving():
        url = through(settings.database_url, database.port)
        free = Limit(0, 0)
        with serve(settings, database_url=url, log_level="ERROR", throttle_orders=free) as served:
            database.rate, front.rate = 0.2, 0.3
            await all_at_once(shop)
            database.rate = front.rate = 0.0
            async with browser(served.port) as stranger:
                for _, event in placed:
                    shown = await stranger.get(
                        f"{API}/orders/{event.answer['number']}",
                        headers={"Locker-Order-Key": event.answer["key"]},
                    )
                    assert shown.json()["total"] == event.answer["total"]
            await asyncio.to_thread(served.stop)

    assert len(placed) == orders
    assert {event.status for event in history.events} <= {None, 200, 201, 503}
    for shopper, event in placed:
        answers = [each for each in history.of(shopper.name, "POST", "/orders") if each.done]
        assert {each.status for each in answers} == {201}
        assert all(each.answer == event.answer for each in answers)
        rows = await observer.fetch(
            "select number, key_hash from orders where contact->>'email' = $1",
            f"{shopper.name}@example.com",
        )
        assert [tuple(row) for row in rows] == [
            (event.answer["number"], hash_key(event.answer["key"]))
        ]
    assert await stock_adds_up(observer, product.sku, orders * 3)
    assert front.accidents
    assert database.accidents


@pytest.mark.parametrize(
    "kills", [2, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
async def test_the_service_killed_under_load(
    kills: int, settings: Settings, observer: Connection
) -> None:
    """Killed (-9) at random moments and started again: nothing acknowledged is lost, or twice."""
    chance, history = Random(6), History()
    product = await add_product(settings.database_url, price="10.00", stock=1_000_000)
    port, over = 0, asyncio.Event()
    front = Proxy(lambda: asyncio.open_connection("127.0.0.1", port), REQUEST_CUTS, chance=chance)

    async def shop() -> None:
        async with browser(front.port) as client:
            shopper = Shopper(client, history)
            await shopper.register()
            while not over.is_set():
                await _buy_some(shopper, product.sku, chance)

    load: asyncio.Task[None] | None = None
    async with front.serving():
        for number in range(kills + 1):
            with serve(settings, log_level="ERROR") as served:
                port = served.port
                load = load or asyncio.create_task(all_at_once(shop))
                enough = len(history.events) + chance.randint(20, 200)
                # Any moment is as good to kill it.
                while len(history.events) < enough and not load.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
                if number < kills:
                    assert served.stop(signal.SIGKILL) == -signal.SIGKILL
                else:
                    over.set()
                    await load

    assert None in {event.status for event in history.events}
    assert await audit(observer, history)
    assert await stock_adds_up(observer, product.sku, 1_000_000)


async def _buy_some(shopper: Shopper, sku: str, chance: Random) -> None:
    """Add, check out at the total that was shown, and sometimes think better of it."""
    for _ in range(chance.randint(1, 2)):
        cart = await shopper.add(sku, chance.randint(1, 3))
    order = await shopper.insist("POST", "/orders", {"expected_total": cart.answer["total"]})
    assert order.done, order
    if chance.random() < 0.3:
        cancelled = await shopper.insist("POST", f"/orders/{order.answer['number']}/cancel")
        assert cancelled.answer["status"] == "cancelled"
