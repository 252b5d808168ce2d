"""Carts that meet at login: the same however often, and whoever comes at the same moment."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Quart

from service.accounts import login_queries
from service.logins import StartedLogin
from tests.support.jar import Jar, later
from tests.support.shopping import PASSWORD, Product, add_product, new_name

Start = Callable[..., Awaitable[Quart]]


async def shopper(app: Quart, sku: str | None = None, quantity: int = 0) -> str:
    """Return the name of a new account, with this in its cart."""
    jar, name = Jar(app), new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    await jar.ask("POST", "/account", body, status=201)
    if sku:
        await jar.ask("POST", "/cart/lines", {"sku": sku, "quantity": quantity}, status=201)
    return name


async def guest(app: Quart, sku: str, quantity: int) -> Jar:
    """Return a browser with this in its cart."""
    jar = Jar(app)
    await jar.ask("POST", "/cart/lines", {"sku": sku, "quantity": quantity}, status=201)
    return jar


def login(name: str) -> tuple[str, str, Any]:
    return ("POST", "/session", {"username": name, "password": PASSWORD})


@pytest.mark.parametrize(
    ("strategy", "quantity", "outcome"),
    [
        ("max", 5, "kept_larger"),
        ("sum", 7, "summed"),
        ("guest", 2, "kept_guest"),
        ("account", 5, "kept_account"),
    ],
)
async def test_each_strategy_says_what_became_of_each_line(
    start_app: Start, database_url: str, strategy: str, quantity: int, outcome: str
) -> None:
    """Where both carts hold a variant the strategy decides; the guest's other lines are added."""
    app = await start_app(cart_merge=strategy)
    both, new = await add_product(database_url), await add_product(database_url)
    name = await shopper(app, both.sku, 5)
    jar = await guest(app, both.sku, 2)
    await jar.ask("POST", "/cart/lines", {"sku": new.sku, "quantity": 3}, status=201)
    body = await jar.ask(*login(name))
    assert [(line["sku"], line["quantity"]) for line in body["cart"]["lines"]] == [
        (both.sku, quantity),
        (new.sku, 3),
    ]
    assert body["merge"]["lines"] == [
        {
            "sku": both.sku,
            "guest_quantity": 2,
            "account_quantity": 5,
            "quantity": quantity,
            "outcome": outcome,
        },
        {
            "sku": new.sku,
            "guest_quantity": 3,
            "account_quantity": 0,
            "quantity": 3,
            "outcome": "added",
        },
    ]


async def test_a_merge_is_capped_by_limit_and_stock(start_app: Start, database_url: str) -> None:
    """What the limit or the stock leaves no room for is capped, down to dropped."""
    app = await start_app(cart_merge="sum", cart_max_quantity=10)
    many = await add_product(database_url)
    few = await add_product(database_url, stock=4)
    name = await shopper(app, many.sku, 8)
    owner = Jar(app)
    await owner.ask(*login(name))
    await owner.ask("POST", "/cart/lines", {"sku": few.sku, "quantity": 4}, status=201)
    jar = await guest(app, many.sku, 7)
    gone = await add_product(database_url, stock=2)
    await jar.ask("POST", "/cart/lines", {"sku": few.sku, "quantity": 3}, status=201)
    await jar.ask("POST", "/cart/lines", {"sku": gone.sku, "quantity": 2}, status=201)
    await add_product(database_url, sku=gone.sku, stock=0)
    body = await jar.ask(*login(name))
    assert [(line["quantity"], line["outcome"]) for line in body["merge"]["lines"]] == [
        (10, "capped"),
        (4, "capped"),
        (0, "dropped"),
    ]


