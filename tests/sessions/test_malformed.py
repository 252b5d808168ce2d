"""A section may hold anything: it was signed with our key, but perhaps not by this code."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import clock
from service.carts import CartCookie
from service.preferences import Choices, from_section
from tests.support.shopping import API, PASSWORD, Product, add, add_product, get, new_name, register

ids = st.uuids().map(str)
numbers = st.integers() | st.sampled_from([2**31 - 1, 2**31, 2**63, 2**70, 10**40, -1, 0, 1])
texts = st.text(st.characters(exclude_categories=())) | ids
leaves = st.none() | st.booleans() | numbers | st.floats() | texts
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


def part(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return sections that are nearly right: any field may be missing, or be anything."""
    return st.fixed_dictionaries(
        {}, optional={name: values | anything for name, values in fields.items()}
    )


lines = st.lists(st.lists(numbers, min_size=1, max_size=3), max_size=4)
copies = part(id=ids, revision=numbers, lines=lines, account=ids, next=ids)
carts = copies | part(id=ids, revision=numbers, lines=lines, account=ids, next=ids, left=copies)
remedies = st.tuples(texts, texts, st.dictionaries(texts, numbers | texts, max_size=2)).map(list)
messages = st.lists(
    st.tuples(st.sampled_from(["done", "problem"]), texts, texts, st.none() | remedies).map(list)
)
receipts = part(lines=st.lists(st.lists(numbers | texts, min_size=5, max_size=5)), more=numbers)
sections = st.fixed_dictionaries(
    {},
    optional={
        "cart": carts | st.dictionaries(texts, anything, max_size=3),
        "flash": part(messages=messages, receipt=receipts, outcome=anything),
        "preferences": part(theme=texts, locale=texts, page_size=numbers),
        "device": part(token=texts, account=ids),
        "session": part(user_id=ids, username=texts, login=texts, _permanent=anything),
    },
)


@given(carts | anything.filter(lambda content: isinstance(content, dict)))
@example({"\ud800": None})
def test_a_cart_section_of_any_shape_is_read(content: dict[str, Any]) -> None:
    """A cart section of any shape is read, and what is made of it comes back as it went."""
    cookie = CartCookie.read(content)
    assert CartCookie.read(cookie.write()).snapshot == cookie.snapshot


@given(part(theme=texts, locale=texts, page_size=numbers, marketing_emails=numbers))
def test_preferences_of_any_shape_are_read(content: dict[str, Any]) -> None:
    """Preferences of any shape are choices that could have been made, or none."""
    assert isinstance(from_section(content), Choices)


def cookies(app: Quart, contents: dict[str, Any]) -> str:
    now = int(clock.now().timestamp())
    interface: Any = app.session_interface
    made = ((interface.jar(app).cookies[name], content) for name, content in contents.items())
    return "; ".join(f"{cookie.name}={cookie.sign(content, now)}" for cookie, content in made)


async def visit(app: Quart, contents: dict[str, Any], sku: str) -> None:
    """Look and change something in every way that reads a section."""
    page = {"Accept": "text/html"}
    name = new_name()
    account = {"username": name, "email": f"{name}@example.com", "password": "long enough 12"}
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", f"{API}/session", {}),
        ("GET", f"{API}/cart", {}),
        ("GET", f"{API}/products", {}),
        ("GET", f"{API}/preferences", {}),
        ("POST", f"{API}/cart/lines", {"json": {"sku": sku}}),
        ("GET", "/cart", {"headers": page}),
        ("GET", "/locker", {"headers": page}),
        ("GET", "/nothing", {"headers": page}),
        ("POST", "/cart/lines", {"form": {"sku": sku}}),
        ("POST", f"{API}/account", {"json": account}),
        ("POST", f"{API}/session", {"json": {"username": name, "password": account["password"]}}),
        ("DELETE", f"{API}/session", {}),
    ]
    for method, path, more in requests:
        client = app.test_client(use_cookies=False)
        headers = {**more.pop("headers", {}), "Cookie": cookies(app, contents)}
        response = await client.open(path, method=method, headers=headers, **more)
        assert response.status_code < 500, (method, path, contents)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(contents=sections)
async def test_no_section_of_any_shape_is_an_error(
    app: Quart, product: Product, contents: dict[str, Any]
) -> None:
    """Whatever sections hold, every route answers as if the malformed ones were empty."""
    await visit(app, contents, product.sku)


LEFT = {"id": "0" * 32, "revision": 1, "account": "1" * 32}


