"""A change that is meant for a cart as it was seen is made to that cart as it is, or to none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from tests.carts.test_api import LINES, cart_of, line_of, problem_of
from tests.support.shopping import API, Product, add, add_product, get, log_in, make_token, register

Change = tuple[str, str, dict[str, Any] | None]

CHANGES: dict[str, Callable[[str, int], Change]] = {
    "add": lambda sku, _: ("POST", LINES, {"sku": sku}),
    "set": lambda sku, _: ("PUT", line_of(sku), {"quantity": 7}),
    "remove": lambda sku, _: ("DELETE", line_of(sku), None),
    "empty": lambda _, __: ("DELETE", f"{API}/cart", None),
    "order": lambda _, total: ("POST", f"{API}/orders", {"expected_total": total}),
}


async def send(client: Client, change: Change, **headers: str) -> Any:
    method, path, body = change
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.open(path, method=method, json=body, headers=named)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_for_a_cart_that_has_changed_is_not_made(
    signed_in: Client, product: Product, name: str
) -> None:
    """412 shows the cart as it is, which is as it was; with its tag the change is made."""
    seen = await add(signed_in, product.sku)
    now = await add(signed_in, product.sku)
    change = CHANGES[name](product.sku, now["total"])
    problem = await problem_of(
        await send(signed_in, change, If_Match=seen["etag"]), 412, "revision_mismatch"
    )
    assert problem["cart"] == await get(signed_in, "/cart") == now
    response = await send(signed_in, change, If_Match=problem["cart"]["etag"])
    assert response.status_code in {200, 201}
    assert await get(signed_in, "/cart") != now


@pytest.mark.parametrize("name", CHANGES)
async def test_another_accounts_cart_never_matches(
    signed_in: Client, product: Product, name: str
) -> None:
    """Seen as one account, sent as another: 412, though both carts are at one revision."""
    seen = await add(signed_in, product.sku)
    await signed_in.delete(f"{API}/session")
    await register(signed_in)
    other = await add(signed_in, product.sku, 5)
    assert other["revision"] == seen["revision"]
    change = CHANGES[name](product.sku, other["total"])
    await problem_of(await send(signed_in, change, If_Match=seen["etag"]), 412, "revision_mismatch")
    assert await get(signed_in, "/cart") == other


async def test_each_cart_and_each_revision_has_its_tag(
    app: Quart, client: Client, product: Product
) -> None:
    """Guests, the guest after a logout, accounts, carts not made yet: no tag comes twice."""
    tags = []
    for browser in (client, app.test_client()):
        tags.append((await get(browser, "/cart"))["etag"])
        tags += [(await add(browser, product.sku))["etag"] for _ in range(2)]
        name = (await register(browser))["user"]["username"]
        tags.append((await get(browser, "/cart"))["etag"])
        await browser.delete(f"{API}/session")
        tags.append((await get(browser, "/cart"))["etag"])
        await add(browser, product.sku, 5)
        tags.append((await log_in(browser, name))["cart"]["etag"])
    assert len(set(tags)) == len(tags)


async def test_a_tag_holds_while_the_cart_does(
    app: Quart, client: Client, product: Product, database_url: str
) -> None:
    """A cart's tag is one by cookie, token and other device, whatever price and stock become."""
    name = (await register(client))["user"]["username"]
    empty = await get(client, "/cart")
    assert (await get(client, "/cart"))["etag"] == empty["etag"]
    seen = await add(client, product.sku)
    await add_product(database_url, sku=product.sku, price="20.00", stock=0)
    phone = app.test_client()
    assert (await log_in(phone, name))["cart"]["etag"] == seen["etag"]
    headers = {"Authorization": f"Bearer {(await make_token(client))['token']}"}
    response = await app.test_client().get(f"{API}/cart", headers=headers)
    assert (await cart_of(response, 200))["etag"] == seen["etag"]


@pytest.mark.parametrize(
    ("header", "met"),
    [
        ("{}", True),
        (" {} ", True),
        ('"7", {}', True),
        ('{},"7"', True),
        ('W/"9" , {}', True),
        ('"a, b", {}', True),
        ("*", True),
        (" * ", True),
        ("W/{}", False),  # a weak tag never matches (RFC 9110, 13.1.1)
        ('W/{}, W/"2"', False),
        ('"1"', False),
        ('"0"', False),
        ("1", False),
        ('""', False),
        ("", False),
        ('"*"', False),
        ("junk", False),
        ('"1', False),
        ("\xe9", False),
    ],
)
async def test_forms_of_if_match(
    client: Client, product: Product, header: str, *, met: bool
) -> None:
    """Lists and `*` are understood as RFC 9110 has them; what isn't a tag of ours never matches."""
    seen = (await add(client, product.sku))["etag"]
    change = CHANGES["set"](product.sku, 0)
    response = await send(client, change, If_Match=header.format(seen))
    if met:
        await cart_of(response, 200)
    else:
        await problem_of(response, 412, "revision_mismatch")


