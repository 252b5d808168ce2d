"""Guests' carts by token, for apps that keep no cookies."""

from __future__ import annotations

import asyncio
import base64
import secrets
from typing import Any

import pytest
from quart import Quart

from service.settings import Settings
from tests.support.document import OPERATIONS
from tests.support.shopping import API, PASSWORD, add_product, get, new_name, register

HEADER = "Locker-Cart"


@pytest.fixture
def phone(app: Quart) -> Any:
    """A client that keeps no cookies."""
    return app.test_client(use_cookies=False)


async def make_cart(phone: Any) -> str:
    response = await phone.post(f"{API}/carts")
    assert response.status_code == 201, await response.get_data(as_text=True)
    assert "Set-Cookie" not in response.headers
    body = await response.get_json()
    assert (body["cart"]["lines"], body["cart"]["revision"]) == ([], 1)
    token: str = body["token"]
    return token


async def ask(phone: Any, method: str, path: str, token: str, **more: Any) -> Any:
    headers = {HEADER: token, **more.pop("headers", {})}
    response = await phone.open(f"{API}{path}", method=method, headers=headers, **more)
    if "/session" not in path and "/account" not in path:
        assert "Set-Cookie" not in response.headers, path
    return response


async def lines_of(phone: Any, token: str) -> dict[str, int]:
    response = await ask(phone, "GET", "/cart", token)
    assert response.status_code == 200
    return {each["sku"]: each["quantity"] for each in (await response.get_json())["lines"]}


async def account(phone: Any, **more: Any) -> tuple[str, Any]:
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD, **more}
    return name, body


async def test_every_route_of_a_cart(phone: Any, settings: Settings) -> None:
    """All that can be done with a cart can be done with its token, and no cookie is ever set."""
    product = await add_product(settings.database_url)
    token = await make_cart(phone)
    added = await ask(phone, "POST", "/cart/lines", token, json={"sku": product.sku, "quantity": 2})
    assert added.status_code == 201
    tag = added.headers["ETag"]
    path = f"/cart/lines/{product.sku}"
    stale = await ask(
        phone, "PUT", path, token, json={"quantity": 9}, headers={"If-Match": '"other"'}
    )
    assert stale.status_code == 412
    put = await ask(phone, "PUT", path, token, json={"quantity": 3}, headers={"If-Match": tag})
    assert put.status_code == 200
    assert await lines_of(phone, token) == {product.sku: 3}
    assert (await ask(phone, "DELETE", path, token)).status_code == 200
    await ask(phone, "POST", "/cart/lines", token, json={"sku": product.sku})
    assert (await ask(phone, "DELETE", "/cart", token)).status_code == 200
    assert await lines_of(phone, token) == {}


async def test_cookies_beside_it_mean_nothing(app: Quart, settings: Settings) -> None:
    """A token's cart is the one that it names, whoever's session the browser sends along."""
    product = await add_product(settings.database_url)
    browser: Any = app.test_client()
    await register(browser)
    await browser.post(f"{API}/cart/lines", json={"sku": product.sku, "quantity": 5})
    token = await make_cart(app.test_client(use_cookies=False))
    shown = await browser.get(f"{API}/cart", headers={HEADER: token})
    assert (await shown.get_json())["lines"] == []
    assert "Set-Cookie" not in shown.headers
    added = await browser.post(
        f"{API}/cart/lines", json={"sku": product.sku}, headers={HEADER: token}
    )
    assert "Set-Cookie" not in added.headers
    assert (await added.get_json())["quantity"] == 1
    assert (await get(browser, "/cart"))["quantity"] == 5


def forged(token: str) -> str:
    """Return a token of the same cart with another secret."""
    content = base64.urlsafe_b64decode(token.removeprefix("locker_cart_") + "=")
    other = base64.urlsafe_b64encode(content[:16] + secrets.token_bytes(16)).decode()
    return "locker_cart_" + other.rstrip("=")


@pytest.mark.parametrize("kind", ["unknown", "forged", "malformed", "empty", "api", "padded"])
async def test_what_is_no_token_is_401(phone: Any, settings: Settings, kind: str) -> None:
    """A token that names no cart, or a cart by another secret, is refused on each route."""
    product = await add_product(settings.database_url)
    real = await make_cart(phone)
    random = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    token = {
        "unknown": f"locker_cart_{random}",
        "forged": forged(real),
        "malformed": "locker_cart_x",
        "empty": "",
        "api": f"locker_rw_{random}",
        "padded": f"{real}=",
    }[kind]
    for method, path, body in (
        ("GET", "/cart", None),
        ("DELETE", "/cart", None),
        ("POST", "/cart/lines", {"sku": product.sku}),
        ("PUT", f"/cart/lines/{product.sku}", {"quantity": 1}),
        ("DELETE", f"/cart/lines/{product.sku}", None),
    ):
        response = await ask(phone, method, path, token, json=body)
        assert response.status_code == 401, (method, path)
        assert (await response.get_json())["code"] == "unauthenticated"
    _, body = await account(phone)
    refused = await ask(phone, "POST", "/account", token, json=body)
    assert refused.status_code == 401
    assert (await phone.post(f"{API}/account", json=body)).status_code == 201
    assert await lines_of(phone, real) == {}


