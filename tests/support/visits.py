"""A visit to every operation that succeeds, for tests of what it costs and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from quart.typing import TestClientProtocol as Client

from tests.support.document import OPERATIONS
from tests.support.operators import operator_of
from tests.support.shopping import (
    API,
    PASSWORD,
    Product,
    add,
    get,
    log_in,
    make_token,
    new_name,
    register,
)

CONTACT = {"email": "ada@example.com"}
"""What a guest's order needs; an account's takes it, too."""
WISH = {"name": "phone", "scopes": ["read", "write"], "expires_in_days": 7}
BY_ID = {operation.id: operation for operation in OPERATIONS}


async def fill(client: Client, product: Product) -> dict[str, Any]:
    """Put something in the cart."""
    await add(client, product.sku, 3)
    return {}


async def order(client: Client, product: Product) -> dict[str, Any]:
    """Order something, and have something in the cart again."""
    for _ in range(2):
        total = (await add(client, product.sku))["total"]
    body = {"expected_total": total, "contact": CONTACT}
    number = (await (await client.post(f"{API}/orders", json=body)).get_json())["number"]
    return {"number": number, "total": (await add(client, product.sku))["total"]}


async def fill_by_token(client: Client, product: Product) -> dict[str, Any]:
    """Have a cart that a token names, with something in it."""
    phone = client.app.test_client(use_cookies=False)
    token = (await (await phone.post(f"{API}/carts")).get_json())["token"]
    headers = {"Locker-Cart": token}
    body = {"sku": product.sku, "quantity": 3}
    added = await phone.post(f"{API}/cart/lines", json=body, headers=headers)
    return {"headers": headers, "total": (await added.get_json())["total"]}


async def order_by_token(client: Client, product: Product) -> dict[str, Any]:
    """Have ordered as a guest, and have the order's key."""
    filled = await fill_by_token(client, product)
    phone = client.app.test_client(use_cookies=False)
    body = {"expected_total": filled["total"], "contact": CONTACT}
    placed = await phone.post(f"{API}/orders", json=body, headers=filled["headers"])
    told = await placed.get_json()
    return {"headers": {"Locker-Order-Key": told["key"]}, "number": told["number"]}


async def be_somebody_by_token(client: Client, product: Product) -> dict[str, Any]:
    """Have an account, and a cart that a token names."""
    filled = await fill_by_token(client, product)
    name = new_name()
    await register(client.app.test_client(), name)
    return {**filled, "username": name}


async def have_logins(client: Client, product: Product) -> dict[str, Any]:
    """Be logged in elsewhere, too."""
    name = (await get(client, "/account"))["username"]
    await log_in(client.app.test_client(), name)
    logins = (await get(client, "/account/sessions"))["sessions"]
    return {"login_id": next(each["id"] for each in logins if not each["current"])}


async def have_token(client: Client, product: Product) -> dict[str, Any]:
    made = await make_token(client)
    return {"token_id": made["id"]}


async def be_somebody(client: Client, product: Product) -> dict[str, Any]:
    """Have an account, and something in the cart as a guest."""
    name = new_name()
    await register(client.app.test_client(), name)
    await add(client, product.sku, 3)
    return {"username": name}


async def order_for_operator(client: Client, product: Product) -> dict[str, Any]:
    """Have somebody order something, and stand behind the counter."""
    placed = await order_by_token(client, product)
    operator = await operator_of(client.app)
    changes = [{"sku": product.sku, "stock": 900}]
    return {"number": placed["number"], "headers": operator.headers, "variants": changes}


async def customer_for_operator(client: Client, product: Product) -> dict[str, Any]:
    """Have a customer who is logged in, and stand behind the counter."""
    operator = await operator_of(client.app)
    user = (await register(client.app.test_client()))["user"]
    return {"account_id": user["id"], "username": user["username"], "headers": operator.headers}


class Visit(NamedTuple):
    """A request to an operation, and how many answers of the database it may wait for."""

    operation: str
    trips: int
    body: Any = None
    prepare: Callable[[Client, Product], Awaitable[dict[str, Any]]] = fill
    query: str = ""

    async def request(self, client: Client, product: Product) -> dict[str, Any]:
        """Prepare the visit; returns what `client.open` is to be given."""
        values: dict[str, Any] = {"sku": product.sku, "handle": product.handle}
        values["new"] = new_name()
        values["email"] = f"{values['new']}@example.com"
        values |= await self.prepare(client, product)
        body = self.body and {
            name: values.get(str(value).strip("{}"), value) for name, value in self.body.items()
        }
        operation = BY_ID[self.operation]
        path = operation.template.format(**values) + self.query
        headers = values.get("headers", {})
        return {"path": path, "method": operation.method, "json": body, "headers": headers}


