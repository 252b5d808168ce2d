"""What may be read from a standby."""

from __future__ import annotations

import ast

from tests.support.source import MODULES

PUBLIC = {"find_near", "select_facets", "select_products", "select_types", "suggest"}
"""Lists, searches and product types: the same for everybody, and nothing is decided on them."""


def test_nothing_else_is_read_from_the_standby() -> None:
    """Carts, orders, log ins, a product with its stock and the operators' lists never are."""
    asked = {
        ast.unparse(node.args[0]).rpartition(".")[2]
        for tree in MODULES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "read_public"
    }
    assert asked == PUBLIC