async def test_two_tokens_are_one_too_many(phone: Any, app: Quart) -> None:
    """A cart's token beside an account's is 422, as the two may name different carts."""
    browser = app.test_client()
    await register(browser)
    made = await browser.post(
        f"{API}/account/tokens", json={"name": "x", "current_password": PASSWORD}
    )
    bearer = (await made.get_json())["token"]
    token = await make_cart(phone)
    takers = [
        each
        for each in OPERATIONS
        if any(header["name"] == HEADER for header in each.parameters("header"))
    ]
    assert len(takers) > 5
    for operation in takers:
        response = await phone.open(
            operation.path(),
            method=operation.method,
            json=operation.body if operation.schema else None,
            headers={HEADER: token, "Authorization": f"Bearer {bearer}"},
        )
        if operation.id in {"log_in", "register"}:  # no token may do that, whatever is beside it
            assert response.status_code == 403
            continue
        assert response.status_code == 422, operation.id
        assert (await response.get_json())["errors"][0]["field"] == HEADER


async def test_no_origin_check(phone: Any, settings: Settings) -> None:
    """No browser sends the header for another site without asking, so none is refused for that."""
    product = await add_product(settings.database_url)
    token = await make_cart(phone)
    response = await ask(
        phone,
        "POST",
        "/cart/lines",
        token,
        json={"sku": product.sku},
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert response.status_code == 201
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]
    form = await phone.post(
        "/cart/lines",
        form={"sku": product.sku},
        headers={HEADER: token, "Sec-Fetch-Site": "cross-site"},
    )
    assert form.status_code == 403


@pytest.mark.parametrize("way", ["log in", "register"])
@pytest.mark.parametrize("wish", [None, {"name": "phone", "scopes": ["read", "write"]}])
async def test_it_joins_and_ends(phone: Any, settings: Settings, way: str, wish: Any) -> None:
    """At log in and registration a token's cart joins the account's, with a receipt, and ends."""
    first, second = [await add_product(settings.database_url) for _ in range(2)]
    name, body = await account(phone)
    token = await make_cart(phone)
    await ask(phone, "POST", "/cart/lines", token, json={"sku": first.sku, "quantity": 2})
    if way == "log in":
        made = await phone.post(f"{API}/account", json={**body, "token": {"name": "before"}})
        bearer = (await made.get_json())["token"]["token"]
        await phone.post(
            f"{API}/cart/lines",
            json={"sku": second.sku},
            headers={"Authorization": f"Bearer {bearer}"},
        )
        body = {"username": name, "password": PASSWORD}
    body = {**body, **({"token": wish} if wish else {})}
    path = "/session" if way == "log in" else "/account"
    answer = await ask(phone, "POST", path, token, json=body)
    assert answer.status_code == (200 if way == "log in" else 201)
    told = await answer.get_json()
    assert [line["sku"] for line in told["merge"]["lines"]] == [first.sku]
    wanted = {first.sku: 2} | ({second.sku: 1} if way == "log in" else {})
    assert {line["sku"]: line["quantity"] for line in told["cart"]["lines"]} == wanted
    assert ("Set-Cookie" in answer.headers) is (wish is None)
    assert ("token" in told) is bool(wish)
    if wish:
        headers = {"Authorization": f"Bearer {told['token']['token']}"}
        cart = await phone.get(f"{API}/cart", headers=headers)
        assert (await cart.get_json())["quantity"] == sum(wanted.values())
    for method in ("GET", "DELETE"):
        assert (await ask(phone, method, "/cart", token)).status_code == 401
    late = await ask(phone, "POST", "/cart/lines", token, json={"sku": first.sku})
    assert late.status_code == 401


async def test_a_log_in_sent_again(phone: Any, settings: Settings) -> None:
    """A log in whose answer got lost can be sent again with the same cart's token."""
    product = await add_product(settings.database_url)
    name, body = await account(phone)
    await phone.post(f"{API}/account", json=body)
    token = await make_cart(phone)
    await ask(phone, "POST", "/cart/lines", token, json={"sku": product.sku})
    login = {"username": name, "password": PASSWORD, "token": {"name": "phone"}}
    quantities = []
    for _ in range(2):
        answer = await ask(phone, "POST", "/session", token, json=login)
        assert answer.status_code == 200
        quantities.append((await answer.get_json())["cart"]["quantity"])
    assert quantities == [1, 1]


async def test_a_stolen_token_reaches_no_account(phone: Any, settings: Settings) -> None:
    """Once its cart has joined an account's, a token shows and changes nothing, for anybody."""
    product = await add_product(settings.database_url)
    token = await make_cart(phone)
    await ask(phone, "POST", "/cart/lines", token, json={"sku": product.sku})
    _, body = await account(phone)
    assert (await ask(phone, "POST", "/account", token, json=body)).status_code == 201
    _, thief = await account(phone)
    stolen = await ask(phone, "POST", "/account", token, json=thief)
    assert stolen.status_code == 401
    assert (await ask(phone, "GET", "/cart", token)).status_code == 401


