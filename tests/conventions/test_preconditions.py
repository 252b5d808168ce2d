"""A condition that an operation would not look at is refused, wherever something changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from quart import Quart

from service.http.endpoints import PRECONDITIONS
from service.http.requests import SAFE_METHODS
from tests.support.document import OPERATIONS, Operation
from tests.support.operators import operator_of
from tests.support.shopping import API, Product, add, register

Start = Callable[..., Awaitable[Quart]]

UNSAFE = [each for each in OPERATIONS if each.method not in SAFE_METHODS]
ON_CARTS = {"/cart", "/cart/lines", "/cart/lines/{sku}", "/orders"}
"""What heeds `If-Match`, if it changes something (http-api, "Cart")."""
ON_ORDERS = "/admin/orders/"
"""Below this, too (http-api, "Operators")."""


def taken(operation: Operation) -> set[str]:
    return {each["name"] for each in operation.parameters("header")} & set(PRECONDITIONS)


@pytest.mark.parametrize("operation", UNSAFE, ids=lambda each: each.id)
async def test_a_condition_is_heeded_or_refused(operation: Operation, app: Quart) -> None:
    """A condition that an operation doesn't take is 400 `precondition_unsupported`."""
    client = app.test_client()
    await register(client)
    who = (await operator_of(app)).headers if operation.for_operators else {}
    body: dict[str, Any] = {"json": operation.body} if operation.schema else {}
    for name in set(PRECONDITIONS) - taken(operation):
        for value in ("*", '"1"', "Thu, 26 Nov 2026 00:00:00 GMT"):
            response = await client.open(
                operation.path(), method=operation.method, headers={name: value, **who}, **body
            )
            assert response.status_code == 400, (name, value)
            assert (await response.get_json())["code"] == "precondition_unsupported"
    assert "precondition_unsupported" in operation.codes(400)
    assert (await client.get(f"{API}/session")).status_code == 200


def test_what_changes_a_cart_or_an_order_takes_if_match() -> None:
    """What changes a cart or orders it, and what operators do with an order, takes `If-Match`.

    Nothing else has a tag to match.
    """
    wrong = []
    for operation in UNSAFE:
        path = operation.template.removeprefix(API)
        on_cart = path in ON_CARTS
        conditions = {
            *(["If-Match"] if on_cart or path.startswith(ON_ORDERS) else []),
            *(["If-None-Match"] if on_cart and operation.method == "PUT" else []),
        }
        if taken(operation) != conditions:
            wrong.append((operation.id, taken(operation)))
    assert wrong == []


@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Range"])
async def test_conditions_for_reading_are_ignored_by_a_change(
    app: Quart, product: Product, name: str
) -> None:
    """Conditions for reading are ignored by a change (RFC 9110, 13.1.3 and 13.1.5)."""
    headers = {name: "Thu, 26 Nov 2026 00:00:00 GMT"}
    body = {"sku": product.sku}
    response = await app.test_client().post(f"{API}/cart/lines", json=body, headers=headers)
    assert response.status_code == 201


async def test_a_read_without_a_tag_ignores_conditions(app: Quart, product: Product) -> None:
    """A read without a tag ignores conditions, as there is nothing to compare them with."""
    client = app.test_client()
    await register(client)
    await add(client, product.sku)
    operator = await operator_of(app)
    for operation in OPERATIONS:
        if operation.method == "GET" and not taken(operation) and "{" not in operation.template:
            who = operator.headers if operation.for_operators else {}
            for name in PRECONDITIONS:
                response = await client.get(operation.path(), headers={name: '"1"', **who})
                assert response.status_code == 200, (operation.id, name)
