"""The cart over HTTP, as the contract has it."""

from __future__ import annotations

import unicodedata
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from quart import Quart, Response
from quart.typing import TestClientProtocol as Client

from service.database import Connection
from tests.support.serving import Served
from tests.support.shopping import (
    API,
    PASSWORD,
    Product,
    add,
    add_product,
    get,
    log_in,
    new_name,
    register,
)

LINES = f"{API}/cart/lines"


def line_of(sku: str) -> str:
    return f"{LINES}/{quote(sku, safe='')}"


async def cart_of(response: Response, status: int) -> dict[str, Any]:
    """Return the answer's cart, whose ETag must be the header's."""
    assert response.status_code == status, await response.get_data(as_text=True)
    body: dict[str, Any] = await response.get_json()
    assert response.headers["ETag"] == body["etag"]
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store, no-transform"
    return body


async def problem_of(response: Response, status: int, code: str) -> dict[str, Any]:
    """Return the answer's problem, which must be this one."""
    body: dict[str, Any] = await response.get_json()
    assert (response.status_code, body.get("code"), body.get("status")) == (status, code, status)
    assert response.headers["Content-Type"] == "application/problem+json"
    return body


async def put(client: Client, sku: str, quantity: int) -> Response:
    return await client.put(line_of(sku), json={"quantity": quantity})


async def test_guest_without_a_cart(client: Client, observer: Connection) -> None:
    """A guest who never added anything sees an empty cart, however often, and none is made."""
    count = "select count(*) from carts"
    before = await observer.fetchval(count)
    for _ in range(3):
        cart = await cart_of(await client.get(f"{API}/cart"), 200)
        del cart["etag"]
        assert cart == {
            "id": None,
            "revision": 0,
            "currency": "USD",
            "lines": [],
            "quantity": 0,
            "total": 0,
        }
    assert (await cart_of(await client.delete(f"{API}/cart"), 200))["id"] is None
    assert await observer.fetchval(count) == before


async def test_add(client: Client, product: Product) -> None:
    """The first add of a variant is 201, a further one 200, and the quantities add up."""
    cart = await cart_of(await client.post(LINES, json={"sku": product.sku}), 201)
    assert (cart["revision"], cart["quantity"], cart["total"]) == (1, 1, 1_599)
    (line,) = cart["lines"]
    assert cart["lines"] == [
        {
            "id": line["id"],
            "sku": product.sku,
            "handle": product.handle,
            "title": f"The {product.sku}",
            "options": {},
            "image": None,
            "quantity": 1,
            "unit_price": 1_599,
            "added_price": 1_599,
            "line_total": 1_599,
            "currency": "USD",
            "available": None,
            "notice": None,
            "metadata": {},
        }
    ]
    response = await client.post(LINES, json={"sku": product.sku, "quantity": 2})
    more = await cart_of(response, 200)
    assert (more["id"], more["revision"]) == (cart["id"], 2)
    assert (more["quantity"], more["total"]) == (3, 3 * 1_599)
    assert await get(client, "/cart") == more


@pytest.mark.parametrize("signed_in", [False, True], ids=["guest", "account"])
async def test_shown_again(client: Client, product: Product, *, signed_in: bool) -> None:
    """What was put in the cart is there on the next visit, for guests and accounts."""
    if signed_in:
        await register(client)
    cart = await add(client, product.sku, 2)
    assert await get(client, "/cart") == cart
    assert (await get(client, "/session"))["cart"] == {"quantity": 2}


async def test_lines_in_order(client: Client, database_url: str) -> None:
    """Lines stand in the order they were first added, whatever happens to them later."""
    skus = [(await add_product(database_url)).sku for _ in range(4)]
    for sku in skus:
        await add(client, sku)
    await add(client, skus[2])
    await put(client, skus[0], 5)
    assert [line["sku"] for line in (await get(client, "/cart"))["lines"]] == skus
    await client.delete(line_of(skus[1]))
    cart = await add(client, skus[1])
    assert [line["sku"] for line in cart["lines"]] == [skus[0], *skus[2:], skus[1]]


async def test_put(client: Client, product: Product) -> None:
    """A PUT sets a line: 201 for a new one, 200 for one that is there, and 0 removes it."""
    assert (await cart_of(await put(client, product.sku, 4), 201))["quantity"] == 4
    assert (await cart_of(await put(client, product.sku, 2), 200))["quantity"] == 2
    cart = await cart_of(await put(client, product.sku, 2), 200)
    assert (cart["quantity"], cart["revision"]) == (2, 2)
    cart = await cart_of(await put(client, product.sku, 0), 200)
    assert (cart["lines"], cart["total"], cart["revision"]) == ([], 0, 3)
    assert await cart_of(await put(client, product.sku, 0), 200) == cart


