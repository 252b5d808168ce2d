"""A session that was saved before its browser logged out: what it reaches, and until when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import clock
from tests.support.shopping import API, PASSWORD, Product, add, get, log_in, new_name, register

StartApp = Callable[..., Awaitable[Quart]]


@pytest.fixture
async def app(start_app: StartApp) -> Quart:
    return await start_app(merge_window=10)


def saved(client: Client, app: Quart) -> Client:
    """Return another client with what this browser's cookies are now."""
    other = app.test_client()
    for cookie in client.cookie_jar or ():
        other.set_cookie("localhost", cookie.name, cookie.value or "")
    return other


def wait(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    later = datetime.now(UTC) + timedelta(seconds=seconds)
    monkeypatch.setattr(clock, "now", lambda: later)


async def log_out(client: Client) -> None:
    assert (await client.delete(f"{API}/session")).status_code == 204


async def log_out_by_the_list(client: Client) -> None:
    for login in (await get(client, "/account/sessions"))["sessions"]:
        if login["current"]:
            assert (await client.delete(f"{API}/account/sessions/{login['id']}")).status_code == 204


async def log_out_by_the_page(client: Client) -> None:
    assert (await client.post("/logout", form={})).status_code == 303


async def change_password_and_log_out(client: Client) -> None:
    body = {"current_password": PASSWORD, "new_password": PASSWORD}
    assert (await client.put(f"{API}/account/password", json=body)).status_code == 204
    await log_out(client)


async def log_in_anew_and_log_out(client: Client) -> None:
    await log_in(client, (await get(client, "/account"))["username"])
    await log_out(client)


async def delete_account(client: Client) -> None:
    response = await client.delete(f"{API}/account", json={"current_password": PASSWORD})
    assert response.status_code == 204


ENDS = [
    log_out,
    log_out_by_the_list,
    log_out_by_the_page,
    change_password_and_log_out,
    log_in_anew_and_log_out,
    delete_account,
]


async def look(client: Client, product: Product) -> Any:
    return (await get(client, "/cart"))["quantity"]


async def look_at_the_session(client: Client, product: Product) -> Any:
    return (await get(client, "/session"))["cart"]["quantity"]


async def fill(client: Client, product: Product) -> Any:
    return (await add(client, product.sku))["quantity"] - 1


async def log_in_and_take_it_along(client: Client, product: Product) -> Any:
    await register(client)
    return (await get(client, "/cart"))["quantity"]


async def log_out_again(client: Client, product: Product) -> Any:
    await log_out(client)
    return (await get(client, "/cart"))["quantity"]


async def come_without_the_login(client: Client, product: Product) -> Any:
    client.delete_cookie("localhost", "session")
    return (await get(client, "/cart"))["quantity"]


WAYS = [
    look,
    look_at_the_session,
    fill,
    log_in_and_take_it_along,
    log_out_again,
    come_without_the_login,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", ENDS)
async def test_saved_session_reaches_nothing_of_the_browsers(
    app: Quart,
    product: Product,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Client], Awaitable[None]],
    way: Callable[[Client, Product], Awaitable[Any]],
) -> None:
    """Once its login is long over, a saved session reaches nothing, the next guest's cart too."""
    browser = app.test_client()
    await register(browser)
    await add(browser, product.sku, 5)
    thief = saved(browser, app)
    await end(browser)
    await add(browser, product.sku, 3)
    wait(monkeypatch, 11)
    assert await way(thief, product) == 0
    assert (await get(browser, "/cart"))["quantity"] == 3


@pytest.mark.parametrize("way", [look, log_out_again])
async def test_saved_session_that_was_used_at_once_reaches_nothing_later(
    app: Quart,
    product: Product,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[Client, Product], Awaitable[Any]],
) -> None:
    """A session saved and used within seconds of the log out reaches nothing later."""
    browser = app.test_client()
    await register(browser)
    await add(browser, product.sku, 5)
    thief = saved(browser, app)
    await log_out(browser)
    await add(browser, product.sku, 3)
    await way(thief, product)
    wait(monkeypatch, 11)
    assert (await get(thief, "/cart"))["quantity"] == 0
    assert (await add(thief, product.sku))["quantity"] == 1
    assert (await get(browser, "/cart"))["quantity"] == 3


async def test_add_that_met_the_log_out_is_the_browsers(app: Quart, product: Product) -> None:
    """An add that met the log out is in the cart that the browser has after it."""
    browser = app.test_client()
    await register(browser)
    await get(browser, "/cart")
    under_way = saved(browser, app)
    await log_out(browser)
    await add(under_way, product.sku)
    assert (await get(browser, "/cart"))["quantity"] == 1


async def test_add_that_met_a_new_password_is_the_accounts(app: Quart, product: Product) -> None:
    """An add that met a new password follows into the cart of the login that goes on."""
    browser = app.test_client()
    await register(browser)
    await get(browser, "/cart")
    under_way = saved(browser, app)
    body = {"current_password": PASSWORD, "new_password": PASSWORD}
    assert (await browser.put(f"{API}/account/password", json=body)).status_code == 204
    await add(under_way, product.sku)
    assert (await get(browser, "/cart"))["quantity"] == 1


async def test_browser_that_was_logged_out_elsewhere_keeps_its_cart(
    app: Quart, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser logged out elsewhere keeps the cart that it fills as a guest."""
    browser, elsewhere = app.test_client(), app.test_client()
    name = new_name()
    await register(browser, name)
    await get(browser, "/cart")
    await log_in(elsewhere, name)
    assert (await elsewhere.delete(f"{API}/account/sessions")).status_code == 204
    await add(browser, product.sku)
    wait(monkeypatch, 11)
    assert (await add(browser, product.sku))["quantity"] == 2
