"""Orders without an account, by an e-mail address; and what every order says of its customer."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from quart import Quart

from service import create_app
from service.settings import Limit, Settings
from tests.support.keys import KEY
from tests.support.shopping import API, PASSWORD, add, add_product, log_in, new_name, register

CONTACT = {"email": "Ada@Example.com", "name": "Ada Lovelace", "phone": "+49 30 123456"}
BERLIN = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}
KEY_HEADER = "Locker-Order-Key"
OTHER_KEY = "another-secret-key-of-the-service-0123456789"


async def fill(client: Any, settings: Settings) -> int:
    product = await add_product(settings.database_url, stock=1_000)
    total: int = (await add(client, product.sku, 2))["total"]
    return total


async def order(client: Any, total: int, *, key: str = "", **more: Any) -> Any:
    body = {"expected_total": total, "contact": CONTACT, **more}
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post(f"{API}/orders", json=body, headers=headers)


@asynccontextmanager
async def changed(settings: Settings, **changes: Any) -> AsyncIterator[Quart]:
    app = create_app(dataclasses.replace(settings, **changes))
    async with app.test_app():
        yield app


async def test_an_order_by_address_alone(app: Quart, settings: Settings) -> None:
    """A guest orders, sees the order in the same browser and by its key, and nobody else does."""
    guest: Any = app.test_client()
    placed = await order(guest, await fill(guest, settings), shipping_address=BERLIN)
    assert placed.status_code == 201
    told = await placed.get_json()
    assert told["contact"] == {**CONTACT, "email": "Ada@example.com"} or (
        told["contact"]["email"].lower() == CONTACT["email"].lower()
    )
    assert told["shipping_address"] == {**BERLIN, "line2": "", "region": ""}
    assert told["billing_address"] is None
    path = f"{API}/orders/{told['number']}"
    assert (await guest.get(path)).status_code == 200
    stranger: Any = app.test_client()
    assert (await stranger.get(path)).status_code == 401
    for key, status in ((told["key"], 200), ("locker_order_x", 404), ("", 404), ("\xff", 404)):
        shown = await stranger.get(path, headers={KEY_HEADER: key})
        assert shown.status_code == status, key
    shown = await (await stranger.get(path, headers={KEY_HEADER: told["key"]})).get_json()
    assert shown["number"] == told["number"]
    assert "key" not in shown
    await register(stranger)
    assert (await stranger.get(path)).status_code == 404
    other = await order(guest, await fill(guest, settings))
    wrong = f"{API}/orders/{(await other.get_json())['number']}"
    assert (
        await app.test_client().get(wrong, headers={KEY_HEADER: told["key"]})
    ).status_code == 404


async def test_it_joins_no_account(app: Quart, settings: Settings) -> None:
    """Who registers with the address of a guest's order doesn't get it: nobody confirmed it."""
    guest: Any = app.test_client()
    told = await (await order(guest, await fill(guest, settings))).get_json()
    other: Any = app.test_client()
    body = {"username": new_name(), "email": f"{new_name()}@example.com", "password": PASSWORD}
    await other.post(f"{API}/account", json=body)
    listed = await (await other.get(f"{API}/orders")).get_json()
    assert listed["orders"] == []
    assert (await other.get(f"{API}/orders/{told['number']}")).status_code == 404


async def test_by_a_carts_token(app: Quart, settings: Settings) -> None:
    """An app orders with its cart's token: no cookie is set, and the key shows the order."""
    phone: Any = app.test_client(use_cookies=False)
    made = await (await phone.post(f"{API}/carts")).get_json()
    headers = {"Locker-Cart": made["token"]}
    product = await add_product(settings.database_url)
    added = await phone.post(f"{API}/cart/lines", json={"sku": product.sku}, headers=headers)
    body = {"expected_total": (await added.get_json())["total"], "contact": CONTACT}
    placed = await phone.post(
        f"{API}/orders", json=body, headers={**headers, "If-Match": added.headers["ETag"]}
    )
    assert placed.status_code == 201
    assert "Set-Cookie" not in placed.headers
    told = await placed.get_json()
    shown = await phone.get(placed.headers["Location"], headers={KEY_HEADER: told["key"]})
    assert (await shown.get_json())["number"] == told["number"]
    cart = await phone.get(f"{API}/cart", headers=headers)
    assert (await cart.get_json())["lines"] == []
    again = await phone.post(f"{API}/orders", json=body, headers=headers)
    assert (again.status_code, (await again.get_json())["key"]) == (200, told["key"])


