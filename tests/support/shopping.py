"""What shopping takes: products, shoppers, and the steps they make over HTTP."""

from __future__ import annotations

import csv
import io
import secrets
from dataclasses import dataclass
from typing import Any

import asyncpg
from quart.typing import TestClientProtocol

from service.catalogue import ImportOptions, import_products

API = "/api/v1"
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Product:
    """A product with one variant."""

    handle: str
    sku: str


async def add_product(
    database_url: str,
    *,
    sku: str | None = None,
    price: str = "15.99",
    stock: int | None = None,
    oversell: bool = False,
    published: bool = True,
) -> Product:
    """Put a product into the catalogue, or bring it to this state; ``stock`` None: not tracked."""
    row = _row(sku or new_sku()) | {
        "Published": "true" if published else "false",
        "Variant Inventory Tracker": "" if stock is None else "shopify",
        "Variant Inventory Qty": "" if stock is None else str(stock),
        "Variant Inventory Policy": "continue" if oversell else "deny",
        "Variant Price": price,
    }
    (product,) = await _import(database_url, [row])
    return product


async def add_products(database_url: str, count: int) -> list[Product]:
    """Put this many alike into the catalogue: 15.99, and not tracked. It takes as long as one."""
    return await _import(database_url, [_row(new_sku()) for _ in range(count)])


def new_sku() -> str:
    """Return a SKU that nothing has."""
    return f"SKU-{secrets.token_hex(5)}"


def _row(sku: str) -> dict[str, str]:
    return {
        "Handle": sku.lower(),
        "Title": f"The {sku}",
        "Body (HTML)": "<p>As good as any.</p>",
        "Vendor": "Nobody",
        "Type": "Thing",
        "Tags": "thing",
        "Published": "true",
        "Option1 Name": "Title",
        "Option1 Value": "Default Title",
        "Variant SKU": sku,
        "Variant Inventory Tracker": "",
        "Variant Inventory Qty": "",
        "Variant Inventory Policy": "deny",
        "Variant Price": "15.99",
    }


async def _import(database_url: str, rows: list[dict[str, str]]) -> list[Product]:
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    db = await asyncpg.connect(database_url)
    try:
        content = io.BytesIO(file.getvalue().encode())
        options = ImportOptions(stock=True, low_stock=5)
        report = await import_products(db, content, currency="USD", options=options)
    finally:
        await db.close()
    assert not report.bad_rows, report.bad_rows
    return [Product(row["Handle"], row["Variant SKU"]) for row in rows]


def new_name() -> str:
    """Return a user name that nobody has."""
    return f"user-{secrets.token_hex(5)}"


async def make_token(
    client: TestClientProtocol, password: str = PASSWORD, **more: Any
) -> dict[str, Any]:
    """Make a token; returns the answer's body."""
    response = await client.post(
        f"{API}/account/tokens", json={"name": "backup", "current_password": password, **more}
    )
    assert response.status_code == 201, await response.get_data(as_text=True)
    body: dict[str, Any] = await response.get_json()
    return body


async def register(client: TestClientProtocol, username: str | None = None) -> dict[str, Any]:
    """Register, and log in with it; returns the answer's body."""
    username = username or new_name()
    response = await client.post(
        f"{API}/account",
        json={
            "username": username,
            "email": f"{username}@example.com",
            "password": PASSWORD,
        },
    )
    assert response.status_code == 201, await response.get_data(as_text=True)
    body: dict[str, Any] = await response.get_json()
    return body


async def log_in(client: TestClientProtocol, username: str, **more: Any) -> dict[str, Any]:
    """Log in; returns the answer's body."""
    response = await client.post(
        f"{API}/session", json={"username": username, "password": PASSWORD, **more}
    )
    assert response.status_code == 200, await response.get_data(as_text=True)
    body: dict[str, Any] = await response.get_json()
    return body


async def add(client: TestClientProtocol, sku: str, quantity: int = 1) -> dict[str, Any]:
    """Add to the cart; returns the cart."""
    response = await client.post(f"{API}/cart/lines", json={"sku": sku, "quantity": quantity})
    assert response.status_code in {200, 201}, await response.get_data(as_text=True)
    body: dict[str, Any] = await response.get_json()
    return body


async def get(client: TestClientProtocol, path: str) -> Any:
    """Return the body of a page that must be there."""
    response = await client.get(f"{API}{path}")
    assert response.status_code == 200, await response.get_data(as_text=True)
    return await response.get_json()
