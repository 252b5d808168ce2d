"""A request sent again with the same `Idempotency-Key`, over HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client
from werkzeug.datastructures import Headers

from service import clock
from service.database import Connection
from tests.support.checkout import check_out, quantity_in_stock, shopper
from tests.support.shopping import API, Product, add_product, get, log_in, register


async def post_line(
    client: Client, sku: str, key: str, quantity: int = 1
) -> tuple[int, Any, Headers]:
    response = await client.post(
        f"{API}/cart/lines",
        json={"sku": sku, "quantity": quantity},
        headers={"Idempotency-Key": key},
    )
    return response.status_code, await response.get_json(), response.headers


async def test_an_add_sent_twice_is_added_once(signed_in: Client, product: Product) -> None:
    """The repeat has status, body and ETag of the first, is marked, and adds nothing."""
    status, first, headers = await post_line(signed_in, product.sku, "one", 2)
    assert (status, first["quantity"]) == (201, 2)
    assert "Idempotent-Replayed" not in headers
    status, second, again = await post_line(signed_in, product.sku, "one", 2)
    assert (status, second) == (201, first)
    assert again["Idempotent-Replayed"] == "true"
    assert again["ETag"] == headers["ETag"]
    assert again["Content-Type"] == headers["Content-Type"]
    assert (await get(signed_in, "/cart"))["quantity"] == 2


async def test_another_key_is_another_add(signed_in: Client, product: Product) -> None:
    """Idempotency keys are told apart, case included."""
    for key in ("one", "two", "ONE", "o" * 255, "!~"):
        await post_line(signed_in, product.sku, key)
    assert (await get(signed_in, "/cart"))["quantity"] == 5


async def test_a_key_is_for_one_request(signed_in: Client, product: Product) -> None:
    """The same key with another body or on another path is 422, and does nothing."""
    await post_line(signed_in, product.sku, "one")
    status, problem, _ = await post_line(signed_in, product.sku, "one", 2)
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    status, problem, _ = await check_out(signed_in, 1599, key="one")
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    assert (await get(signed_in, "/cart"))["quantity"] == 1


@pytest.mark.parametrize("key", ["", " ", "two words", "o" * 256, "schlüssel", "tab\t"])
async def test_a_key_is_visible_ascii(signed_in: Client, product: Product, key: str) -> None:
    """An idempotency key is 1 to 255 visible ASCII characters, or 422 and nothing is done."""
    status, problem, _ = await post_line(signed_in, product.sku, key)
    assert (status, problem["code"]) == (422, "invalid")
    assert problem["errors"][0]["field"] == "Idempotency-Key"
    assert (await get(signed_in, "/cart"))["quantity"] == 0


async def test_accounts_have_keys_of_their_own(app: Quart, product: Product) -> None:
    """Another account's key is another key, and shows nothing of the first's answer."""
    for _ in range(2):
        client = app.test_client()
        await register(client)
        status, cart, headers = await post_line(client, product.sku, "one")
        assert (status, cart["quantity"]) == (201, 1)
        assert "Idempotent-Replayed" not in headers


async def test_an_account_has_its_keys_everywhere(app: Quart, product: Product) -> None:
    """A repeat from another browser of the account is a repeat."""
    first, second = app.test_client(), app.test_client()
    name = (await register(first))["user"]["username"]
    await log_in(second, name)
    await post_line(first, product.sku, "one")
    _, _, headers = await post_line(second, product.sku, "one")
    assert headers["Idempotent-Replayed"] == "true"
    assert (await get(second, "/cart"))["quantity"] == 1


async def test_a_login_that_ended_has_no_keys(app: Quart, product: Product) -> None:
    """After logging out, the account's answers are shown to nobody."""
    client, thief = app.test_client(), app.test_client()
    await register(client)
    await post_line(client, product.sku, "one", 2)
    cookie = next(cookie for cookie in client.cookie_jar or () if cookie.name == "session")
    thief.set_cookie("localhost", "session", cookie.value or "")
    await client.delete(f"{API}/session")
    _, cart, headers = await post_line(thief, product.sku, "one", 2)
    assert "Idempotent-Replayed" not in headers
    assert cart["quantity"] == 2


async def test_a_guests_keys_are_their_carts(app: Quart, product: Product) -> None:
    """A guest who has a cart can repeat an add; another guest's key is another key."""
    client, other = app.test_client(), app.test_client()
    await get(client, "/cart")
    await post_line(client, product.sku, "one", 2)
    status, cart, headers = await post_line(client, product.sku, "one", 2)
    assert (status, cart["quantity"]) == (201, 2)
    assert headers["Idempotent-Replayed"] == "true"
    await get(other, "/cart")
    _, _, headers = await post_line(other, product.sku, "one", 2)
    assert "Idempotent-Replayed" not in headers


async def test_a_guest_without_a_cart_has_no_keys(app: Quart, product: Product) -> None:
    """A first add sent again by a browser that missed the answer makes a cart of its own."""
    ids = set()
    for _ in range(2):
        _, cart, headers = await post_line(app.test_client(), product.sku, "one")
        assert "Idempotent-Replayed" not in headers
        ids.add(cart["id"])
    assert len(ids) == 2


