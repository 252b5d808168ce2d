"""What was deleted stays away: no cookie brings it back, to its owner or to anybody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from quart import Quart

from service.database import Connection
from tests.support.jar import Jar
from tests.support.shopping import PASSWORD, Product, new_name


async def register(jar: Jar, name: str, email: str = "") -> dict[str, Any]:
    email = email or f"{name}@example.com"
    body = {"username": name, "email": email, "password": PASSWORD}
    answer: dict[str, Any] = await jar.ask("POST", "/account", body, status=201)
    return answer


async def add(jar: Jar, product: Product, quantity: int, *, new: bool = True) -> dict[str, Any]:
    body = {"sku": product.sku, "quantity": quantity}
    cart: dict[str, Any] = await jar.ask("POST", "/cart/lines", body, status=201 if new else 200)
    return cart


async def delete(jar: Jar) -> None:
    await jar.ask("DELETE", "/account", {"current_password": PASSWORD}, status=204)


async def show_nothing(jar: Jar) -> None:
    """Look in every way, register and log in, and find nothing."""
    assert (await jar.copy().ask("GET", "/session"))["cart"]["quantity"] == 0
    assert (await jar.copy().ask("GET", "/cart"))["quantity"] == 0
    other = new_name()
    assert (await register(jar.copy(), other))["cart"]["quantity"] == 0
    login = {"username": other, "password": PASSWORD}
    again = await jar.copy().ask("POST", "/session", login)
    assert (again["cart"]["quantity"], again["merge"]) == (0, None)


async def test_a_deleted_accounts_cart_is_not_the_next_ones(app: Quart, product: Product) -> None:
    """Whoever registers under the free name, on a device where it was signed in, gets nothing."""
    laptop, name = Jar(app), new_name()
    await register(laptop, name)
    phone = Jar(app)
    await phone.ask("POST", "/session", {"username": name, "password": PASSWORD})
    await add(phone, product, 2)
    await laptop.ask("GET", "/cart")
    saved = [phone.copy(), laptop.copy()]
    looked = phone.copy()
    await delete(laptop)
    # One that looked since keeps the copy aside, for a database that forgot.
    assert (await looked.ask("GET", "/cart"))["quantity"] == 0
    for number, jar in enumerate([*saved, looked, laptop]):
        body = await register(jar, name, f"{name}{number}@example.org")
        assert (body["cart"]["quantity"], body["merge"]) == (0, None)
        assert (await jar.ask("GET", "/cart"))["quantity"] == 0
        await delete(jar)
    for jar in (*saved, looked):
        await show_nothing(jar)


async def test_a_cart_that_joined_a_deleted_account_stays_empty(
    app: Quart, product: Product
) -> None:
    """The guest's cookies from before it joined bring nothing back, ordered or not."""
    for ordered in (True, False):
        jar = Jar(app)
        await add(jar, product, 3)
        guest = jar.copy()
        cart = (await register(jar, new_name()))["cart"]
        assert cart["quantity"] == 3
        if ordered:
            await jar.ask("POST", "/orders", {"expected_total": cart["total"]}, status=201)
        await delete(jar)
        await show_nothing(guest)
        assert (await add(guest, product, 1))["quantity"] == 1
        assert (await guest.ask("GET", "/cart"))["quantity"] == 1


async def test_what_was_added_late_goes_as_well(
    app: Quart, product: Product, observer: Connection
) -> None:
    """An add that was still to follow into the account is not found by its cookie, nor kept."""
    jar = Jar(app)
    cart = await add(jar, product, 3)
    guest = jar.copy()
    await register(jar, new_name())
    late = guest.copy()
    await add(late, product, 5)
    await delete(jar)
    row = await observer.fetchrow(
        "select lines, merged_into from carts where id = $1::uuid", cart["id"]
    )
    assert row is not None
    assert (row["lines"], row["merged_into"]) == ("[]", None)
    await show_nothing(late)
    await show_nothing(guest)


async def test_an_answer_with_a_key_goes_as_well(app: Quart, product: Product) -> None:
    """What a guest's key led to is not replayed once the cart went into a deleted account."""
    jar = Jar(app)
    await jar.ask("GET", "/cart")
    guest = jar.copy()
    body = {"sku": product.sku, "quantity": 3}
    client = app.test_client(use_cookies=False)
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in jar.cookies.items()),
        "Idempotency-Key": "k",
    }
    response = await client.post("/api/v1/cart/lines", json=body, headers=headers)
    jar.take(response)
    await register(jar, new_name())
    await delete(jar)
    again = await client.post("/api/v1/cart/lines", json=body, headers=headers)
    assert "Idempotent-Replayed" not in again.headers
    await show_nothing(guest)


@pytest.mark.parametrize("round_", range(8))
async def test_a_name_that_becomes_free_at_this_moment(
    app: Quart, product: Product, round_: int
) -> None:
    """A registration that waits for the deletion to be done gets nothing of the account either."""
    jar, name = Jar(app), new_name()
    await register(jar, name)
    await add(jar, product, 2)
    phone = jar.copy()
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    deletion = jar.send("DELETE", "/account", {"current_password": PASSWORD})
    answers = await asyncio.gather(deletion, phone.send("POST", "/account", body))
    assert answers[0].status_code == 204
    if answers[1].status_code == 201:
        assert (await answers[1].get_json())["cart"]["quantity"] == 0
    else:
        assert answers[1].status_code == 409
        phone.take(answers[1])
        assert (await register(phone, name))["cart"]["quantity"] == 0


async def test_adds_that_meet_a_deletion(app: Quart, product: Product) -> None:
    """Adds that meet a deletion are in the account's cart or a guest's; none is an error."""
    for _ in range(5):
        jar = Jar(app)
        await add(jar, product, 1)
        guest = jar.copy()
        await register(jar, new_name())
        adds = [
            browser.copy().send("POST", "/cart/lines", {"sku": product.sku})
            for browser in (guest, jar, guest, jar)
        ]
        deletion = jar.copy().send("DELETE", "/account", {"current_password": PASSWORD})
        answers = await asyncio.gather(*adds[:2], deletion, *adds[2:])
        assert {answer.status_code for answer in answers} <= {200, 201, 204}
        await show_nothing(guest)


async def test_a_mark_names_nobody(app: Quart, observer: Connection) -> None:
    """The mark of a deleted account is a digest of a random id, by which nobody is found."""
    jar = Jar(app)
    user = (await register(jar, new_name()))["user"]
    count = "select count(*) from deleted_accounts where mark = sha256(uuid_send($1::text::uuid))"
    assert await observer.fetchval(count, user["id"]) == 0
    await delete(jar)
    assert await observer.fetchval(count, user["id"]) == 1
    columns = await observer.fetch(
        "select column_name from information_schema.columns where table_name = 'deleted_accounts'"
    )
    assert {row["column_name"] for row in columns} == {"mark", "deleted_at"}
