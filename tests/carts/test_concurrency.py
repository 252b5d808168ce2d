"""Many at one cart at once: nothing is lost, nothing is there twice, no limit is passed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from quart import Quart

from service.database import Connection
from service.settings import Settings
from tests.support.jar import Jar
from tests.support.products import add_many
from tests.support.serving import Served, serve
from tests.support.shopping import API, PASSWORD, Product, add_product, new_name

MOST = 1_000
how_many = pytest.mark.parametrize(
    "adds", [200, pytest.param(MOST, marks=(pytest.mark.slow, pytest.mark.timeout(600)))]
)
PATIENT: dict[str, Any] = {"pool_timeout": 60.0, "statement_timeout": 60.0}
"""The wait for a turn is no matter here, however slow the machine."""


@pytest.fixture(scope="module")
def generous_pair(settings: Settings) -> Iterator[tuple[Served, Served]]:
    """Two processes that let a cart hold more of one variant than the adds put in."""
    with (
        serve(settings, cart_max_quantity=2 * MOST, **PATIENT) as one,
        serve(settings, cart_max_quantity=2 * MOST, **PATIENT) as two,
    ):
        yield one, two


@pytest.fixture
async def clients(generous_pair: tuple[Served, Served]) -> AsyncIterator[list[httpx.AsyncClient]]:
    """A client for each process; their cookies are what the test gives them."""
    limits = httpx.Limits(max_connections=20)
    async with (
        httpx.AsyncClient(base_url=f"{generous_pair[0].url}{API}", limits=limits) as one,
        httpx.AsyncClient(base_url=f"{generous_pair[1].url}{API}", limits=limits) as two,
    ):
        yield [one, two]


def cookies_of(response: httpx.Response) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in response.cookies.items())}


async def add_at_once(
    clients: list[httpx.AsyncClient], headers: dict[str, str], sku: str, adds: int
) -> dict[str, Any]:
    """Add one unit that often, all at once, by both processes; returns the cart."""

    async def add(number: int) -> int:
        client = clients[number % 2]
        response = await client.post("/cart/lines", json={"sku": sku}, headers=headers, timeout=60)
        return response.status_code

    statuses = Counter(await asyncio.gather(*map(add, range(adds))))
    assert statuses == {201: 1, 200: adds - 1}
    carts = [(await client.get("/cart", headers=headers)).json() for client in clients]
    assert carts[0] == carts[1]
    cart: dict[str, Any] = carts[0]
    return cart


@how_many
async def test_adds_at_once_to_a_guests_cart(
    clients: list[httpx.AsyncClient], product: Product, adds: int
) -> None:
    """Adds at once to one guest's cart, by two processes: all of them are in it."""
    cookies = cookies_of(await clients[0].get("/cart"))
    cart = await add_at_once(clients, cookies, product.sku, adds)
    assert (cart["quantity"], cart["revision"], len(cart["lines"])) == (adds, adds, 1)


@how_many
async def test_adds_at_once_to_an_accounts_cart(
    clients: list[httpx.AsyncClient], product: Product, adds: int
) -> None:
    """Adds at once to one account's cart, by two processes: all of them are in it."""
    name = new_name()
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    response = await clients[0].post("/account", json=account)
    assert response.status_code == 201
    cart = await add_at_once(clients, cookies_of(response), product.sku, adds)
    assert (cart["quantity"], cart["revision"], len(cart["lines"])) == (adds, adds, 1)


@how_many
async def test_adds_at_once_by_a_carts_token(
    clients: list[httpx.AsyncClient], product: Product, adds: int
) -> None:
    """Adds at once with the token of one cart, by two processes: all of them are in it."""
    made = (await clients[0].post("/carts")).json()
    cart = await add_at_once(clients, {"Locker-Cart": made["token"]}, product.sku, adds)
    changes = cart["revision"] - made["cart"]["revision"]
    assert (cart["quantity"], changes, len(cart["lines"])) == (adds, adds, 1)


async def at_once(jar: Jar, requests: list[tuple[str, str, Any]]) -> Counter[int | str]:
    """Send all with the same cookies, at once; returns how often there was what outcome."""
    responses = await asyncio.gather(*(jar.send(*request) for request in requests))
    return Counter(
        [
            response.status_code
            if response.status_code < 400
            else (await response.get_json())["code"]
            for response in responses
        ]
    )


