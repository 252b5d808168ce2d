"""The contract that holds how packages are entered."""

from __future__ import annotations

import grimp
import pytest

from tests.conventions.doors import DoorsContract

OPTIONS = {
    "container": "shop",
    "web": ["api", "*_pages", "session"],
    "offered": ["session"],
    "wiring": ["app"],
    "open": ["http"],
}


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("shop.orders.actions", "shop.carts", True),
        ("shop.orders.actions", "shop.orders.queries", True),
        ("shop.orders.actions", "shop.carts.queries", False),
        ("shop.orders.actions", "shop.carts.session", False),
        ("shop.orders.api", "shop.carts.session", True),
        ("shop.orders.more_pages", "shop.carts.session", True),
        ("shop.orders.api", "shop.carts.api", False),
        ("shop.orders.api", "shop.carts.model", False),
        ("shop.app", "shop.carts.api", True),
        ("shop.app", "shop.carts.queries", False),
        ("shop.carts.queries", "shop.http.requests", True),
        ("shop.carts.api", "elsewhere.carts.api", True),
    ],
)
def test_a_package_is_entered_by_its_doors(importer: str, imported: str, *, kept: bool) -> None:
    """A package is entered by its `__init__`, or from web side to web side by what it offers."""
    graph = grimp.ImportGraph()
    graph.add_import(importer=importer, imported=imported)
    contract = DoorsContract("doors", {}, OPTIONS)
    assert contract.check(graph, verbose=False).kept is kept
