"""What is counted can be read, and counts what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from quart import Quart

from service.database import Pool
from service.settings import Limit, Settings
from tests.support.serving import serve
from tests.support.shopping import API, PASSWORD, Product, add, log_in, new_name, register

Start = Callable[..., Awaitable[Quart]]


async def test_requests_are_counted_by_route(app: Quart) -> None:
    """Requests are counted by route and status: what strangers ask for doesn't pile up."""
    client = app.test_client()
    await client.get("/api/v1/products/no-such-product")
    await client.get("/no/such/path")
    text = await (await client.get("/metrics")).get_data(as_text=True)
    counted = 'method="GET",route="/api/v1/products/<text:handle>",status="404"'
    assert f"locker_request_seconds_count{{{counted}}}" in text
    assert "no-such-product" not in text
    assert "/no/such/path" not in text


def read(text: str) -> dict[str, float]:
    """Return each sample by its name and what is in braces."""
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def measure(app: Quart) -> dict[str, float]:
    text = await (await app.test_client().get("/metrics")).get_data(as_text=True)
    return read(text)


async def risen(app: Quart, before: dict[str, float], *names: str) -> dict[str, float]:
    now = await measure(app)
    return {name: now.get(name, 0) - before.get(name, 0) for name in names}


async def test_a_shoppers_visit(app: Quart, product: Product) -> None:
    """Adds, merges, log ins, orders and cookies are counted, each by what came of it."""
    client: Any = app.test_client()
    other: Any = app.test_client()
    name = new_name()
    await register(other, name)
    before = await measure(app)
    await add(client, product.sku, 2)
    wrong = {"username": name, "password": "not " + PASSWORD}
    assert (await client.post(f"{API}/session", json=wrong)).status_code == 401
    await log_in(client, name)
    for total in (1, 3198):
        order = await client.post(f"{API}/orders", json={"expected_total": total})
    number = (await order.get_json())["number"]
    await client.post(f"{API}/orders", json={"expected_total": 3198})
    assert (await client.post(f"{API}/orders/{number}/cancel")).status_code == 200
    forged = {"Cookie": "session-cart=eyJhIjoxfQ.aaaa.bbbb"}
    await app.test_client().get(f"{API}/cart", headers=forged)
    expected = {
        "locker_cart_adds_total": 1,
        "locker_cart_merges_total": 1,
        "locker_logins_total succeeded": 1,
        "locker_logins_total wrong_credentials": 1,
        "locker_orders_total placed": 1,
        "locker_orders_total repeated": 1,
        "locker_orders_total total_changed": 1,
        "locker_orders_total cancelled": 1,
        "locker_sections_refused_total tampered cart": 1,
        "locker_hash_seconds_count": 2,
        "locker_statements_total POST /api/v1/cart/lines": 2,
        "locker_round_trips_total POST /api/v1/cart/lines": 2,
    }
    assert await risen(app, before, *expected) == expected
    assert (await measure(app))["locker_section_bytes_sum cart"] > 0


async def test_what_is_too_much(start_app: Start, product: Product) -> None:
    """Attempts beyond a limit are counted by what they were, and requests without a connection."""
    app = await start_app(throttle_carts=Limit(1, 600), pool_max=1, pool_timeout=0.05, hash_queue=0)
    before = await measure(app)
    client: Any = app.test_client()
    await client.post(f"{API}/carts")
    assert (await client.post(f"{API}/carts")).status_code == 429
    pool: Pool = app.extensions["locker"].get(Pool)
    await pool.settle()
    held = await pool.acquire()
    assert (await client.get(f"{API}/products")).status_code == 503
    state = await measure(app)
    pool.release(held)
    assert state["locker_throttled_total cart"] - before.get("locker_throttled_total cart", 0) == 1
    assert state["locker_pool_timeouts_total"] == 1
    assert state["locker_pool_connections in_use"] == state["locker_pool_max_connections"] == 1
    assert state["locker_pool_wait_seconds_count"] >= 3
    assert state["locker_pool_wait_seconds_sum"] >= 0.05


async def test_a_database_that_is_away(start_app: Start) -> None:
    """Requests that find no database are counted as failures of connecting."""
    app = await start_app(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    await app.test_client().get("/readyz")
    assert (await measure(app))["locker_pool_failures_total"] == 1


def test_connections(settings: Settings) -> None:
    """Under Hypercorn clients' connections are counted, those that are cut off by their cause."""
    with serve(settings, max_connections=2) as served, httpx.Client(base_url=served.url) as one:
        one.get("/livez")
        others = [httpx.Client(base_url=served.url) for _ in range(4)]
        for each in others:
            each.get("/livez")
        state = read(httpx.get(f"{served.url}/metrics").text)
        for each in others:
            each.close()
    assert state["locker_max_connections"] == 2
    assert state["locker_connections_accepted_total"] >= 6
    assert state["locker_connections_ended_total full"] >= 3
    assert state["locker_connections working"] >= 1
