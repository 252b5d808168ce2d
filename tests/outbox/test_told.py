"""What happens in the shop is told, in the transaction in which it happens."""

from __future__ import annotations

import json
from typing import Any

from quart import Quart

from service.database import Connection
from tests.support.shopping import API, PASSWORD, Product, add, get, register


async def told(db: Connection, subject: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what is told of a subject, as its kind and its data."""
    rows = await db.fetch(
        "select kind, data::text as data from events where subject = $1 order by id", subject
    )
    return [(row["kind"], json.loads(row["data"])) for row in rows]


async def test_orders_and_accounts_are_told_of(
    app: Quart, db: Connection, product: Product
) -> None:
    """Each change is told once, in its order, without the person; what changes nothing is not."""
    client = app.test_client()
    await register(client)
    account_id = (await get(client, "/account"))["id"]
    total = (await add(client, product.sku, 2))["total"]
    body = {
        "expected_total": total,
        "contact": {"email": "ada@example.com", "name": "Ada"},
        "note": "by the back door",
    }
    wrong = await client.post(f"{API}/orders", json={**body, "expected_total": total + 1})
    assert wrong.status_code == 409
    number = (await (await client.post(f"{API}/orders", json=body)).get_json())["number"]
    await client.post(f"{API}/orders", json=body)
    for status in (200, 409):
        cancelled = await client.post(f"{API}/orders/{number}/cancel")
        assert cancelled.status_code == status
    await client.delete(f"{API}/account", json={"current_password": PASSWORD})
    of_order = await told(db, f"order:{number}")
    assert [(kind, data["status"]) for kind, data in of_order] == [
        ("order.placed", "placed"),
        ("order.cancelled", "cancelled"),
    ]
    placed = of_order[0][1]
    assert placed["total"] == total
    assert [(line["sku"], line["quantity"]) for line in placed["lines"]] == [(product.sku, 2)]
    assert await told(db, f"account:{account_id}") == [
        ("account.registered", {"account_id": account_id}),
        ("account.deleted", {"account_id": account_id}),
    ]
    everything = str(of_order)
    assert "ada@example.com" not in everything
    assert "door" not in everything
