"""What operators do with orders, over HTTP."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, NamedTuple

import pytest
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service.database import Connection
from tests.support.checkout import quantity_in_stock
from tests.support.operators import operator_of
from tests.support.shopping import API, PASSWORD, add, add_product, get, register

ORDERS = f"{API}/admin/orders"
ADDRESS = {"country": "DE", "line1": "Unter den Linden 1", "city": "Berlin"}


class Counter(NamedTuple):
    """An operator, somebody's order of two tents and three stoves, and what it took them from."""

    client: Client
    headers: dict[str, str]
    shopper: Client
    number: str
    tent: str
    stove: str
    name: str

    async def ask(
        self, method: str, path: str = "", body: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Do something with the order; returns status and body."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.client.open(
            f"{ORDERS}/{self.number}{path}",
            method=method,
            json=body,
            headers={**self.headers, **more},
        )
        answered: dict[str, Any] = await response.get_json()
        return response.status_code, answered

    async def found(self, **query: str) -> list[str]:
        """Search, and return the numbers."""
        response = await self.client.get(ORDERS, query_string=query, headers=self.headers)
        assert response.status_code == 200, await response.get_data(as_text=True)
        return [str(order["number"]) for order in (await response.get_json())["orders"]]

    async def seen(self) -> dict[str, Any]:
        """Return the order as its customer sees it."""
        order: dict[str, Any] = await get(self.shopper, f"/orders/{self.number}")
        return order


@pytest.fixture
async def counter(app: Quart, database_url: str) -> Counter:
    tent = await add_product(database_url, stock=10)
    stove = await add_product(database_url, stock=10)
    shopper = app.test_client()
    await register(shopper)
    await add(shopper, tent.sku, 2)
    total = (await add(shopper, stove.sku, 3))["total"]
    name = f"Zoë O'Neil {secrets.token_hex(4)}"
    placed = await shopper.post(
        f"{API}/orders",
        json={
            "expected_total": total,
            "contact": {"name": name},
            "shipping_address": {**ADDRESS, "name": name, "postal_code": "10117"},
            "note": "Ring twice",
        },
    )
    number = (await placed.get_json())["number"]
    headers = (await operator_of(app)).headers
    return Counter(app.test_client(), headers, shopper, number, tent.sku, stove.sku, name)


async def test_an_order_is_sent_in_parts(counter: Counter, observer: Connection) -> None:
    """A part is sent, the rest cancelled with its stock; customer and audit are told each."""
    status, order = await counter.ask(
        "POST",
        "/fulfil",
        {"lines": [{"sku": counter.stove, "quantity": 2}], "tracking": "003404"},
    )
    assert (status, order["status"]) == (200, "partially_fulfilled")
    seen = await counter.seen()
    assert seen["status"] == "partially_fulfilled"
    (sent,) = seen["fulfilments"]
    assert (sent["tracking"], sent["lines"]) == ("003404", [{"sku": counter.stove, "quantity": 2}])
    refused = await counter.shopper.post(f"{API}/orders/{counter.number}/cancel")
    assert refused.status_code == 409
    for lines, left in (
        ([{"sku": counter.stove, "quantity": 2}], 1),
        ([{"sku": counter.tent, "quantity": 1}, {"sku": "none", "quantity": 1}], 0),
    ):
        status, problem = await counter.ask("POST", "/fulfil", {"lines": lines})
        assert (status, problem["code"], problem["lines"][0]["left"]) == (
            409, "not_fulfillable", left,
        )  # fmt: skip
    status, order = await counter.ask("POST", "/cancel")
    assert (status, order["status"]) == (200, "fulfilled")
    tent, stove = order["lines"]
    assert (tent.get("fulfilled"), tent["cancelled"]) == (None, 2)
    assert (stove["fulfilled"], stove["cancelled"]) == (2, 1)
    assert await quantity_in_stock(observer, counter.tent) == 10
    assert await quantity_in_stock(observer, counter.stove) == 8
    for path in ("/cancel", "/fulfil"):
        assert (await counter.ask("POST", path, {}))[0] == 409
    rows = await observer.fetch(
        "select event, by_account_id is not null and by_login_id is not null as by, details::text"
        " from audit where subject = $1 order by id",
        counter.number,
    )
    assert [tuple(row) for row in rows] == [
        ("order_fulfilled", True, '{"units": 2}'),
        ("order_cancelled", True, '{"units": 3}'),
    ]
    told = await observer.fetch(
        "select kind, data->>'status', data->'fulfilment'->>'tracking' from events"
        " where subject = $1 order by id",
        f"order:{counter.number}",
    )
    assert [tuple(row) for row in told] == [
        ("order.placed", "placed", None),
        ("order.fulfilled", "partially_fulfilled", "003404"),
        ("order.cancelled", "fulfilled", None),
    ]


