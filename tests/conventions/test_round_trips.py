"""How often a request waits for the database, counted on the wire.

The number of statements decides what a request costs, so each route has a budget; whoever is
signed in is checked within it. Statements are prepared on first use, so that is not counted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from quart import Quart

from service.database import get_db
from tests.support.document import OPERATIONS
from tests.support.line import Line
from tests.support.shopping import API, Product, add, log_in, make_token, new_name, register
from tests.support.trips import counted_trips
from tests.support.visits import CONTACT, ENTRANCES, VISITS, Visit, for_each

Start = Callable[..., Awaitable[Quart]]

AWAITED = b"SQ"
"""The frontend's messages that ask for an answer: Sync, and simple queries such as BEGIN."""


class Counter(Line):
    """A line that counts the connections made by it and the answers waited for on it."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url)
        self.connections = 0
        self.trips = 0

    @property
    def url(self) -> str:
        """The database's URL, by this line and in the clear."""
        plain = super().url
        return f"{plain}{'&' if '?' in plain else '?'}sslmode=disable"

    def watch(self) -> Callable[[bytes], None]:
        self.connections += 1
        buffer = bytearray()
        started = False

        def look(data: bytes) -> None:
            # A message is a byte for its kind, and its length, which the first lacks a kind for.
            nonlocal started
            buffer.extend(data)
            while len(buffer) >= (head := 5 if started else 4):
                end = head - 4 + int.from_bytes(buffer[head - 4 : head])
                if len(buffer) < end:
                    break
                self.trips += started and buffer[0] in AWAITED
                del buffer[:end]
                started = True

        return look


@pytest.fixture
async def counter(database_url: str) -> AsyncIterator[Counter]:
    async with Counter(database_url) as counter:
        yield counter


@pytest.fixture
async def shop(start_app: Start, counter: Counter) -> Quart:
    """The service with one connection, which is the counted one, and is waited for."""
    patient = {"pool_timeout": 60.0, "statement_timeout": 60.0}
    return await start_app(database_url=counter.url, pool_max=1, **patient)


def test_every_operation_has_a_budget() -> None:
    """Each operation is visited, and its visit says what it may cost: `tests/support/visits.py`."""
    visited = {visit.operation for visit in [*VISITS, *ENTRANCES]}
    assert {operation.id for operation in OPERATIONS} == visited


@for_each(VISITS)
async def test_a_request_keeps_to_its_budget(
    visit: Visit, who: str, shop: Quart, counter: Counter, product: Product
) -> None:
    """With something in the cart, a request waits for no more answers than it may.

    The metrics say as many as there are.
    """
    client = shop.test_client()
    if who == "signed in":
        await register(client)
    for _ in range(2):  # once to prepare the statements
        request = await visit.request(client, product)
        before, counted = counter.trips, counted_trips()
        response = await client.open(**request)
        trips = counter.trips - before
        assert response.status_code < 300, await response.get_data()
    assert trips <= visit.trips
    assert counted_trips() - counted == trips


async def test_logging_in_and_out_keeps_to_its_budget(
    shop: Quart, counter: Counter, product: Product
) -> None:
    """With a cart to merge, to log in takes three at most, to register six, to log out one."""
    counts: dict[str, int] = {}

    async def count(what: str, action: Awaitable[Any]) -> Any:
        before = counter.trips
        result = await action
        counts[what] = counter.trips - before
        return result

    name = new_name()
    await register(shop.test_client(), name)
    for _ in range(2):  # once to prepare the statements
        client = shop.test_client()
        await add(client, product.sku, 2)
        merged = await count("log in", log_in(client, name))
        assert merged["merge"]
        await count("log in again", log_in(client, name))
        await count("log out", client.delete(f"{API}/session"))
        await add(client, product.sku, 2)
        await count("register", register(client))
    assert counts["log in"] <= 3
    assert counts["log in again"] <= 3
    assert counts["register"] <= 6
    assert counts["log out"] <= 1


async def test_a_token_keeps_to_the_budget_of_the_cart(
    shop: Quart, counter: Counter, product: Product
) -> None:
    """A token is looked up by the statement that reads the cart, the preferences or the orders."""
    client = shop.test_client()
    await register(client)
    made = await make_token(client)
    headers = {"Authorization": f"Bearer {made['token']}"}
    body = {"sku": product.sku}
    visits = [
        ("GET", "/cart", None, 1),
        ("POST", "/cart/lines", body, 2),
        ("GET", "/preferences", None, 1),
        ("PATCH", "/preferences", {"theme": "dark"}, 1),
        ("GET", "/session", None, 1),
        ("GET", "/orders", None, 1),
    ]
    for _ in range(2):  # once to prepare the statements
        trips = []
        for method, path, content, _ in visits:
            before = counter.trips
            await client.open(f"{API}{path}", method=method, json=content, headers=headers)
            trips.append(counter.trips - before)
    allowed = [visit[-1] for visit in visits]
    assert all(used <= most for used, most in zip(trips, allowed, strict=True)), trips


async def test_a_key_costs_little_more(shop: Quart, counter: Counter, product: Product) -> None:
    """To keep its answer is one more, and to claim it is another unless the cart's reading does.

    A change of a cart is a transaction then.
    """
    client = shop.test_client()
    await register(client)
    for attempt in range(2):  # once to prepare the statements
        headers = {"Idempotency-Key": f"add-{attempt}"}
        before = counter.trips
        response = await client.post(
            f"{API}/cart/lines", json={"sku": product.sku}, headers=headers
        )
        added = counter.trips - before
        body = {"expected_total": (await response.get_json())["total"], "contact": CONTACT}
        before = counter.trips
        headers = {"Idempotency-Key": f"order-{attempt}"}
        response = await client.post(f"{API}/orders", json=body, headers=headers)
        assert response.status_code == 201
        ordered = counter.trips - before
    assert added <= 6
    assert ordered <= 5


async def test_a_request_without_data_takes_no_connection(shop: Quart, counter: Counter) -> None:
    """What needs no data doesn't touch the database, which may be away."""
    client = shop.test_client()
    for method, path, status in (
        ("GET", "/livez", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 200),
        ("GET", "/static/docs.js", 200),
        ("GET", "/nothing", 404),
        ("DELETE", f"{API}/session", 204),
        ("GET", f"{API}/preferences", 200),
        ("GET", f"{API}/account", 401),
        ("POST", f"{API}/session", 422),
    ):
        response = await client.open(path, method=method, json={} if status == 422 else None)
        assert response.status_code == status, path
    assert counter.connections == 0


async def test_the_counter_counts(shop: Quart, counter: Counter, product: Product) -> None:
    """A statement in a transaction is three answers: its own, BEGIN's and COMMIT's."""
    async with shop.app_context():
        db = await get_db()
        await db.fetchval("select 1")
        before = counter.trips
        await db.fetchval("select 1")
        assert counter.trips - before == 1
        async with db.transaction():
            await db.fetchval("select 1")
        assert counter.trips - before == 4
    assert counter.connections == 1
