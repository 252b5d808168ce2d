"""A database that forgot what it had acknowledged gets it back from the browsers."""

from __future__ import annotations

import logging
from itertools import starmap
from typing import Any, TypeAlias

import asyncpg
import pytest
from quart import Quart

from service.carts.model import Cart, CopiedLine, heal
from tests.support.jar import Jar
from tests.support.offers import LIMITS
from tests.support.shopping import PASSWORD, Product, add_product, new_name

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def put(jar: Jar, sku: str, quantity: int) -> dict[str, Any]:
    """Set a line's quantity; returns the cart."""
    response = await jar.send("PUT", f"/cart/lines/{sku}", {"quantity": quantity})
    jar.take(response)
    assert response.status_code in {200, 201}
    body: dict[str, Any] = await response.get_json()
    return body


async def register(jar: Jar, name: str | None = None) -> dict[str, Any]:
    name = name or new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    answer: dict[str, Any] = await jar.ask("POST", "/account", body, status=201)
    return answer


def quantities(cart: dict[str, Any]) -> dict[str, int]:
    return {line["sku"]: line["quantity"] for line in cart["lines"]}


async def test_a_guests_cart_without_its_row_is_whole_again(
    app: Quart, product: Product, observer: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that is gone comes back from the copy, with a higher revision, and it is logged."""
    jar = Jar(app)
    cart = await put(jar, product.sku, 3)
    await observer.execute("delete from carts where id = $1::uuid", cart["id"])
    with caplog.at_level(logging.WARNING):
        healed = await jar.ask("GET", "/cart")
    assert quantities(healed) == {product.sku: 3}
    assert healed["id"] == cart["id"]
    assert healed["revision"] > cart["revision"]
    assert "healed" in caplog.text
    row = await observer.fetchval("select lines from carts where id = $1::uuid", cart["id"])
    assert row != "[]"


async def test_a_row_set_back_keeps_the_larger_quantity_of_each_variant(
    app: Quart, product: Product, database_url: str, observer: Database
) -> None:
    """Two revisions back: what was added since is there, and so is what was taken out since."""
    jar, other = Jar(app), await add_product(database_url)
    await put(jar, product.sku, 3)
    cart = await put(jar, other.sku, 5)
    row = await observer.fetchrow(
        "select revision, lines from carts where id = $1::uuid", cart["id"]
    )
    assert row is not None
    await put(jar, product.sku, 4)
    await put(jar, other.sku, 2)
    await observer.execute(
        "update carts set revision = $2, lines = $3 where id = $1::uuid", cart["id"], *row
    )
    assert quantities(await jar.ask("GET", "/cart")) == {product.sku: 4, other.sku: 5}


async def test_an_add_heals_before_it_adds(
    app: Quart, product: Product, observer: Database
) -> None:
    """The first request after the database lost a cart may be an add: cart and add are there."""
    jar = Jar(app)
    cart = await put(jar, product.sku, 3)
    await observer.execute("delete from carts where id = $1::uuid", cart["id"])
    await jar.ask("POST", "/cart/lines", {"sku": product.sku, "quantity": 2})
    assert quantities(await jar.ask("GET", "/cart")) == {product.sku: 5}


async def test_a_login_heals_both_carts_before_they_join(
    app: Quart, product: Product, database_url: str, observer: Database
) -> None:
    """A guest's lost cart still joins the account's at login."""
    name, jar = new_name(), Jar(app)
    await register(Jar(app), name)
    cart = await put(jar, product.sku, 3)
    await observer.execute("delete from carts where id = $1::uuid", cart["id"])
    body = await jar.ask("POST", "/session", {"username": name, "password": PASSWORD})
    assert quantities(body["cart"]) == {product.sku: 3}


async def test_an_older_database_costs_no_cart(
    app: Quart, product: Product, database_url: str, observer: Database
) -> None:
    """After a dump of a minute ago is restored, each cart is whole on its next use.

    A guest's, one of a login that was lost (once its owner logs in again), and one of an
    account that was lost (once its owner registers again).
    """
    other = await add_product(database_url)
    guest, owner, newcomer = Jar(app), Jar(app), Jar(app)
    name, new = new_name(), new_name()
    cart = await put(guest, product.sku, 1)
    await register(Jar(app), name)

    # The dump is taken here; what follows is lost.
    before = await observer.fetchrow(
        "select revision, lines from carts where id = $1::uuid", cart["id"]
    )
    assert before is not None
    await put(guest, other.sku, 2)
    login = {"username": name, "password": PASSWORD}
    user = (await owner.ask("POST", "/session", login))["user"]
    await put(owner, product.sku, 4)
    lost = (await register(newcomer, new))["user"]
    await put(newcomer, product.sku, 6)

    await observer.execute(
        "update carts set revision = $2, lines = $3 where id = $1::uuid", cart["id"], *before
    )
    await observer.execute("delete from carts where account_id = $1::uuid", user["id"])
    await observer.execute("delete from logins where account_id = $1::uuid", user["id"])
    await observer.execute("delete from accounts where id = $1::uuid", lost["id"])

    assert quantities(await guest.ask("GET", "/cart")) == {product.sku: 1, other.sku: 2}
    assert quantities(await owner.ask("GET", "/cart")) == {}
    await owner.ask("POST", "/cart/lines", {"sku": other.sku}, status=201)
    again = await owner.ask("POST", "/session", login)
    assert quantities(again["cart"]) == {product.sku: 4, other.sku: 1}
    again = await register(newcomer, new)
    assert quantities(again["cart"]) == {product.sku: 6}


async def test_an_emptied_cart_stays_empty(app: Quart, product: Product) -> None:
    """A cart that was emptied stays empty, whatever cookies from before come back."""
    jar = Jar(app)
    await put(jar, product.sku, 3)
    before = jar.copy()
    await jar.ask("DELETE", "/cart")
    assert quantities(await before.ask("GET", "/cart")) == {}
    assert quantities(await jar.ask("GET", "/cart")) == {}


async def test_an_ordered_cart_stays_ordered(app: Quart, product: Product) -> None:
    """No cookie from before the order brings its lines back, nor a login with one."""
    jar, name = Jar(app), new_name()
    await register(jar, name)
    cart = await put(jar, product.sku, 3)
    before = jar.copy()
    await jar.ask("POST", "/orders", {"expected_total": cart["total"]}, status=201)
    assert quantities(await before.ask("GET", "/cart")) == {}
    login = {"username": name, "password": PASSWORD}
    assert quantities((await before.ask("POST", "/session", login))["cart"]) == {}
    assert quantities(await jar.ask("GET", "/cart")) == {}


async def test_a_merged_cart_stays_merged(app: Quart, product: Product) -> None:
    """A guest's cookies from before the login bring nothing into any cart again."""
    jar, name = Jar(app), new_name()
    await register(Jar(app), name)
    await put(jar, product.sku, 3)
    before = jar.copy()
    login = {"username": name, "password": PASSWORD}
    await jar.ask("POST", "/session", login)
    await jar.ask("DELETE", "/cart")
    assert quantities(await before.ask("GET", "/cart")) == {}
    assert quantities((await before.ask("POST", "/session", login))["cart"]) == {}
    assert quantities(await jar.ask("GET", "/cart")) == {}


def test_a_copy_of_nonsense_heals_nothing() -> None:
    """A copy says variants and quantities; others than there are, or none, are left out."""
    assert heal(Cart(), starmap(CopiedLine, [(0, 5), (-1, 1), (1, -4)]), {}, LIMITS).lines == ()


async def test_another_accounts_copy_heals_nothing(
    app: Quart, product: Product, observer: Database
) -> None:
    """What one account's browser remembers never gets into another account's cart."""
    jar, name = Jar(app), new_name()
    await register(Jar(app), name)
    user = (await register(jar))["user"]
    await put(jar, product.sku, 3)
    await observer.execute("delete from carts where account_id = $1::uuid", user["id"])
    body = await jar.ask("POST", "/session", {"username": name, "password": PASSWORD})
    assert quantities(body["cart"]) == {}