async def test_put_of_nothing_makes_no_cart(client: Client, product: Product) -> None:
    """Removing from a cart that isn't there makes none."""
    assert (await cart_of(await put(client, product.sku, 0), 200))["id"] is None
    response = await client.delete(line_of(product.sku))
    assert (await cart_of(response, 200))["id"] is None


async def test_delete_line(client: Client, product: Product, database_url: str) -> None:
    """A DELETE takes out one line; a second time it changes nothing."""
    other = await add_product(database_url)
    await add(client, product.sku)
    await add(client, other.sku)
    cart = await cart_of(await client.delete(line_of(product.sku)), 200)
    assert [line["sku"] for line in cart["lines"]] == [other.sku]
    assert await cart_of(await client.delete(line_of(product.sku)), 200) == cart


async def test_emptied_cart_is_the_same_cart(client: Client, product: Product) -> None:
    """An emptied cart keeps its id, and its revision goes on."""
    first = await add(client, product.sku)
    cart = await cart_of(await client.delete(f"{API}/cart"), 200)
    assert (cart["id"], cart["revision"], cart["lines"]) == (first["id"], 2, [])
    assert await cart_of(await client.delete(f"{API}/cart"), 200) == cart
    assert (await add(client, product.sku))["revision"] == 3


@pytest.mark.parametrize("sku", ["NO-SUCH-THING", "no such thing", "x" * 128, "%", "é", "🛒"])
async def test_unknown_sku(client: Client, sku: str) -> None:
    """What there never was is 404 `unknown_sku`, by every way, and makes no cart."""
    await problem_of(await client.post(LINES, json={"sku": sku}), 404, "unknown_sku")
    for quantity in (0, 1):
        await problem_of(await put(client, sku, quantity), 404, "unknown_sku")
    await problem_of(await client.delete(line_of(sku)), 404, "unknown_sku")
    assert (await get(client, "/cart"))["id"] is None


async def test_no_longer_sold(client: Client, product: Product, database_url: str) -> None:
    """A product that was taken from the shop can't be added; its line says so and can go."""
    await add(client, product.sku, 2)
    await add_product(database_url, sku=product.sku, published=False)
    (line,) = (await get(client, "/cart"))["lines"]
    assert (line["quantity"], line["notice"]) == (2, "unavailable")
    await problem_of(await client.post(LINES, json={"sku": product.sku}), 404, "unknown_sku")
    await problem_of(await put(client, product.sku, 3), 404, "unknown_sku")
    assert (await cart_of(await client.delete(line_of(product.sku)), 200))["lines"] == []
    await problem_of(await put(client, product.sku, 1), 404, "unknown_sku")


async def test_stock(client: Client, database_url: str) -> None:
    """More than there are is 409 `insufficient_stock` and says how many there are."""
    sku = (await add_product(database_url, stock=3)).sku
    (line,) = (await add(client, sku, 2))["lines"]
    assert (line["available"], line["notice"]) == (3, None)
    for response in (
        await client.post(LINES, json={"sku": sku, "quantity": 2}),
        await put(client, sku, 4),
    ):
        assert (await problem_of(response, 409, "insufficient_stock"))["available"] == 3
    assert (await cart_of(await put(client, sku, 3), 200))["quantity"] == 3
    await add_product(database_url, sku=sku, stock=1)
    (line,) = (await get(client, "/cart"))["lines"]
    assert (line["quantity"], line["available"], line["notice"]) == (3, 1, "insufficient_stock")
    assert (await cart_of(await put(client, sku, 2), 200))["quantity"] == 2


async def test_oversold(client: Client, database_url: str) -> None:
    """Where overselling is allowed, a cart may hold more than there are."""
    sku = (await add_product(database_url, stock=1, oversell=True)).sku
    (line,) = (await add(client, sku, 5))["lines"]
    assert (line["quantity"], line["available"], line["notice"]) == (5, 1, None)


async def test_price_changes(client: Client, product: Product, database_url: str) -> None:
    """A line costs what it costs now, and says when that isn't what it cost when added."""
    await add(client, product.sku, 2)
    await add_product(database_url, sku=product.sku, price="20.00")
    cart = await add(client, product.sku)
    (line,) = cart["lines"]
    assert (line["unit_price"], line["added_price"], line["notice"]) == (
        2_000, 1_599, "price_changed",
    )  # fmt: skip
    assert line["line_total"] == cart["total"] == 6_000