@pytest.mark.parametrize("strategy", ["max", "sum", "guest", "account"])
async def test_twenty_logins_at_once_merge_once(
    start_app: Start, product: Product, strategy: str
) -> None:
    """However many logins bring the same guest's cart at once, it joins once."""
    app = await start_app(cart_merge=strategy, hash_queue=1_000)
    name = await shopper(app, product.sku, 5)
    jar = await guest(app, product.sku, 2)
    replay = jar.copy()
    answers = await asyncio.gather(*(jar.send(*login(name)) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    wanted = {"max": 5, "sum": 7, "guest": 2, "account": 5}[strategy]
    bodies = [await answer.get_json() for answer in answers]
    assert {body["cart"]["quantity"] for body in bodies} == {wanted}
    assert sum(body["merge"] is not None for body in bodies) == 1
    assert (await replay.ask(*login(name)))["cart"]["quantity"] == wanted


async def race_an_add_with_a_login(app: Quart, product: Product, rounds: int) -> None:
    name = await shopper(app)
    for number in range(rounds):
        jar = await guest(app, product.sku, 1)
        add = ("POST", "/cart/lines", {"sku": product.sku, "quantity": 2})
        await jar.at_once([add, login(name)], random.Random(number))
        cart = await jar.ask("GET", "/cart")
        assert cart["quantity"] == 3
        await jar.ask("DELETE", "/cart")


async def test_an_add_that_races_a_login_is_never_lost(app: Quart, product: Product) -> None:
    """An add in flight while the login commits ends up in the account's cart."""
    await race_an_add_with_a_login(app, product, 60)


@pytest.mark.parametrize("whose", ["the guest's", "the account's", "the account's first"])
async def test_a_cart_that_changes_while_a_login_merges_is_merged_as_it_is(
    app: Quart, product: Product, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """What is added between the reading and the writing of a merge is in the cart, and once."""
    name = await shopper(app, None if whose == "the account's first" else product.sku, 5)
    owner = Jar(app)
    await owner.ask(*login(name))
    jar = await guest(app, product.sku, 2)
    adder = jar.copy() if whose == "the guest's" else owner
    settle, calls = login_queries.settle_login, []

    async def add_before(*args: Any) -> StartedLogin | None:
        calls.append(args)
        if len(calls) == 1:
            line = {"sku": product.sku, "quantity": 7}
            status = 201 if whose == "the account's first" else 200
            await adder.ask("POST", "/cart/lines", line, status=status)
        return await settle(*args)

    monkeypatch.setattr(login_queries, "settle_login", add_before)
    body = await jar.ask(*login(name))
    assert len(calls) == 2
    guests, accounts = (9, 5) if whose == "the guest's" else (2, 7 if "first" in whose else 12)
    assert body["cart"]["quantity"] == max(guests, accounts)
    assert (await jar.ask("GET", "/cart"))["quantity"] == max(guests, accounts)
    assert [line["guest_quantity"] for line in body["merge"]["lines"]] == [guests]
    sessions = (await jar.ask("GET", "/account/sessions"))["sessions"]
    assert len(sessions) == 3


async def test_a_login_meets_a_changed_password(
    app: Quart, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that changes after it was checked ends the log in, and nothing is merged."""
    name = await shopper(app, product.sku, 5)
    owner = Jar(app)
    await owner.ask(*login(name))
    jar = await guest(app, product.sku, 7)
    settle = login_queries.settle_login

    async def change_before(*args: Any) -> StartedLogin | None:
        monkeypatch.setattr(login_queries, "settle_login", settle)
        body = {"current_password": PASSWORD, "new_password": f"{PASSWORD} and more"}
        await owner.ask("PUT", "/account/password", body, status=204)
        return await settle(*args)

    monkeypatch.setattr(login_queries, "settle_login", change_before)
    await jar.ask(*login(name), status=401)
    assert (await jar.ask("GET", "/cart"))["quantity"] == 7
    assert (await owner.ask("GET", "/cart"))["quantity"] == 5
    assert len((await owner.ask("GET", "/account/sessions"))["sessions"]) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_five_hundred_races_lose_nothing(app: Quart, product: Product) -> None:
    """The same five hundred times."""
    await race_an_add_with_a_login(app, product, 500)


async def test_a_first_add_that_races_a_login_is_never_lost(app: Quart, product: Product) -> None:
    """A browser that only looked at its cart has its id, and an add with it follows the login."""
    for number in range(20):
        jar = Jar(app)
        name = await shopper(app)
        await jar.ask("GET", "/cart")
        add = ("POST", "/cart/lines", {"sku": product.sku})
        await jar.at_once([add, login(name)], random.Random(number))
        assert (await jar.ask("GET", "/cart"))["quantity"] == 1


async def test_a_guests_cookies_never_show_the_accounts_cart(app: Quart, product: Product) -> None:
    """Cookies from before the login show a guest's cart, before and after logging out."""
    name = await shopper(app, product.sku, 5)
    jar = await guest(app, product.sku, 2)
    before = jar.copy()
    await jar.ask(*login(name))
    assert (await before.ask("GET", "/cart"))["lines"] == []
    await jar.ask("DELETE", "/session", status=204)
    assert (await before.ask("GET", "/cart"))["lines"] == []
    assert (await jar.ask("GET", "/cart"))["lines"] == []


async def test_after_a_time_a_guests_cookies_begin_a_cart_of_their_own(
    start_app: Start, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is added with them soon after the login follows the login; later it doesn't."""
    app = await start_app(merge_window=600)
    name = await shopper(app)
    jar = await guest(app, product.sku, 1)
    before = jar.copy()
    await jar.ask(*login(name))
    add = ("POST", "/cart/lines", {"sku": product.sku, "quantity": 2})
    await before.copy().ask(*add, status=201)
    assert (await jar.ask("GET", "/cart"))["quantity"] == 3
    with monkeypatch.context() as patch:
        later(patch, seconds=601)
        stranger = before.copy()
        assert (await stranger.ask(*add, status=201))["quantity"] == 2
        assert (await stranger.ask("GET", "/cart"))["quantity"] == 2
        assert (await jar.ask("GET", "/cart"))["quantity"] == 3


@pytest.mark.parametrize("entrance", ["log in", "register"])
async def test_a_cart_planted_in_a_browser_stops_following_after_seconds(
    app: Quart, product: Product, monkeypatch: pytest.MonkeyPatch, entrance: str
) -> None:
    """Who had the browser before, and kept its cookie, fills nobody's cart with it later.

    Not by adding, setting or merging again; nor do they see anything of the account's.
    """
    before = await guest(app, product.sku, 1)
    jar, name = before.copy(), new_name()
    if entrance == "log in":
        await jar.ask(*login(await shopper(app)))
    else:
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        await jar.ask("POST", "/account", body, status=201)
    with monkeypatch.context() as patch:
        later(patch, seconds=11)
        add = ("POST", "/cart/lines", {"sku": product.sku, "quantity": 7})
        put = ("PUT", f"/cart/lines/{product.sku}", {"quantity": 50})
        for request in (add, put):
            thief = before.copy()
            await thief.ask(*request, status=201)
            assert (await jar.ask("GET", "/cart"))["quantity"] == 1
        await before.copy().ask(*login(await shopper(app)))
        assert (await jar.ask("GET", "/cart"))["quantity"] == 1
        assert (await jar.ask("GET", "/session"))["cart"]["quantity"] == 1


@pytest.mark.parametrize("ended", ["not", "deleted"])
async def test_session_and_cart_say_the_same_of_a_guest_who_left(
    app: Quart, product: Product, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    """With a guest's old cookies both count what the guest's cart shows, whatever is in its row."""
    before = await guest(app, product.sku, 1)
    jar = before.copy()
    await jar.ask(*login(await shopper(app)))
    await before.copy().ask("POST", "/cart/lines", {"sku": product.sku, "quantity": 7}, status=201)
    if ended == "deleted":
        await jar.ask("DELETE", "/account", {"current_password": PASSWORD}, status=204)
    for seconds in (0, 11):
        with monkeypatch.context() as patch:
            later(patch, seconds=seconds)
            quantity = (await before.copy().ask("GET", "/cart"))["quantity"]
            assert (await before.copy().ask("GET", "/session"))["cart"]["quantity"] == quantity
    assert quantity == 0


async def test_another_account_gets_nothing_of_a_merged_cart(app: Quart, product: Product) -> None:
    """A guest's cart that joined one account brings nothing to another, by no replay."""
    first, second = await shopper(app), await shopper(app)
    jar = await guest(app, product.sku, 2)
    before = jar.copy()
    await jar.ask(*login(first))
    body = await before.ask(*login(second))
    assert body["cart"]["quantity"] == 0
    assert body["merge"] is None


async def test_what_a_guest_adds_after_logging_out_stays_the_guests(
    app: Quart, product: Product
) -> None:
    """The cart after a logout is a guest's own, whatever the account's cart took in before."""
    jar = await guest(app, product.sku, 1)
    before = jar.copy()
    name = await shopper(app)
    await jar.ask(*login(name))
    await before.ask("POST", "/cart/lines", {"sku": product.sku}, status=201)
    assert (await jar.ask("GET", "/cart"))["quantity"] == 2
    await jar.ask("DELETE", "/session", status=204)
    await jar.ask("POST", "/cart/lines", {"sku": product.sku, "quantity": 5}, status=201)
    owner = Jar(app)
    assert (await owner.ask(*login(name)))["cart"]["quantity"] == 2
    assert (await jar.ask("GET", "/cart"))["quantity"] == 5
