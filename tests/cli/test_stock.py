"""`locker stock` and `locker products`."""

from __future__ import annotations

import json

from tests.support.commands import Locker
from tests.support.shopping import add_product


async def test_stock_and_what_is_shown(locker: Locker, url: str) -> None:
    """Set, added to, taken from and listed; hidden and shown; what can't be is one line."""
    await add_product(url, sku="TENT", stock=10)
    await add_product(url, sku="MENDING")
    assert locker("stock", "set", "TENT", "7").output == "TENT: 7\n"
    assert locker("stock", "add", "TENT", "-4").output == "TENT: 3\n"
    low = locker("stock", "low", "--json")
    assert [(each["sku"], each["stock"]) for each in map(json.loads, low.output.splitlines())] == [
        ("TENT", 3)
    ]
    assert locker("stock", "low", "--below", "3").output == ""
    for command, message in (
        (("set", "NONE", "1"), "there is no SKU NONE"),
        (("add", "MENDING", "1"), "The stock of MENDING is not counted."),
        (("low", "--after", "x"), "--after takes what the end of a list said"),
    ):
        refused = locker("stock", *command)
        assert (refused.status, refused.errors) == (1, f"Error: {message}\n")
    assert locker("stock", "set", "TENT", "-1").status == 2
    assert locker("products", "price", "TENT", "1234.50").output == "TENT: 1,234.50 USD\n"
    refused = locker("products", "price", "TENT", "1,50")
    assert (refused.status, refused.errors.count("\n")) == (1, 1)
    assert locker("products", "hide", "tent").output == "tent is hidden.\n"
    assert json.loads(locker("products", "publish", "tent", "--json").output)["published"] is True
    assert locker("products", "publish", "none").errors == "Error: there is no product none\n"