async def test_a_whole_order(counter: Counter, observer: Connection) -> None:
    """Without lines all is sent; a repeat with the same key has the same answer and no effect."""
    first = await counter.ask("POST", "/fulfil", {"tracking": "x"}, Idempotency_Key="a")
    again = await counter.ask("POST", "/fulfil", {"tracking": "x"}, Idempotency_Key="a")
    assert first == again
    assert (first[0], first[1]["status"]) == (200, "fulfilled")
    assert len((await counter.seen())["fulfilments"]) == 1
    assert await quantity_in_stock(observer, counter.tent) == 8


@pytest.mark.parametrize("conditional", [True, False])
async def test_of_two_operators_one_wins(
    app: Quart, counter: Counter, *, conditional: bool
) -> None:
    """Of two who act on an order at once one does it, the other is told how it is now."""
    other = counter._replace(headers=(await operator_of(app)).headers)
    _, order = await counter.ask("GET")
    condition = {"If_Match": order["etag"]} if conditional else {}
    lines = {"lines": [{"sku": counter.stove, "quantity": 2}]}
    answers = await asyncio.gather(
        counter.ask("POST", "/fulfil", lines, **condition),
        other.ask("POST", "/fulfil", lines, **condition),
        *([other.ask("POST", "/cancel", **condition)] if conditional else []),
    )
    statuses = sorted(status for status, _ in answers)
    assert statuses == ([200, 412, 412] if conditional else [200, 409])
    won = next(body for status, body in answers if status == 200)
    for status, body in answers:
        if status == 412:
            assert (body["code"], body["order"]) == ("revision_mismatch", won)
        if status == 409:
            assert body["lines"] == [{"sku": counter.stove, "quantity": 2, "left": 1}]


async def test_orders_are_found(counter: Counter) -> None:
    """By number, a part of name or address, SKU, status and time; nothing typed is a pattern."""
    email = (await counter.seen())["contact"]["email"]
    number = [counter.number]
    for query in (
        {"q": counter.number.lower().replace("-", "")},
        {"q": counter.name.upper()},
        {"q": email[:-4]},
        {"sku": counter.tent, "status": "placed"},
        {"q": counter.name, "since": "2020-01-01T00:00:00+02:00", "until": "9999-01-01T00:00:00Z"},
    ):
        assert await counter.found(**query) == number, query
    for query in (
        {"q": counter.name.replace(" ", "%")},
        {"q": counter.name.replace("O", "_")},
        {"q": counter.name + "\\"},
        {"q": counter.name, "until": "0001-01-01T00:00:00Z"},
        {"q": counter.name, "status": "partially_fulfilled"},
        {"sku": counter.tent[:-1]},
    ):
        assert await counter.found(**query) == [], query
    assert counter.number not in await counter.found(after=counter.number, limit="100")
    nowhen = await counter.client.get(
        ORDERS, query_string={"since": "0001-01-01T00:00:00+14:00"}, headers=counter.headers
    )
    assert nowhen.status_code == 422


async def test_what_operators_note(counter: Counter, observer: Connection) -> None:
    """A note is the operators' own; it goes with the person, once nothing is left to be sent."""
    _, before = await counter.ask("GET")
    assert before["customer_note"] == "Ring twice"
    status, noted = await counter.ask("PATCH", "", {"note": "Zoë called"}, If_Match=before["etag"])
    assert (status, noted["note"]) == (200, "Zoë called")
    assert noted["etag"] != before["etag"]
    assert (await counter.ask("PATCH", "", {"note": ""}, If_Match=before["etag"]))[0] == 412
    assert "Zoë called" not in str(await counter.seen())
    line = {"sku": counter.tent, "quantity": 1}
    await counter.ask("POST", "/fulfil", {"lines": [line]})
    gone = await counter.shopper.delete(f"{API}/account", json={"current_password": PASSWORD})
    assert gone.status_code == 204
    _, order = await counter.ask("GET")
    assert (order["note"], order["shipping_address"]["name"]) == ("Zoë called", counter.name)
    status, order = await counter.ask("POST", "/fulfil", {})
    assert (status, order["status"], len(order["fulfilments"])) == (200, "fulfilled", 2)
    told = (order["contact"], order["shipping_address"], order["customer_note"], order["note"])
    assert told == (None, None, "", "")
    assert (await counter.ask("GET"))[1] == order