async def test_five_repeats_are_one_order(app: Quart, settings: Settings, observer: Any) -> None:
    """Repeats under a key, at once and after, get one order and its key, which isn't stored."""
    guest: Any = app.test_client()
    total, key = await fill(guest, settings), secrets.token_hex(8)
    first = await asyncio.gather(*(order(guest, total, key=key) for _ in range(3)))
    later = [await order(guest, total, key=key) for _ in range(2)]
    told = [await each.get_json() for each in (*first, *later)]
    assert {each.status_code for each in (*first, *later)} == {201}
    assert len({each["number"] for each in told}) == len({each["key"] for each in told}) == 1
    stored = await observer.fetchval(
        "select count(*) from idempotency_keys where position($1::bytea in body) > 0",
        told[0]["key"].encode(),
    )
    assert stored == 0
    assert await observer.fetchval(
        "select key_hash is not null from orders where number = $1", told[0]["number"]
    )


async def test_the_key_outlives_the_secret(settings: Settings) -> None:
    """After the secret key was rotated the order's key still shows it, and a repeat says it."""
    async with changed(settings) as app:
        guest: Any = app.test_client()
        total, key = await fill(guest, settings), secrets.token_hex(8)
        told = await (await order(guest, total, key=key)).get_json()
    rotated = {"secret_key": OTHER_KEY, "secret_key_fallbacks": (KEY,)}
    async with changed(settings, **rotated) as app:
        browser: Any = app.test_client()
        browser.cookie_jar = guest.cookie_jar
        again = await order(browser, total, key=key)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert (await again.get_json())["key"] == told["key"]
    async with changed(settings, secret_key=OTHER_KEY) as app:
        shown = await app.test_client().get(
            f"{API}/orders/{told['number']}", headers={KEY_HEADER: told["key"]}
        )
        assert shown.status_code == 200


async def test_it_can_be_cancelled(app: Quart, settings: Settings) -> None:
    """Who may see a guest's order may cancel it; nobody else may."""
    guest: Any = app.test_client()
    told = await (await order(guest, await fill(guest, settings))).get_json()
    path = f"{API}/orders/{told['number']}/cancel"
    stranger: Any = app.test_client()
    assert (await stranger.post(path)).status_code == 401
    assert (await stranger.post(path, headers={KEY_HEADER: "x"})).status_code == 404
    done = await stranger.post(path, headers={KEY_HEADER: told["key"]})
    assert (await done.get_json())["status"] == "cancelled"
    assert (await guest.post(path)).status_code == 409


async def test_a_cancellation_is_replayed_to_nobody_else(app: Quart, settings: Settings) -> None:
    """Who knows an order's number and the key of its cancellation doesn't get that answer again."""
    guest: Any = app.test_client()
    told = await (await order(guest, await fill(guest, settings))).get_json()
    path = f"{API}/orders/{told['number']}/cancel"
    headers = {"Idempotency-Key": "1"}
    for replayed in (False, True):
        done = await guest.post(path, headers=headers)
        assert (done.status_code, "Idempotent-Replayed" in done.headers) == (200, replayed)
    stranger: Any = app.test_client()
    await order(stranger, await fill(stranger, settings))
    assert (await stranger.post(path, headers=headers)).status_code == 404
    wrong = {**headers, KEY_HEADER: "locker_order_x"}
    assert (await stranger.post(path, headers=wrong)).status_code == 404


async def test_where_guests_may_not(settings: Settings) -> None:
    """Without guest checkout a guest is asked to log in, and nothing is ordered."""
    async with changed(settings, guest_checkout=False) as app:
        guest: Any = app.test_client()
        refused = await order(guest, await fill(guest, settings))
        assert refused.status_code == 401
        cart = await (await guest.get(f"{API}/cart")).get_json()
        assert cart["quantity"] == 2


async def test_a_login_that_ended_is_no_guest(app: Quart, settings: Settings) -> None:
    """Whoever believes to be logged in, and no longer is, is told so; no other cart is ordered."""
    client: Any = app.test_client()
    await register(client)
    total = await fill(client, settings)
    saved = {cookie.name: cookie.value for cookie in client.cookie_jar}
    await client.delete(f"{API}/session")
    old: Any = app.test_client(use_cookies=False)
    cookies = "; ".join(f"{name}={value}" for name, value in saved.items())
    refused = await old.post(
        f"{API}/orders",
        json={"expected_total": total, "contact": CONTACT},
        headers={"Cookie": cookies},
    )
    assert refused.status_code == 401


async def test_guests_are_bounded(settings: Settings) -> None:
    """One address can't take all the stock without an account."""
    limit = {"throttle_orders": Limit(2, 3_600)}
    async with changed(settings, trusted_proxies=1, **limit) as app:
        guest: Any = app.test_client()
        address = {"X-Forwarded-For": f"198.51.100.{secrets.randbelow(250)}"}
        statuses = []
        for _ in range(3):
            total = await fill(guest, settings)
            body = {"expected_total": total, "contact": CONTACT}
            response = await guest.post(f"{API}/orders", json=body, headers=address)
            statuses.append(response.status_code)
        assert statuses == [201, 201, 429]
        assert (await (await guest.get(f"{API}/cart")).get_json())["quantity"] == 2