async def test_the_browsers_own_cart_comes_along(app: Quart, settings: Settings) -> None:
    """A browser that logs in with a token keeps what its cookie's cart had."""
    first, second = [await add_product(settings.database_url) for _ in range(2)]
    browser: Any = app.test_client()
    await browser.post(f"{API}/cart/lines", json={"sku": first.sku})
    phone = app.test_client(use_cookies=False)
    token = await make_cart(phone)
    await ask(phone, "POST", "/cart/lines", token, json={"sku": second.sku})
    _, body = await account(phone)
    made = await browser.post(f"{API}/account", json=body, headers={HEADER: token})
    lines = (await made.get_json())["cart"]["lines"]
    assert {line["sku"] for line in lines} == {first.sku, second.sku}


async def test_a_repeat_is_replayed(phone: Any, settings: Settings) -> None:
    """A key's scope is the cart: the repeat adds nothing; another cart's token finds no answer."""
    product = await add_product(settings.database_url)
    token, other = await make_cart(phone), await make_cart(phone)
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    for again in (False, True):
        response = await ask(
            phone, "POST", "/cart/lines", token, json={"sku": product.sku}, headers=headers
        )
        assert response.status_code == 201
        assert ("Idempotent-Replayed" in response.headers) is again
    assert await lines_of(phone, token) == {product.sku: 1}
    await ask(phone, "POST", "/cart/lines", other, json={"sku": product.sku}, headers=headers)
    assert await lines_of(phone, other) == {product.sku: 1}
    guessed = await ask(
        phone, "POST", "/cart/lines", forged(token), json={"sku": product.sku}, headers=headers
    )
    assert guessed.status_code == 401


async def test_adds_beside_a_log_in(phone: Any, settings: Settings) -> None:
    """Each add that races with a log in is in the account's cart, or was refused."""
    for _ in range(5):
        product = await add_product(settings.database_url)
        name, body = await account(phone)
        await phone.post(f"{API}/account", json=body)
        token = await make_cart(phone)
        login = {"username": name, "password": PASSWORD, "token": {"name": "phone"}}
        *adds, logged_in = await asyncio.gather(
            *(ask(phone, "POST", "/cart/lines", token, json={"sku": product.sku}) for _ in "12345"),
            ask(phone, "POST", "/session", token, json=login),
        )
        taken = sum(each.status_code in {200, 201} for each in adds)
        assert all(each.status_code in {200, 201, 401} for each in adds)
        bearer = (await logged_in.get_json())["token"]["token"]
        cart = await phone.get(f"{API}/cart", headers={"Authorization": f"Bearer {bearer}"})
        assert (await cart.get_json())["quantity"] == taken


async def test_a_registration_sent_again_shows_a_token(
    phone: Any, observer: Any, settings: Settings
) -> None:
    """No token is stored: a repeat under the key gets the first answer with a token that works."""
    _, body = await account(phone, token={"name": "phone"})
    headers = {"Idempotency-Key": secrets.token_hex(8)}
    tokens = []
    for again in (False, True):
        made = await phone.post(f"{API}/account", json=body, headers=headers)
        assert made.status_code == 201
        assert ("Idempotent-Replayed" in made.headers) is again
        assert "Set-Cookie" not in made.headers
        tokens.append((await made.get_json())["token"]["token"])
        bearer = {"Authorization": f"Bearer {tokens[-1]}"}
        assert (await phone.get(f"{API}/account", headers=bearer)).status_code == 200
        stored = await observer.fetchval(
            "select count(*) from idempotency_keys where position($1::bytea in body) > 0",
            tokens[-1].encode(),
        )
        assert stored == 0


@pytest.mark.parametrize(
    "wish",
    [{}, {"name": ""}, {"name": "x", "scopes": []}, {"name": "x", "scopes": ["admin"]}, "x", []],
)
async def test_a_wish_that_cannot_be(phone: Any, wish: Any) -> None:
    """A token that can't be made is refused before anything is, with the field that is wrong."""
    _, body = await account(phone, token=wish)
    refused = await phone.post(f"{API}/account", json=body)
    assert refused.status_code == 422
    assert (await refused.get_json())["errors"][0]["field"].startswith("token")
    body.pop("token")
    assert (await phone.post(f"{API}/account", json=body)).status_code == 201


async def test_carts_are_counted(app: Quart, phone: Any, settings: Settings) -> None:
    """A cart that a token names is known by its hash alone, in a row like any other's."""
    token = await make_cart(phone)
    async with app.app_context():
        from service.database import get_db  # noqa: PLC0415 - needs the app's context

        db = await get_db()
        stored = await db.fetchval("select count(*) from carts where token_hash is not null")
        raw = await db.fetchval(
            "select count(*) from carts where encode(token_hash, 'escape') = $1", token
        )
    assert stored
    assert not raw