async def test_a_decided_conflict_is_replayed(app: Quart, database_url: str) -> None:
    """A 409 stays what it was, also when the reason for it is gone."""
    tent = await add_product(database_url, stock=1)
    client = app.test_client()
    await register(client)
    status, first, headers = await post_line(client, tent.sku, "one", 2)
    assert (status, first["code"]) == (409, "insufficient_stock")
    await add_product(database_url, sku=tent.sku, stock=10)
    status, second, again = await post_line(client, tent.sku, "one", 2)
    assert (status, second) == (409, first)
    assert again["Idempotent-Replayed"] == "true"
    assert again["Content-Type"] == "application/problem+json"
    assert headers["Content-Type"] == again["Content-Type"]


async def test_a_refusal_of_the_request_is_not_kept(signed_in: Client, product: Product) -> None:
    """404 and 422 leave the key free for the request as it should have been."""
    status, _, _ = await post_line(signed_in, "NO-SUCH-SKU", "one")
    assert status == 404
    status, _, _ = await post_line(signed_in, product.sku, "one", 0)
    assert status == 422
    status, _, _ = await post_line(signed_in, product.sku, "one")
    assert status == 201


async def test_a_key_lasts_24_hours(
    app: Quart, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just before 24 hours a repeat is a repeat, after them a new request, and kept in turn."""
    client = app.test_client()
    start = datetime.now(UTC)
    monkeypatch.setattr(clock, "now", lambda: start)
    name = (await register(client))["user"]["username"]
    await post_line(client, product.sku, "one")
    for passed, quantity in (
        (timedelta(hours=23, minutes=59), 1),
        (timedelta(hours=24), 2),
        (timedelta(hours=47), 2),
    ):
        monkeypatch.setattr(clock, "now", lambda passed=passed: start + passed)
        await log_in(client, name)
        await post_line(client, product.sku, "one")
        assert (await get(client, "/cart"))["quantity"] == quantity


async def test_of_many_at_once_one_does_the_work(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """20 checkouts with one key at once: one order, and the same answer for all."""
    tent = await add_product(database_url, stock=100)
    client, total = await shopper(app, tent)
    answers = await asyncio.gather(*(check_out(client, total, key="one") for _ in range(20)))
    assert {status for status, _, _ in answers} == {201}
    assert len({body["number"] for _, body, _ in answers}) == 1
    assert [headers.get("Idempotent-Replayed") for *_, headers in answers].count("true") == 19
    assert await quantity_in_stock(observer, tent.sku) == 99


async def test_first_adds_at_once_with_keys_are_all_made(
    signed_in: Client, product: Product
) -> None:
    """An account has no cart yet, and each of ten adds would make it: all are in the one cart."""
    answers = await asyncio.gather(
        *(post_line(signed_in, product.sku, f"first-{number}") for number in range(10))
    )
    assert {status for status, _, _ in answers} <= {200, 201}
    assert (await get(signed_in, "/cart"))["quantity"] == 10


async def test_a_refusal_of_many_at_once_is_one(app: Quart, database_url: str) -> None:
    """Twenty with one key that can't be done: the same 409 for all, and nothing in the cart."""
    tent = await add_product(database_url, stock=1)
    client = app.test_client()
    await register(client)
    answers = await asyncio.gather(*(post_line(client, tent.sku, "one", 2) for _ in range(20)))
    assert {(status, body["code"]) for status, body, _ in answers} == {(409, "insufficient_stock")}
    assert (await get(client, "/cart"))["quantity"] == 0


async def test_a_checkout_is_replayed_whatever_happened_since(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """With a key, a repeat has the first order also when the cart has been filled again."""
    tent = await add_product(database_url, stock=10)
    client, total = await shopper(app, tent)
    _, first, headers = await check_out(client, total, key="one")
    await post_line(client, tent.sku, "two")
    status, second, again = await check_out(client, total, key="one")
    assert (status, second) == (201, first)
    assert again["Location"] == headers["Location"]
    assert (await get(client, "/cart"))["quantity"] == 1
    assert await quantity_in_stock(observer, tent.sku) == 9


async def test_a_cancellation_is_replayed(
    app: Quart, observer: Connection, database_url: str
) -> None:
    """With a key, cancelling twice gives the stock back once, and answers 200 twice."""
    tent = await add_product(database_url, stock=10)
    client, total = await shopper(app, tent)
    _, order, _ = await check_out(client, total)
    for _ in range(2):
        response = await client.post(
            f"{API}/orders/{order['number']}/cancel", headers={"Idempotency-Key": "one"}
        )
        assert response.status_code == 200
        assert (await response.get_json())["status"] == "cancelled"
    assert await quantity_in_stock(observer, tent.sku) == 10


async def test_a_repeat_changes_no_cookie(signed_in: Client, product: Product) -> None:
    """A replay doesn't put an old copy of the cart into the session."""
    await post_line(signed_in, product.sku, "one")
    await post_line(signed_in, product.sku, "two")
    _, _, headers = await post_line(signed_in, product.sku, "one")
    assert "Set-Cookie" not in headers