async def test_quantity_limit(client: Client, product: Product) -> None:
    """A cart holds 99 of one variant; more is 409 `quantity_limit`."""
    await add(client, product.sku, 99)
    for response in (
        await client.post(LINES, json={"sku": product.sku}),
        await put(client, product.sku, 100),
        await put(client, product.sku, 1_000_000),
    ):
        assert (await problem_of(response, 409, "quantity_limit"))["limit"] == 99
    assert (await get(client, "/cart"))["quantity"] == 99


async def test_line_limit(start_app: Any, database_url: str) -> None:
    """A cart holds so many lines as the setting says; more is 409 `line_limit`."""
    client = (await start_app(cart_max_lines=2)).test_client()
    skus = [(await add_product(database_url)).sku for _ in range(3)]
    for sku in skus[:2]:
        await add(client, sku)
    for response in (
        await client.post(LINES, json={"sku": skus[2]}),
        await put(client, skus[2], 1),
    ):
        assert (await problem_of(response, 409, "line_limit"))["limit"] == 2
    await add(client, skus[0])
    assert (await get(client, "/cart"))["quantity"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sku": ""},
        {"sku": "x" * 129},
        {"sku": 1},
        {"sku": None},
        {"sku": "A", "quantity": 0},
        {"sku": "A", "quantity": -1},
        {"sku": "A", "quantity": 1.0},
        {"sku": "A", "quantity": 1.9},
        {"sku": "A", "quantity": True},
        {"sku": "A", "quantity": "1"},
        {"sku": "A", "quantity": None},
        {"sku": "A", "quantity": 1_000_001},
        {"sku": "A", "quantity": 2**31},
        {"sku": "A", "quantity": 10**30},
        {"sku": "A", "price": 1},
        [],
        "A",
    ],
)
async def test_wrong_shape(client: Client, body: Any) -> None:
    """JSON of another shape, or out of range, is 422 `invalid` and names the field."""
    errors = (await problem_of(await client.post(LINES, json=body), 422, "invalid"))["errors"]
    assert errors[0]["field"] in {"sku", "quantity", "price", "body"}
    assert errors[0]["message"]
    assert (await get(client, "/cart"))["id"] is None


SKUS = [
    "a/b",
    "a//b",
    "/a",
    "a/",
    "a b",
    "a.b",
    "..",
    "a/../b",
    "a%2Fb",
    "100%",
    "a?b=c",
    "a#b",
    "a;b",
    "a+b",
    "a&b",
    'a"b',
    "a\\b",
    "é",
    "尺寸",
    "🛒",
    "<b>",
    "{sku}",
    "x" * 64,
]


@pytest.fixture
async def odd_skus(database_url: str) -> list[str]:
    """Products whose skus hold everything that means something in a path."""
    return [(await add_product(database_url, sku=sku)).sku for sku in SKUS]


async def test_any_visible_character_in_a_sku(client: Client, odd_skus: list[str]) -> None:
    """A sku may hold any visible character, a slash included, and is found by its path."""
    for sku in odd_skus:
        cart = await cart_of(await client.post(LINES, json={"sku": sku}), 201)
        assert [line["sku"] for line in cart["lines"]] == [sku]
        assert (await cart_of(await put(client, sku, 3), 200))["quantity"] == 3
        assert (await cart_of(await client.delete(line_of(sku)), 200))["lines"] == []


@pytest.mark.parametrize("sku", ["CAFÉ-{}", "が-{}", "각-{}"])
async def test_a_sku_is_found_in_either_form(client: Client, database_url: str, sku: str) -> None:
    """A sku is found with its accents composed or not, in a body and in a path."""
    sku = unicodedata.normalize("NFC", sku.format(new_name()))
    await add_product(database_url, sku=sku)
    other = unicodedata.normalize("NFD", sku)
    assert other != sku
    cart = await cart_of(await client.post(LINES, json={"sku": other}), 201)
    assert [line["sku"] for line in cart["lines"]] == [sku]
    assert (await cart_of(await put(client, other, 3), 200))["quantity"] == 3
    assert (await cart_of(await client.delete(line_of(other)), 200))["lines"] == []


