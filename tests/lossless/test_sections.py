"""Two requests at once from one browser lose nothing, in whichever order the answers arrive."""

from __future__ import annotations

import random
from typing import Any

import pytest
from quart import Quart, request, session

from tests.support.jar import API, Jar, later
from tests.support.keys import KEY
from tests.support.shopping import PASSWORD, Product, new_name

ADDS = 48
ROUNDS = 15
"""In the everyday suite; `pytest -m slow` plays all 100."""


def shopping(sku: str) -> list[tuple[str, str, Any]]:
    """Return the adds of one round, with a change of preferences among them."""
    adds = [("POST", "/cart/lines", {"sku": sku, "quantity": 1}) for _ in range(ADDS)]
    return [*adds, ("PATCH", "/preferences", {"theme": "dark"})]


async def log_in_among_adds(jar: Jar, sku: str, name: str, shuffled: random.Random) -> None:
    """Play one round, and check that nothing of it is lost."""
    await jar.ask("GET", "/cart")
    login = ("POST", "/session", {"username": name, "password": PASSWORD})
    await jar.at_once([*shopping(sku), login], shuffled)
    assert (await jar.ask("GET", "/session"))["authenticated"], "the login is lost"
    cart = await jar.ask("GET", "/cart")
    assert cart["quantity"] == ADDS, f"{ADDS - cart['quantity']} units are lost"
    assert (await jar.ask("GET", "/preferences"))["theme"] == "dark", "the preference is lost"


async def play_login(app: Quart, product: Product, rounds: int) -> None:
    for number in range(rounds):
        name = new_name()
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        await Jar(app).ask("POST", "/account", body, status=201)
        await log_in_among_adds(Jar(app), product.sku, name, random.Random(number))


async def play_logout(app: Quart, product: Product, rounds: int) -> None:
    for number in range(rounds):
        jar, name = Jar(app), new_name()
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        await jar.ask("POST", "/account", body, status=201)
        before = jar.copy()
        requests = [*shopping(product.sku), ("DELETE", "/session", None)]
        await jar.at_once(requests, random.Random(number))
        for browser in (jar, before):
            assert not (await browser.ask("GET", "/session"))["authenticated"]
        assert (await before.send("GET", "/account")).status_code == 401
        guest = await jar.ask("GET", "/cart")
        # Logging in again, in a fresh browser, shows what the account's cart has.
        owner = Jar(app)
        login = await owner.ask("POST", "/session", {"username": name, "password": PASSWORD})
        assert guest["quantity"] + login["cart"]["quantity"] == ADDS


async def test_answers_in_any_order_keep_login_cart_and_preferences(
    app: Quart, product: Product
) -> None:
    """48 adds, a login and a preference at once: all of them hold afterwards."""
    await play_login(app, product, ROUNDS)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_hundred_rounds_of_logging_in(app: Quart, product: Product) -> None:
    """The same a hundred times over."""
    await play_login(app, product, 100)


async def test_answers_in_any_order_never_bring_a_login_back(app: Quart, product: Product) -> None:
    """A login that ended among 48 adds stays ended, and each add is in one of the carts."""
    await play_logout(app, product, ROUNDS)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_hundred_rounds_of_logging_out(app: Quart, product: Product) -> None:
    """The same a hundred times over."""
    await play_logout(app, product, 100)


def shop_in_one_cookie() -> Quart:
    """Return a shop of the classic kind: all of it in Quart's own session."""
    app = Quart("shop")
    app.secret_key = KEY

    @app.get(f"{API}/cart")
    async def cart() -> dict[str, Any]:
        return {"quantity": session.get("cart", 0)}

    @app.post(f"{API}/cart/lines")
    async def add() -> dict[str, Any]:
        session["cart"] = session.get("cart", 0) + 1
        return await cart()

    @app.post(f"{API}/session")
    async def log_in() -> dict[str, Any]:
        session["user_id"] = (await request.get_json())["username"]
        return {}

    @app.get(f"{API}/session")
    async def who() -> dict[str, Any]:
        return {"authenticated": "user_id" in session}

    @app.route(f"{API}/preferences", methods=["GET", "PATCH"])
    async def preferences() -> dict[str, Any]:
        session.update(await request.get_json() or {} if request.method == "PATCH" else {})
        return {"theme": session.get("theme")}

    return app


async def test_one_cookie_for_all_loses_some() -> None:
    """The test of the test: with Quart's own session interface, a round fails."""
    with pytest.raises(AssertionError, match="lost"):
        await log_in_among_adds(Jar(shop_in_one_cookie()), "SKU", "ada", random.Random(0))


async def test_an_answer_from_before_the_log_out_hides_no_cart(
    app: Quart, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An add answered before a log out, whose answer comes in last, leaves the guest's cart there.

    A cart's cookie that was kept, and is sent alone a while later, reaches nothing.
    """
    jar, name = Jar(app), new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    await jar.ask("POST", "/account", body, status=201)
    slow = await jar.send("POST", "/cart/lines", {"sku": product.sku, "quantity": 1})
    await jar.ask("DELETE", "/session", status=204)
    await jar.ask("POST", "/cart/lines", {"sku": product.sku, "quantity": 2}, status=201)
    jar.take(slow)
    assert (await jar.copy().ask("GET", "/session"))["cart"]["quantity"] == 2
    after_a_look = jar.copy()
    await after_a_look.ask("GET", "/products")
    assert (await after_a_look.ask("GET", "/cart"))["quantity"] == 2
    kept = Jar(app, {name: jar.cookies[name] for name in jar.cookies if name.endswith("cart")})
    assert (await jar.ask("GET", "/cart"))["quantity"] == 2
    later(monkeypatch, seconds=11)
    assert (await jar.ask("GET", "/cart"))["quantity"] == 2
    assert (await kept.ask("GET", "/cart"))["quantity"] == 0
