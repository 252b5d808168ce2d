"""The Python of the page about clients does, as it stands there, what the page says."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from service.database import Connection
from service.settings import Settings
from tests.support.clients_page import functions
from tests.support.products import add_many
from tests.support.serving import Served, serve
from tests.support.shopping import API, PASSWORD, Product, new_name


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    with serve(settings) as running:
        yield running


@pytest.fixture
async def shop(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A client without cookies, as an app's is."""
    async with httpx.AsyncClient(base_url=f"{served.url}{API}") as client:
        yield client


async def have_account(shop: httpx.AsyncClient) -> tuple[str, str]:
    """Make an account; returns its name and a token."""
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    made = await shop.post("/account", json={**body, "token": {"name": "first"}})
    assert made.status_code == 201
    return name, made.json()["token"]["token"]


def replacing(
    send: Callable[..., Awaitable[httpx.Response]], *answers: Callable[[], httpx.Response]
) -> Callable[..., Awaitable[httpx.Response]]:
    """Return what sends all the same, and gives back these instead of the first answers."""
    left = iter(answers)

    async def send_it(request: httpx.Request, **options: Any) -> httpx.Response:
        response = await send(request, **options)
        replace = next(left, None)
        return replace() if replace else response

    return send_it


def lost() -> httpx.Response:
    raise httpx.ReadError("the answer got lost")


def busy() -> httpx.Response:
    return httpx.Response(503, headers={"Retry-After": "7"})


async def test_a_phone_app(
    shop: httpx.AsyncClient, product: Product, capsys: pytest.CaptureFixture[str]
) -> None:
    """The app's guest logs in, the cart comes along with its receipt, and is ordered."""
    name, token = await have_account(shop)
    order = await functions("From a phone app").buy(shop, product.sku, name, PASSWORD)
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [(product.sku, 2)]
    assert capsys.readouterr().out == f"{product.sku} added\n"
    mine = await shop.get("/orders", headers={"Authorization": f"Bearer {token}"})
    assert [each["number"] for each in mine.json()["orders"]] == [order["number"]]
    assert not shop.cookies


async def test_a_phone_apps_guest(shop: httpx.AsyncClient, product: Product) -> None:
    """Without an account the app orders, and sees the order by its key."""
    order = await functions("From a phone app").buy_as_guest(shop, product.sku, "ada@example.com")
    assert (order["status"], order["contact"]["email"]) == ("placed", "ada@example.com")
    assert not shop.cookies


async def test_a_server(
    served: Served,
    shop: httpx.AsyncClient,
    product: Product,
    monkeypatch: pytest.MonkeyPatch,
    observer: Connection,
) -> None:
    """A program orders once, although answers get lost and the service says that it is busy."""
    name, token = await have_account(shop)
    monkeypatch.setenv("SHOP_API", f"{served.url}{API}")
    monkeypatch.setenv("SHOP_TOKEN", token)
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    page = functions("From a server")
    monkeypatch.setattr(page.asyncio, "sleep", sleep)
    async with page.open_shop() as program:
        cart = await page.have_at_least(program, product.sku, 3)
        assert cart["quantity"] == 3
        accidents = replacing(program.send, lost, busy)
        monkeypatch.setattr(program, "send", accidents)
        order = await page.order(program, cart)
    assert order["total"] == cart["total"]
    assert waited == [0.5, 7.0]
    placed = await observer.fetchval(
        "select count(*) from orders o join accounts a on a.id = account_id where username = $1",
        name,
    )
    assert placed == 1


async def test_a_server_beside_others(
    served: Served, shop: httpx.AsyncClient, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs that fill one cart at once see what the others did, and undo none of it."""
    _, token = await have_account(shop)
    monkeypatch.setenv("SHOP_API", f"{served.url}{API}")
    monkeypatch.setenv("SHOP_TOKEN", token)
    page = functions("From a server")
    async with page.open_shop() as program:
        carts = await asyncio.gather(
            *(page.have_at_least(program, product.sku, quantity) for quantity in range(2, 8))
        )
        assert max(cart["quantity"] for cart in carts) == 7
        last = await page.have_at_least(program, product.sku, 1)
        assert last["quantity"] == 7


async def test_the_same_receipt_as_a_browsers(
    served: Served, shop: httpx.AsyncClient, settings: Settings
) -> None:
    """A cart that a token names joins an account's with the receipt that a cookie's would have."""
    both, mine, full = await add_many(settings.database_url, 3)
    receipts = []
    for by_token in (True, False):
        name, token = await have_account(shop)
        account = {"Authorization": f"Bearer {token}"}
        for sku, quantity in ((both, 5), (full, 99)):
            await shop.put(f"/cart/lines/{sku}", json={"quantity": quantity}, headers=account)
        async with httpx.AsyncClient(base_url=f"{served.url}{API}") as guest:
            if by_token:
                guest.headers["Locker-Cart"] = (await guest.post("/carts")).json()["token"]
            for sku, quantity in ((both, 7), (mine, 1), (full, 99)):
                done = await guest.put(f"/cart/lines/{sku}", json={"quantity": quantity})
                assert done.status_code == 201
            login = {"username": name, "password": PASSWORD}
            wish = {"token": {"name": "phone"}} if by_token else {}
            told = (await guest.post("/session", json={**login, **wish})).json()
        lines = [
            (line["sku"], line["quantity"], line["line_total"]) for line in told["cart"]["lines"]
        ]
        receipts.append((told["merge"], lines))
    assert receipts[0] == receipts[1]
    assert [line["outcome"] for line in receipts[0][0]["lines"]].count("added") == 1


async def test_a_stolen_token_of_a_cart_reaches_no_account(
    shop: httpx.AsyncClient, product: Product
) -> None:
    """Who has the token of a cart gets at no account with it, before the log in or after it."""
    name, token = await have_account(shop)
    stolen = {"Locker-Cart": (await shop.post("/carts")).json()["token"]}
    await shop.post("/cart/lines", json={"sku": product.sku}, headers=stolen)
    ordered = {"expected_total": 1599, "contact": {"email": f"{secrets.token_hex(4)}@example.com"}}
    reads = ("/account", "/account/sessions", "/account/tokens", "/orders")
    for path in reads:
        assert (await shop.get(path, headers=stolen)).status_code == 401, path
    assert (await shop.get("/session", headers=stolen)).json()["authenticated"] is False
    login = {"username": name, "password": PASSWORD, "token": {"name": "phone"}}
    assert (await shop.post("/session", json=login, headers=stolen)).status_code == 200
    for path in (*reads, "/cart"):
        assert (await shop.get(path, headers=stolen)).status_code == 401, path
    for method, path, body in (
        ("POST", "/cart/lines", {"sku": product.sku}),
        ("PUT", f"/cart/lines/{product.sku}", {"quantity": 9}),
        ("DELETE", f"/cart/lines/{product.sku}", None),
        ("DELETE", "/cart", None),
        ("POST", "/orders", ordered),
        ("DELETE", "/account", {"current_password": PASSWORD}),
    ):
        refused = await shop.request(method, path, json=body, headers=stolen)
        assert refused.status_code == 401, (method, path)
    mine = (await shop.get("/cart", headers={"Authorization": f"Bearer {token}"})).json()
    assert [(line["sku"], line["quantity"]) for line in mine["lines"]] == [(product.sku, 1)]