async def test_any_visible_character_over_the_wire(
    pair: tuple[Served, Served], odd_skus: list[str]
) -> None:
    """A sku may have any visible character, also through the real server."""
    # A client may take dots out of a path before it sends it (RFC 3986, 5.2.4).
    skus = [sku for sku in odd_skus if ".." not in sku]
    async with httpx.AsyncClient(base_url=pair[0].url) as client:
        for sku in skus:
            assert (await client.put(line_of(sku), json={"quantity": 2})).status_code == 201, sku
        lines = (await client.get(f"{API}/cart")).json()["lines"]
        assert [line["sku"] for line in lines] == skus
        for sku in skus:
            assert (await client.delete(line_of(sku))).status_code == 200, sku
        assert (await client.get(f"{API}/cart")).json()["lines"] == []


async def test_merge_at_login(app: Quart, client: Client, database_url: str) -> None:
    """At login the guest's cart goes into the account's; the answer has it and the receipt."""
    both, mine, new = [(await add_product(database_url)).sku for _ in range(3)]
    name = (await register(client))["user"]["username"]
    await add(client, both, 2)
    account = await add(client, mine, 1)
    guest = app.test_client()
    await add(guest, new, 4)
    cart = await add(guest, both, 3)
    assert cart["id"] != account["id"]
    body = await log_in(guest, name)
    assert body["merge"] == {
        "lines": [
            {
                "sku": new,
                "guest_quantity": 4,
                "account_quantity": 0,
                "quantity": 4,
                "outcome": "added",
            },
            {
                "sku": both,
                "guest_quantity": 3,
                "account_quantity": 2,
                "quantity": 3,
                "outcome": "kept_larger",
            },
        ]
    }
    assert body["cart"]["id"] == account["id"]
    assert {line["sku"]: line["quantity"] for line in body["cart"]["lines"]} == {
        both: 3, mine: 1, new: 4,
    }  # fmt: skip
    assert await get(guest, "/cart") == await get(client, "/cart") == body["cart"]


async def test_no_receipt_without_a_guests_cart(client: Client) -> None:
    """Who comes without a cart gets no receipt, and the account's cart as it was."""
    name = new_name()
    first = await register(client, name)
    assert (first["merge"], first["cart"]["id"]) == (None, None)
    assert (await log_in(client, name))["merge"] is None


async def test_registering_takes_the_cart_along(client: Client, product: Product) -> None:
    """A guest who registers keeps what is in the cart."""
    await add(client, product.sku, 2)
    body = await register(client)
    assert body["cart"]["quantity"] == 2
    assert body["merge"]["lines"][0]["outcome"] == "added"


async def test_account_cart_goes_with_the_login(
    client: Client, app: Quart, product: Product
) -> None:
    """Logging out leaves the account's cart behind; logging in anywhere shows it again."""
    name = (await register(client))["user"]["username"]
    cart = await add(client, product.sku, 2)
    await client.delete(f"{API}/session")
    assert (await get(client, "/cart"))["lines"] == []
    other = app.test_client()
    assert (await log_in(other, name))["cart"] == cart


async def test_login_that_ended_shows_no_cart(
    client: Client, product: Product, observer: Connection
) -> None:
    """When a login has ended, its browser is a guest, without the account's cart."""
    user = (await register(client))["user"]
    await add(client, product.sku, 2)
    await observer.execute(
        "update logins set ended_at = now() where account_id = $1::text::uuid", user["id"]
    )
    assert (await get(client, "/cart"))["lines"] == []
    assert (await add(client, product.sku))["quantity"] == 1
    rows = await observer.fetch(
        "select lines->0->>'quantity' as units from carts where account_id = $1::text::uuid",
        user["id"],
    )
    assert [row["units"] for row in rows] == ["2"]


async def test_two_guests(app: Quart, product: Product) -> None:
    """Two browsers have two carts."""
    one, two = app.test_client(), app.test_client()
    first, second = await add(one, product.sku), await add(two, product.sku, 5)
    assert first["id"] != second["id"]
    assert (await get(one, "/cart"))["quantity"] == 1


async def test_failed_login_touches_no_cart(client: Client, app: Quart, product: Product) -> None:
    """A log in with a wrong password merges nothing."""
    name = (await register(client))["user"]["username"]
    guest = app.test_client()
    cart = await add(guest, product.sku)
    wrong = {"username": name, "password": f"{PASSWORD}!"}
    await problem_of(await guest.post(f"{API}/session", json=wrong), 401, "wrong_credentials")
    assert await get(guest, "/cart") == cart
    assert (await get(client, "/cart"))["lines"] == []
