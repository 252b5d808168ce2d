"""The first adds of a browser: all land in one cart, whatever it has seen of the shop before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from tests.support.serving import Served
from tests.support.shopping import API, PASSWORD, Product, add, add_product, get, register

ROUNDS = 3
"""In the everyday suite, for each way to begin; `make first-adds` plays 500."""

FIRST_ANSWERS = [f"{API}/cart", f"{API}/session", f"{API}/products", f"{API}/products/{{handle}}"]
CACHED_PAGE = "/cart/identity"
"""All that a browser asks for before the first add on a page that comes out of a cache."""


class Browser:
    """Cookies for two processes of the service; requests go out with what is in it then."""

    def __init__(self, clients: list[httpx.AsyncClient]) -> None:
        self._clients = clients
        self.cookies: dict[str, str] = {}

    async def send(self, process: int, method: str, path: str, json: Any = None) -> httpx.Response:
        client = self._clients[process]
        client.cookies.clear()  # those are shared by all browsers
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookie} if cookie else {}
        return await client.request(method, path, json=json, headers=headers, timeout=60)

    def take(self, response: httpx.Response) -> None:
        assert response.is_success, response.text
        self.cookies |= dict(response.cookies)


@pytest.fixture
async def clients(pair: tuple[Served, Served]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with (
        httpx.AsyncClient(base_url=pair[0].url) as one,
        httpx.AsyncClient(base_url=pair[1].url) as two,
    ):
        yield [one, two]


async def play(
    clients: list[httpx.AsyncClient], database_url: str, paths: list[str], rounds: int
) -> None:
    """Two first adds at once, one for each process, after the answer of one path."""
    things = [await add_product(database_url) for _ in range(2)]
    skus = [thing.sku for thing in things]
    for number in range(rounds):
        browser, shuffled = Browser(clients), random.Random(number)
        path = paths[number % len(paths)].format(handle=things[0].handle)
        browser.take(await browser.send(number % 2, "GET", path))
        assert browser.cookies.keys() == {"session-cart"}
        answers = await asyncio.gather(
            *(
                browser.send(process, "POST", f"{API}/cart/lines", {"sku": sku})
                for process, sku in enumerate(skus)
            )
        )
        shuffled.shuffle(answers)
        for answer in answers:
            browser.take(answer)
        cart = (await browser.send(0, "GET", f"{API}/cart")).json()
        assert {line["sku"] for line in cart["lines"]} == set(skus), f"round {number}, {path}"


@pytest.mark.parametrize("path", [*FIRST_ANSWERS, CACHED_PAGE])
async def test_two_first_adds_at_once_are_both_in_the_cart(
    clients: list[httpx.AsyncClient], database_url: str, path: str
) -> None:
    """Two first adds at once are in one cart, after any first answer or a page from a cache."""
    await play(clients, database_url, [path], ROUNDS)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("paths", [FIRST_ANSWERS, [CACHED_PAGE]], ids=["first answer", "page"])
async def test_five_hundred_rounds_of_first_adds(
    clients: list[httpx.AsyncClient], database_url: str, paths: list[str]
) -> None:
    """Two first adds at once are in one cart, each of five hundred times."""
    await play(clients, database_url, paths, 500)


@pytest.mark.parametrize("path", [*FIRST_ANSWERS, CACHED_PAGE])
async def test_an_answer_with_an_identity_is_kept_by_nothing_in_between(
    client: Client, product: Product, path: str
) -> None:
    """No cache keeps an answer with an identity, else it would give one browser's cart to all."""
    path = path.format(handle=product.handle)
    for known in (False, True):
        response = await client.get(path)
        assert ("Set-Cookie" in response.headers) is not known
        assert known or "no-store" in response.headers["Cache-Control"]


async def test_a_product_stays_cacheable_for_a_browser_with_a_cart(
    client: Client, product: Product
) -> None:
    """What it has is looked at, but the answer doesn't depend on it: 304 as ever, no `Vary`."""
    path = f"{API}/products/{product.handle}"
    await add(client, product.sku)
    response = await client.get(path)
    assert response.headers["Cache-Control"] == "no-cache"
    assert "Cookie" not in response.headers.get("Vary", "")
    again = await client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("broken", ["nonsense", "", "eyJpZCI6MX0.aaaa.bbbb"])
async def test_a_cookie_that_does_not_hold_is_replaced(
    app: Quart, product: Product, broken: str
) -> None:
    """A broken cookie is no identity, so a browser with one gets one."""
    client = app.test_client(use_cookies=False)
    headers = {"Cookie": f"session-cart={broken}"}
    response = await client.get(f"{API}/products/{product.handle}", headers=headers)
    assert response.headers["Set-Cookie"].startswith("session-cart=")


async def test_no_identity_for_errors_tokens_and_those_who_have_one(
    app: Quart, client: Client, product: Product
) -> None:
    """An error, a token, and who has a cart already, get no identity."""
    assert "Set-Cookie" not in (await client.get(f"{API}/products/none")).headers
    await register(client)
    body = {"name": "a script", "current_password": PASSWORD}
    made = await client.post(f"{API}/account/tokens", json=body)
    token = (await made.get_json())["token"]
    program = app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    for path in FIRST_ANSWERS[:3]:
        answer = await program.get(path, headers=headers)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    await add(client, product.sku, 2)
    for path in [*FIRST_ANSWERS[:3], CACHED_PAGE]:
        answer = await client.get(path)
        assert "Set-Cookie" not in answer.headers
    assert (await get(client, "/cart"))["quantity"] == 2


async def test_an_identity_takes_no_connection(
    start_app: Callable[..., Awaitable[Quart]],
) -> None:
    """The small request of a page from a cache is answered while the database is away."""
    app = await start_app(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    response = await app.test_client().get(CACHED_PAGE)
    assert response.status_code == 204
    assert response.headers["Set-Cookie"].startswith("session-cart=")


async def test_a_first_add_with_a_key_is_replayed(client: Client, product: Product) -> None:
    """With the identity from a first answer there is a cart to keep the key with."""
    await client.get(f"{API}/products")
    headers = {"Idempotency-Key": "first"}
    for replayed in (None, "true"):
        response = await client.post(
            f"{API}/cart/lines", json={"sku": product.sku}, headers=headers
        )
        assert response.status_code == 201
        assert response.headers.get("Idempotent-Replayed") == replayed
    assert (await get(client, "/cart"))["quantity"] == 1


@pytest.mark.parametrize("path", ["/", "/products/{handle}", "/cart", "/login", "/preferences"])
async def test_a_page_that_remembers_nothing_sets_no_cookie(
    client: Client, product: Product, path: str
) -> None:
    """Nobody who only looks gets a cookie; the page says where to ask before the first add."""
    response = await client.get(path.format(handle=product.handle), headers={"Accept": "text/html"})
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert f'data-identity="{CACHED_PAGE}"' in await response.get_data(as_text=True)


async def test_a_form_sent_without_the_script_makes_the_cart(
    client: Client, product: Product
) -> None:
    """From a page out of a cache, with no cookie at all, an add is in the cart that follows."""
    response = await client.post("/cart/lines", form={"sku": product.sku})
    assert response.status_code == 303
    assert (await get(client, "/cart"))["quantity"] == 1
    page = await client.get("/cart", headers={"Accept": "text/html"})
    assert "data-identity" not in await page.get_data(as_text=True)