@pytest.fixture(params=["guest", "account"])
async def jar(request: pytest.FixtureRequest, start_app: Callable[..., Awaitable[Quart]]) -> Jar:
    """A browser that has looked at its cart, which isn't made yet."""
    jar = Jar(await start_app(**PATIENT))
    if request.param == "account":
        name = new_name()
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        await jar.ask("POST", "/account", body, status=201)
    await jar.ask("GET", "/cart")
    return jar


async def test_first_adds_land_in_one_cart(
    jar: Jar, database_url: str, observer: Connection
) -> None:
    """The first adds of several tabs make one cart, with all that they put in."""
    skus = await add_many(database_url, 10)
    count = "select count(*) from carts where lines @> $1::text::jsonb"
    statuses = await at_once(jar, [("POST", "/cart/lines", {"sku": sku}) for sku in skus])
    assert statuses == {201: 10}
    cart = await jar.ask("GET", "/cart")
    assert sorted(line["sku"] for line in cart["lines"]) == sorted(skus)
    variant = await observer.fetchval("select id from variants where sku = $1", skus[0])
    assert await observer.fetchval(count, f'[{{"variant": {variant}}}]') == 1


async def test_line_limit(jar: Jar, database_url: str) -> None:
    """However many come at once for a cart's last lines, the limit holds, and is reached."""
    skus = await add_many(database_url, 125)
    for sku in skus[:90]:
        await jar.ask("PUT", f"/cart/lines/{sku}", {"quantity": 1}, status=201)
    late = [("POST", "/cart/lines", {"sku": sku}) for sku in skus[90:]]
    assert await at_once(jar, late) == {201: 10, "line_limit": 25}
    assert len((await jar.ask("GET", "/cart"))["lines"]) == 100


async def test_quantity_limit(jar: Jar, product: Product) -> None:
    """However many come at once for the last units of a line, the limit holds, and is reached."""
    await jar.ask("POST", "/cart/lines", {"sku": product.sku, "quantity": 90}, status=201)
    adds = [("POST", "/cart/lines", {"sku": product.sku})] * 30
    assert await at_once(jar, adds) == {200: 9, "quantity_limit": 21}
    assert (await jar.ask("GET", "/cart"))["quantity"] == 99


async def test_stock(jar: Jar, database_url: str) -> None:
    """A cart never holds more than there are, however many ask at once."""
    sku = (await add_product(database_url, stock=5)).sku
    statuses = await at_once(jar, [("POST", "/cart/lines", {"sku": sku})] * 20)
    assert statuses == {201: 1, 200: 4, "insufficient_stock": 15}
    assert (await jar.ask("GET", "/cart"))["quantity"] == 5


async def test_one_of_many_with_the_same_revision(jar: Jar, product: Product) -> None:
    """Of changes that are meant for the same revision exactly one is made."""
    seen = await jar.ask("POST", "/cart/lines", {"sku": product.sku}, status=201)
    cookie = "; ".join(f"{name}={value}" for name, value in jar.cookies.items())

    async def put(quantity: int) -> tuple[int, int]:
        response = await jar.app.test_client(use_cookies=False).put(
            f"{API}/cart/lines/{product.sku}",
            json={"quantity": quantity},
            headers={"Cookie": cookie, "If-Match": seen["etag"]},
        )
        return response.status_code, quantity

    answers = await asyncio.gather(*map(put, range(2, 22)))
    (made,) = [quantity for status, quantity in answers if status == 200]
    assert {status for status, _ in answers} == {200, 412}
    cart = await jar.ask("GET", "/cart")
    assert (cart["quantity"], cart["revision"]) == (made, 2)


async def test_adds_and_removals(jar: Jar, database_url: str) -> None:
    """Adds, settings and removals of other lines at once don't undo each other."""
    kept, gone, put = await add_many(database_url, 3)
    for sku in (kept, gone, put):
        await jar.ask("POST", "/cart/lines", {"sku": sku}, status=201)
    await at_once(
        jar,
        [("POST", "/cart/lines", {"sku": kept}) for _ in range(20)]
        + [("DELETE", f"/cart/lines/{gone}", None) for _ in range(5)]
        + [("PUT", f"/cart/lines/{put}", {"quantity": 7}) for _ in range(5)],
    )
    cart = await jar.ask("GET", "/cart")
    assert {line["sku"]: line["quantity"] for line in cart["lines"]} == {kept: 21, put: 7}