@pytest.mark.parametrize(
    "contents",
    [
        {"cart": {"id": "0" * 32, "revision": 2**31 - 1, "lines": []}},
        {"cart": {"id": "0" * 32, "revision": 2**31, "lines": [[1, 1]]}},
        {"cart": {"id": "0" * 32, "revision": math.inf, "lines": [[1, 1]]}},
        {"cart": {"id": "0" * 32, "revision": 5, "lines": [[1, 2**70]]}},
        {"cart": {"id": "0" * 32, "revision": 5, "lines": [[2**70, 1]]}},
        {"cart": {"id": "0" * 32, "revision": 5, "lines": [[1, math.nan]]}},
        {"cart": {"id": "0" * 32, "revision": 5, "lines": [[1, 1]] * 10_000}},
        {"cart": {**LEFT, "left": {**LEFT, "revision": math.inf}}},
        {"cart": {**LEFT, "next": 1, "left": [LEFT]}},
        {"flash": {"messages": 5}},
        {"flash": {"messages": [1]}},
        {"flash": {"messages": [["a"]]}},
        {"flash": {"messages": [["done", {"a": 1}]]}},
        {"flash": {"messages": [["done", "\ud800"]]}},
        {"flash": {"messages": [["done", "text", "", ["label", "/", [1]]]]}},
        {"flash": {"receipt": 5}},
        {"flash": {"receipt": {"lines": [[1]], "more": "x"}}},
        {"flash": {"receipt": {"lines": 5, "more": 10**50}}},
        {"flash": {"outcome": {"lines": [1]}}},
        {"preferences": {"theme": ["dark"], "locale": "\ud800"}},
        {"preferences": {"page_size": 2**70}},
        {"device": {"token": "\ud800", "account": "1" * 32}},
        {"device": {"token": ["x"], "account": 5}},
        {"device": {"token": None, "account": ["1" * 32]}},
        {"device": {"_value": ["x"]}},
        {"cart": {"_value": [1]}},
        {"cart": {"_value": "\ud800"}},
        {"preferences": {"_value": 5}},
        {"flash": {"_value": None}},
        {"flash": {"_value": [["done", "x"]]}},
        {"session": {"_value": [1]}},
        {"session": {"user_id": ["x"], "login": 5, "username": {"a": 1}}},
        {"session": {"user_id": "0" * 32, "login": "\ud800", "username": "\ud800"}},
    ],
)
async def test_a_malformed_section_is_an_empty_one(
    app: Quart, product: Product, contents: dict[str, Any]
) -> None:
    """A malformed section is an empty one: each of these could have been a 500."""
    await visit(app, contents, product.sku)


@pytest.mark.parametrize(
    ("facts", "copied", "healed"),
    [({}, 5_000, 99), ({"stock": 3}, 50, 3), ({"stock": 0}, 5, 0), ({}, 2**31 - 1, 99)],
)
async def test_a_healed_cart_keeps_limits_and_stock(
    app: Quart,
    client: Client,
    database_url: str,
    observer: Any,
    facts: dict[str, Any],
    copied: int,
    healed: int,
) -> None:
    """A snapshot brings back no more than could be added now, a guest's and an account's alike."""
    product = await add_product(database_url, **facts)
    variant = await observer.fetchval("select id from variants where sku = $1", product.sku)
    user = (await register(client))["user"]
    jar: Any = client.cookie_jar
    base = next(each for each in jar if each.name == "session").value
    snapshot = {"id": "0" * 32, "revision": 5, "lines": [[variant, copied]]}
    guest = {**snapshot, "id": str(user["id"])[::-1].replace("-", "")}
    for content, login in (
        (guest, ""),
        ({**snapshot, "account": user["id"], "next": "2" * 32}, f"; session={base}"),
    ):
        browser = app.test_client(use_cookies=False)
        headers = {"Cookie": cookies(app, {"cart": content}) + login}
        response = await browser.get(f"{API}/cart", headers=headers)
        assert (await response.get_json())["quantity"] == healed
    assert (await get(client, "/session"))["cart"]["quantity"] == healed


@pytest.mark.parametrize("revision", [0, 1, 7, 2**30])
@pytest.mark.parametrize("account", [False, True], ids=["as a guest's", "as an account's"])
async def test_a_copy_that_names_another_cart_touches_it_in_no_way(
    app: Quart, signed_in: Client, product: Product, revision: int, *, account: bool
) -> None:
    """An account's cart is shown, emptied and merged by nobody else's section; nor in the way."""
    mine = await add(signed_in, product.sku, 4)
    other = app.test_client()
    content: dict[str, Any] = {"id": mine["id"], "revision": revision, "lines": []}
    if account:
        content |= {"account": (await register(other))["user"]["id"], "next": mine["id"]}
    jar: Any = other.cookie_jar
    login = "".join(f"; {each.name}={each.value}" for each in jar if each.name == "session")
    headers = {"Cookie": cookies(app, {"cart": content}) + login}
    name = new_name()
    body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    for method, path, json, quantity in (
        ("GET", "/session", None, 0),
        ("GET", "/cart", None, 0),
        ("POST", "/cart/lines", {"sku": product.sku}, 1),
        ("DELETE", "/cart", None, 0),
        ("POST", "/account", body, 0),
    ):
        browser = app.test_client(use_cookies=False)
        response = await browser.open(f"{API}{path}", method=method, json=json, headers=headers)
        assert response.status_code < 300, await response.get_data(as_text=True)
        answer = await response.get_json()
        cart = answer.get("cart", answer)
        assert (cart["quantity"], cart.get("id") == mine["id"]) == (quantity, False)
        assert await get(signed_in, "/cart") == mine
