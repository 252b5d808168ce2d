"""How many carts strangers may begin."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import asyncpg
import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from service.settings import Limit
from tests.support.shopping import API, Product, add, get, register

Observer: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

StartApp = Callable[..., Awaitable[Quart]]


@pytest.fixture
async def app(start_app: StartApp, observer: Observer) -> Quart:
    """The service, with three new carts for each address."""
    await observer.execute("delete from attempts")
    return await start_app(throttle_carts=Limit(3, 600), trusted_proxies=1)


async def first_add(
    client: Client, product: Product, ip: str, *, put: bool = False, key: str | None = None
) -> Response:
    headers = {"X-Forwarded-For": ip, **({"Idempotency-Key": key} if key else {})}
    if put:
        path = f"{API}/cart/lines/{product.sku}"
        return await client.put(path, json={"quantity": 1}, headers=headers)
    return await client.post(f"{API}/cart/lines", json={"sku": product.sku}, headers=headers)


@pytest.mark.parametrize("put", [False, True])
@pytest.mark.parametrize("key", [None, "the-same"])
async def test_new_carts_are_limited(
    app: Quart, observer: Observer, product: Product, *, put: bool, key: str | None
) -> None:
    """Past the limit a guest's first line is 429 with a time to come back, and no cart is made."""
    before = await observer.fetchval("select count(*) from carts")
    answers = [
        await first_add(app.test_client(), product, "198.51.100.7", put=put, key=key)
        for _ in range(5)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert (await answers[-1].get_json())["code"] == "too_many_attempts"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 600
    assert await observer.fetchval("select count(*) from carts") == before + 3
    elsewhere = await first_add(app.test_client(), product, "198.51.100.8")
    assert elsewhere.status_code == 201


async def test_limit_holds_for_carts_at_once(
    app: Quart, observer: Observer, product: Product
) -> None:
    """Of 30 new carts at once exactly the allowed number is made."""
    answers = await asyncio.gather(
        *(first_add(app.test_client(), product, "198.51.100.9") for _ in range(30))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 27


async def test_ipv6_customer_is_one_address(app: Quart, product: Product) -> None:
    """Another /64 of the same /56 has no count of its own beyond four times the limit."""
    answers = [
        await first_add(app.test_client(), product, f"2001:db8:9:{number:x}::1")
        for number in range(14)
    ]
    assert [answer.status_code for answer in answers] == [201] * 12 + [429] * 2


async def test_carts_that_are_there_go_on(app: Quart, product: Product) -> None:
    """Whoever has a cart adds to it, and whoever is signed in has one of their own."""
    shopper, customer = app.test_client(), app.test_client()
    ip = "198.51.100.10"
    assert (await first_add(shopper, product, ip)).status_code == 201
    await register(customer)
    for _ in range(3):
        last = await first_add(app.test_client(), product, ip)
    assert last.status_code == 429
    assert (await first_add(shopper, product, ip)).status_code == 200
    assert (await first_add(customer, product, ip)).status_code == 201
    assert (await get(shopper, "/cart"))["quantity"] == 2


async def test_refused_cart_is_begun_later(
    app: Quart, observer: Observer, product: Product
) -> None:
    """Nothing of the browser's is lost by a refusal: the next add begins the cart."""
    client, ip = app.test_client(), "198.51.100.11"
    for _ in range(3):
        await first_add(app.test_client(), product, ip)
    assert (await first_add(client, product, ip)).status_code == 429
    await observer.execute("delete from attempts")
    assert (await add(client, product.sku))["quantity"] == 1


async def test_form_is_limited_too(app: Quart, product: Product) -> None:
    """The form of the product's page is limited as the API is, and says so."""
    ip = {"X-Forwarded-For": "198.51.100.12"}
    form = {"sku": product.sku, "quantity": "1"}
    statuses = [
        (await app.test_client().post("/cart/lines", form=form, headers=ip)).status_code
        for _ in range(4)
    ]
    assert statuses == [303, 303, 303, 429]


async def test_limit_can_be_lifted(
    start_app: StartApp, observer: Observer, product: Product
) -> None:
    """With the limit for new carts off nothing is counted."""
    app = await start_app(throttle_carts=Limit(0, 0))
    await observer.execute("delete from attempts")
    for _ in range(5):
        await add(app.test_client(), product.sku)
    assert await observer.fetchval("select count(*) from attempts") == 0