async def test_an_accounts_address_is_the_default(app: Quart, settings: Settings) -> None:
    """An account's order has its e-mail address, unless another was said; and no key."""
    client: Any = app.test_client()
    name = (await register(client))["user"]["username"]
    for contact, email in (
        (None, f"{name}@example.com"),
        ({"name": "Ada"}, f"{name}@example.com"),
        ({"email": "other@example.com"}, "other@example.com"),
    ):
        total = await fill(client, settings)
        placed = await order(client, total, contact=contact, note="Ring twice", metadata={"a": "b"})
        told = await placed.get_json()
        assert told["contact"]["email"] == email
        assert "key" not in told
        shown = await (await client.get(f"{API}/orders/{told['number']}")).get_json()
        assert (shown["note"], shown["metadata"]) == ("Ring twice", {"a": "b"})
        assert shown == told


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"country": "ZZ"}, {"country"}),
        ({"country": "de"}, {"country"}),
        ({"postal_code": "1011"}, {"postal_code"}),
        ({"postal_code": "", "city": " "}, {"postal_code", "city"}),
        ({"name": ""}, {"name"}),
        ({"country": "US", "postal_code": "95014"}, {"region"}),
        ({"country": "US", "postal_code": "95014", "region": "Bayern"}, {"region"}),
        ({"country": "US", "postal_code": "95014", "region": "california"}, set()),
        ({"country": "GB", "postal_code": "ec1y 8sy"}, set()),
        ({"country": "IE", "postal_code": "", "region": "Dublin"}, set()),
        ({"country": "JP", "postal_code": "154-0023", "region": "Tokyo", "city": ""}, set()),
        ({"country": "HK", "postal_code": "", "region": "Kowloon", "city": ""}, set()),
    ],
)
async def test_what_an_address_must_have(
    app: Quart, settings: Settings, change: dict[str, str], fields: set[str]
) -> None:
    """Each country has its own rules; all that is wrong is said at once, and nothing is ordered."""
    guest: Any = app.test_client()
    total = await fill(guest, settings)
    response = await order(guest, total, billing_address={**BERLIN, **change})
    if not fields:
        assert response.status_code == 201
        return
    assert response.status_code == 422
    errors = (await response.get_json())["errors"]
    assert {each["field"] for each in errors} == {f"billing_address.{name}" for name in fields}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"contact": {"email": "nobody"}}, "contact.email"),
        ({"contact": {**CONTACT, "phone": "call me"}}, "contact.phone"),
        ({"contact": {**CONTACT, "fax": "1"}}, "contact.fax"),
        ({"note": "x" * 1_001}, "note"),
        ({"metadata": {"x" * 41: "y"}}, "metadata"),
        ({"metadata": {"x": "y" * 501}}, "metadata.x"),
        ({"metadata": {"": "y"}}, "metadata"),
        ({"metadata": {str(n): "y" for n in range(11)}}, "metadata"),
        ({"metadata": {"x": 1}}, "metadata.x"),
        ({"shipping_address": "Berlin"}, "shipping_address"),
    ],
)
async def test_what_is_too_much(
    app: Quart, settings: Settings, more: dict[str, Any], field: str
) -> None:
    """What can't be taken is 422 at its field, and nothing is ordered."""
    guest: Any = app.test_client()
    total = await fill(guest, settings)
    refused = await order(guest, total, **more)
    assert refused.status_code == 422
    assert (await refused.get_json())["errors"][0]["field"].startswith(field)
    assert (await (await guest.get(f"{API}/cart")).get_json())["quantity"] == 2


async def test_a_deleted_account_leaves_no_person(
    app: Quart, settings: Settings, observer: Any
) -> None:
    """Of an account that is deleted its orders stay without the person, once they are sent."""
    client: Any = app.test_client()
    name = (await register(client))["user"]["username"]
    numbers = []
    for _ in range(2):
        total = await fill(client, settings)
        placed = await order(client, total, shipping_address=BERLIN, note="Ring twice")
        numbers.append((await placed.get_json())["number"])
    await client.post(f"{API}/orders/{numbers[0]}/cancel")
    await log_in(client, name)
    gone = await client.delete(f"{API}/account", json={"current_password": PASSWORD})
    assert gone.status_code == 204
    kept = {
        row["number"]: row["contact"]
        for row in await observer.fetch(
            "select number, contact from orders where number = any($1)", numbers
        )
    }
    assert kept[numbers[0]] is None
    assert kept[numbers[1]] is not None
    await observer.execute("update orders set status = 'fulfilled' where number = $1", numbers[1])
    row = await observer.fetchrow(
        "select contact, shipping_address, note from orders where number = $1", numbers[1]
    )
    assert tuple(row) == (None, None, "")
