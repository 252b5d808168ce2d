"""`locker orders`."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service import create_app
from service.settings import Settings
from tests.support.checkout import check_out
from tests.support.commands import Locker, development
from tests.support.shopping import API, add, add_product, get, register

Order = dict[str, Any]


@pytest.fixture
async def orders(url: str) -> AsyncIterator[list[Order]]:
    """Three orders, the newest first; the oldest is cancelled."""
    environ = {f"LOCKER_{name}": value for name, value in development(url).items()}
    app = create_app(Settings.from_env(environ))
    tent = await add_product(url, sku="TENT", price="1250.50")
    async with app.test_app():
        client = app.test_client()
        await register(client)
        for quantity in (1, 2, 3):
            cart = await add(client, tent.sku, quantity)
            _, order, _ = await check_out(client, cart["total"])
            if quantity == 1:
                await client.post(f"{API}/orders/{order['number']}/cancel")
        yield (await get(client, "/orders"))["orders"]


def numbers(output: str) -> list[str]:
    return re.findall(r"^\S{4}-\S{4}", output, re.MULTILINE)


def test_list(locker: Locker, orders: list[Order]) -> None:
    """`locker orders list` has the newest first, page by page, or those of a status."""
    third, second, first = (order["number"] for order in orders)
    listed = locker("orders", "list", "--limit", "2")
    assert (listed.status, numbers(listed.output)) == (0, [third, second])
    assert f"--after {second}" in listed.errors
    assert numbers(locker("orders", "list", "--after", second).output) == [first]
    assert numbers(locker("orders", "list", "--status", "placed").output) == [third, second]
    assert numbers(locker("orders", "list", "--status", "cancelled").output) == [first]
    assert "3,751.50 USD" in listed.output


def test_search(locker: Locker, orders: list[Order]) -> None:
    """Orders are found by day, account, address and SKU, and read by a program."""
    newest = orders[0]

    def found(*wanted: str) -> list[Order]:
        output = locker("orders", "list", "--json", *wanted).output
        return [json.loads(line) for line in output.splitlines()]

    everything = found()
    numbers = [order["number"] for order in orders]
    assert [order["number"] for order in everything] == numbers
    assert everything[0]["total"] == 375150
    name = locker("user", "list", "--json")
    account = json.loads(name.output)
    for wanted in (
        ("--user", account["username"]),
        ("--email", account["email"].upper()),
        ("--sku", "TENT", "--since", "2020-01-01"),
    ):
        assert found(*wanted) == everything
    for nothing in (
        ("--email", "other@example.com"),
        ("--sku", "tent%"),
        ("--since", "2100-01-01"),
        ("--until", "2020-01-01T00:00+02:00"),
    ):
        assert found(*nothing) == []
    since = everything[0]["placed_at"]
    assert [order["number"] for order in found("--since", since)] == [newest["number"]]
    after = found("--user", account["email"], "--after", numbers[0], "--status", "placed")
    assert [order["number"] for order in after] == numbers[1:2]
    missing = locker("orders", "list", "--user", "nobody")
    assert (missing.status, missing.errors) == (1, "Error: there is no account nobody\n")


def test_show(locker: Locker, orders: list[Order]) -> None:
    """An order is found however its number is written, and shown with amounts as people read."""
    shown = locker("orders", "show", orders[0]["number"].lower().replace("-", ""))
    assert shown.status == 0
    assert "placed  3,751.50 USD" in shown.output
    assert re.search(r"^  for: \S+@example\.com$", shown.output, re.MULTILINE)
    assert "  3 x TENT  The TENT  1,250.50 each, 3,751.50" in shown.output


def test_fulfil(locker: Locker, orders: list[Order]) -> None:
    """An order that is sent is fulfilled; a cancelled one can't be."""
    placed, cancelled = orders[0]["number"], orders[2]["number"]
    assert locker("orders", "fulfil", placed).output == f"Fulfilled {placed}.\n"
    assert "fulfilled" in locker("orders", "show", placed).output
    refused = locker("orders", "fulfil", cancelled)
    assert refused.status == 1
    assert "cancelled" in refused.errors


def test_in_parts(locker: Locker, orders: list[Order]) -> None:
    """A part is sent, the rest cancelled, and noted; what can't be is said in one line."""
    number = orders[0]["number"]
    sent = locker("orders", "fulfil", number, "--line", "TENT=2", "--tracking", "0034")
    assert (sent.status, sent.output) == (
        0, f"Fulfilled {number} in part; left to be sent: 1.\n",
    )  # fmt: skip
    more = locker("orders", "fulfil", number, "--line", "TENT", "--line", "TENT")
    assert (more.status, more.errors) == (
        1, f"Error: {number} can't be fulfilled: left to be sent: 1 of TENT, not 2\n",
    )  # fmt: skip
    assert locker("orders", "fulfil", number, "--line", "TENT=0").status == 2
    assert locker("orders", "note", number, "Called; wants it soon").output == (
        f"Noted at {number}.\n"
    )
    cancelled = json.loads(locker("orders", "cancel", number, "--json").output)
    assert (cancelled["status"], cancelled["operator_note"]) == (
        "fulfilled", "Called; wants it soon",
    )  # fmt: skip
    assert [line["cancelled"] for line in cancelled["lines"]] == [1]
    again = locker("orders", "cancel", number)
    assert (again.status, again.errors) == (
        1,
        f"Error: {number} can't be cancelled: it is sent or cancelled\n",
    )
    shown = locker("orders", "show", number).output
    assert "2 sent, 1 cancelled" in shown
    assert ": 2 x TENT, tracking 0034" in shown
    assert "our note: Called; wants it soon" in shown
    whole = orders[1]["number"]
    assert locker("orders", "cancel", whole).output == f"Cancelled {whole}.\n"
    assert numbers(locker("orders", "list", "--search", "EXAMPLE.com").output) != []
    assert numbers(locker("orders", "list", "--search", whole.lower()).output) == [whole]


def test_wrong_numbers(locker: Locker) -> None:
    """A mistyped number is told from one that no order has."""
    mistyped = locker("orders", "show", "K7RX-3MD4")
    assert (mistyped.status, mistyped.errors) == (
        1,
        "Error: K7RX-3MD4 is mistyped: no order has such a number\n",
    )
    unknown = locker("orders", "fulfil", "K7RX-3MD3")
    assert (unknown.status, unknown.errors) == (1, "Error: there is no order K7RX-3MD3\n")