VISITS = [
    Visit("check_liveness", 0),
    Visit("check_readiness", 2),
    Visit("list_products", 1),
    Visit("list_products", 2, query="?q=sku&facets=true&sort=price&min_price=1&available=true"),
    Visit("suggest_products", 0),
    Visit("suggest_products", 1, query="?q=sku"),
    Visit("suggest_products", 4, query="?q=xprodukt"),
    Visit("list_product_types", 1),
    Visit("show_product", 1),
    Visit("show_cart", 1),
    Visit("add_to_cart", 2, {"sku": "{sku}"}),
    Visit("create_cart", 1),
    Visit("set_quantity", 2, {"quantity": 7}),
    Visit("remove_from_cart", 2),
    Visit("empty_cart", 2),
    Visit("show_session", 1),
    Visit("show_preferences", 1),
    Visit("change_preferences", 1, {"theme": "dark"}),
    Visit("show_account", 2),
    Visit("change_email", 8, {"email": "{email}", "current_password": PASSWORD}),
    Visit("change_password", 10, {"current_password": PASSWORD, "new_password": PASSWORD}),
    Visit("list_logins", 2, prepare=have_logins),
    Visit("end_login", 2, prepare=have_logins),
    Visit("end_logins", 2, prepare=have_logins),
    Visit("list_tokens", 2, prepare=have_token),
    Visit("create_token", 4, {"name": "a script", "current_password": PASSWORD}),
    Visit("end_token", 2, prepare=have_token),
    Visit("list_orders", 1, prepare=order),
    Visit("show_order", 2, prepare=order),
    Visit("place_order", 5, {"expected_total": "{total}", "contact": CONTACT}, prepare=order),
    Visit("cancel_order", 6, prepare=order),
    Visit("show_cart", 1, prepare=fill_by_token),
    Visit("add_to_cart", 2, {"sku": "{sku}"}, fill_by_token),
    Visit("set_quantity", 2, {"quantity": 7}, fill_by_token),
    Visit("remove_from_cart", 2, prepare=fill_by_token),
    Visit("empty_cart", 2, prepare=fill_by_token),
    Visit("place_order", 5, {"expected_total": "{total}", "contact": CONTACT}, fill_by_token),
    Visit("show_order", 2, prepare=order_by_token),
    Visit("cancel_order", 6, prepare=order_by_token),
    Visit("show_any_order", 2, prepare=order_for_operator),
    Visit("search_orders", 2, prepare=order_for_operator, query="?q=ada&status=placed"),
    Visit("fulfil_order", 10, {"tracking": "x"}, order_for_operator),
    Visit("cancel_any_order", 10, prepare=order_for_operator),
    Visit("note_order", 8, {"note": "x"}, order_for_operator),
    Visit("search_variants", 2, prepare=order_for_operator, query="?q=sku&low=1000"),
    Visit("change_variant", 6, {"stock": 700, "price": 100}, order_for_operator),
    Visit("change_variants", 6, {"variants": "{variants}"}, order_for_operator),
    Visit("publish_product", 6, {"published": True}, order_for_operator),
    Visit("search_customers", 2, prepare=customer_for_operator, query="?q=user-&limit=1"),
    Visit("show_customer", 2, prepare=customer_for_operator),
    Visit("disable_customer", 8, prepare=customer_for_operator),
    Visit("enable_customer", 8, prepare=customer_for_operator),
    Visit("end_customers_logins", 6, prepare=customer_for_operator),
    Visit("export_customer", 10, prepare=customer_for_operator),
    Visit("delete_customer", 6, prepare=customer_for_operator),
    Visit("list_events", 2, prepare=customer_for_operator, query="?event=logged_in"),
    Visit("export_account", 9),
]
"""Each operation but those that change who asks."""

ENTRANCES = [
    Visit("log_in", 3, {"username": "{username}", "password": PASSWORD}, be_somebody),
    Visit("register", 6, {"username": "{new}", "email": "{email}", "password": PASSWORD}),
    Visit(
        "log_in",
        7,
        {"username": "{username}", "password": PASSWORD, "token": WISH},
        be_somebody_by_token,
    ),
    Visit(
        "register",
        7,
        {"username": "{new}", "email": "{email}", "password": PASSWORD, "token": WISH},
        fill_by_token,
    ),
    Visit("log_out", 1),
    Visit("delete_account", 10, {"current_password": PASSWORD}),
]


def callers(visit: Visit) -> list[str]:
    if BY_ID[visit.operation].for_operators:
        return ["operator"]
    security = BY_ID[visit.operation].declared["security"]
    return ["signed in"] if security else ["guest", "signed in"]


def for_each(visits: list[Visit]) -> pytest.MarkDecorator:
    """Run a test for each visit and each kind of caller, as ``visit`` and ``who``."""
    cases = [
        pytest.param(
            visit, who, id=f"{visit.operation}{visit.query}-{visit.prepare.__name__}-{who}"
        )
        for visit in visits
        for who in callers(visit)
    ]
    return pytest.mark.parametrize(("visit", "who"), cases)