@pytest.mark.parametrize("extra", ['"a"', '"a", "b"', 'W/"a"'])
async def test_several_lines_are_one_list(app: Quart, product: Product, extra: str) -> None:
    """A tag in the second line of `If-Match` counts as one in the first."""
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for first in (True, False):
            response = await client.post(LINES, json={"sku": product.sku})
            lines = [extra, response.headers["ETag"]]
            headers = [("If-Match", line) for line in (lines if first else lines[::-1])]
            response = await client.post(LINES, json={"sku": product.sku}, headers=headers)
            assert response.status_code == 200
            response = await client.post(LINES, json={"sku": product.sku}, headers=headers)
            assert response.status_code == 412


async def test_a_cart_not_made_yet(client: Client, product: Product) -> None:
    """Nothing is not `*`; but what was seen has a tag, so a first line can be asked for."""
    seen = await get(client, "/cart")
    change = CHANGES["add"](product.sku, 0)
    problem = await problem_of(await send(client, change, If_Match="*"), 412, "revision_mismatch")
    assert problem["cart"] == seen
    await problem_of(await send(client, change, If_Match='"0"'), 412, "revision_mismatch")
    await cart_of(await send(client, change, If_Match=seen["etag"]), 201)
    await problem_of(await send(client, change, If_Match=seen["etag"]), 412, "revision_mismatch")


async def test_put_only_what_is_not_there_yet(
    client: Client, product: Product, database_url: str
) -> None:
    """`If-None-Match: *` makes a line and never changes one; beside `If-Match` both must hold."""
    change = CHANGES["set"](product.sku, 0)
    seen = await cart_of(await send(client, change, If_None_Match="*"), 201)
    await client.put(line_of(product.sku), json={"quantity": 2})
    for headers in ({}, {"If_Match": "*"}, {"If_Match": seen["etag"]}):
        response = await send(client, change, If_None_Match="*", **headers)
        problem = await problem_of(response, 412, "revision_mismatch")
        assert problem["cart"]["quantity"] == 2
    other = CHANGES["set"]((await add_product(database_url)).sku, 0)
    stale = await send(client, other, If_None_Match="*", If_Match=seen["etag"])
    await problem_of(stale, 412, "revision_mismatch")
    now = problem["cart"]["etag"]
    await problem_of(await send(client, other, If_None_Match=now), 412, "revision_mismatch")
    await cart_of(await send(client, other, If_None_Match="*", If_Match=now), 201)


async def test_what_is_not_there_is_404_whatever_the_condition(client: Client) -> None:
    """An unknown sku is 404 whatever the condition, as it has no state that could be meant."""
    for name in ("add", "set", "remove"):
        response = await send(client, CHANGES[name]("NO-SUCH-THING", 0), If_Match='"1"')
        await problem_of(response, 404, "unknown_sku")


async def test_reading_for_a_condition(client: Client, product: Product) -> None:
    """`GET /cart` heeds `If-Match`, and answers in full whatever `If-None-Match` says."""
    await add(client, product.sku)
    seen = await get(client, "/cart")
    for tag, status in ((seen["etag"], 200), ('"1"', 412)):
        response = await client.get(f"{API}/cart", headers={"If-Match": tag})
        assert response.status_code == status
    response = await client.get(f"{API}/cart", headers={"If-None-Match": seen["etag"]})
    assert await cart_of(response, 200) == seen


@pytest.mark.parametrize("name", ["add", "order"])
async def test_a_stored_outcome_comes_before_the_condition(
    signed_in: Client, product: Product, name: str
) -> None:
    """A repeat with the key gets the first answer, although the cart is no longer as it was.

    A 412 is not stored: the same key is good for a second try with the cart's new tag.
    """
    seen = await add(signed_in, product.sku)
    now = await add(signed_in, product.sku)
    change = CHANGES[name](product.sku, now["total"])
    stale = await send(signed_in, change, If_Match=seen["etag"], Idempotency_Key="k")
    await problem_of(stale, 412, "revision_mismatch")
    first = await send(signed_in, change, If_Match=now["etag"], Idempotency_Key="k")
    assert first.status_code in {200, 201}
    for tag in (now["etag"], seen["etag"], '"junk"'):
        again = await send(signed_in, change, If_Match=tag, Idempotency_Key="k")
        assert again.status_code == first.status_code
        assert again.headers["Idempotent-Replayed"] == "true"
        assert await again.get_data() == await first.get_data()


async def test_an_order_asked_for_again_is_the_same_order(
    signed_in: Client, product: Product
) -> None:
    """Without a key an order asked for again by its cart's tag is the same order."""
    seen = await add(signed_in, product.sku)
    change = CHANGES["order"](product.sku, seen["total"])
    first = await send(signed_in, change, If_Match=seen["etag"])
    assert first.status_code == 201
    left = (await get(signed_in, "/cart"))["etag"]
    for tag in (seen["etag"], left, "*"):
        again = await send(signed_in, change, If_Match=tag)
        assert again.status_code == 200
        assert await again.get_json() == await first.get_json()
    await problem_of(await send(signed_in, change, If_Match='"1"'), 412, "revision_mismatch")
    await add(signed_in, product.sku)
    await problem_of(await send(signed_in, change, If_Match=seen["etag"]), 412, "revision_mismatch")
