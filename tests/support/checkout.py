"""What placing orders takes."""

from __future__ import annotations

from typing import Any

from quart import Quart
from quart.typing import TestClientProtocol
from werkzeug.datastructures import Headers

from service.database import Connection
from tests.support.shopping import API, Product, add, register

DELIVERY = {
    "contact.email": "ada@example.com",
    "contact.name": "Ada Lovelace",
    "shipping_address.country": "DE",
    "shipping_address.line1": "Unter den Linden 1",
    "shipping_address.city": "Berlin",
    "shipping_address.postal_code": "10117",
}
"""What the checkout's page asks for, as its form sends it."""


async def shopper(
    app: Quart, product: Product, quantity: int = 1
) -> tuple[TestClientProtocol, int]:
    """Return a new account's browser with this in its cart, and the cart's total."""
    client = app.test_client()
    await register(client)
    cart = await add(client, product.sku, quantity)
    return client, cart["total"]


async def check_out(
    client: TestClientProtocol, expected_total: int, *, key: str | None = None
) -> tuple[int, dict[str, Any], Headers]:
    """Place an order; returns status, body and headers."""
    response = await client.post(
        f"{API}/orders",
        json={"expected_total": expected_total},
        headers={"Idempotency-Key": key} if key else {},
    )
    return response.status_code, await response.get_json(), response.headers


async def quantity_in_stock(db: Connection, sku: str) -> int | None:
    """Return the units that the table has."""
    stock: int | None = await db.fetchval("select stock from variants where sku = $1", sku)
    return stock
