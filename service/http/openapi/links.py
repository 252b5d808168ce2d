"""Links: which answer or request names what a path of another operation asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .components import Components


def add_links(paths: dict[str, Any], components: Components) -> None:
    """Link each collection to what is below it: `/products` to `/products/{handle}`.

    Where the collection's operation asks for or answers with a field of the parameter's name,
    which for `login_id` is `id`.
    Beyond that rule: what is listed can be put in the cart.
    """
    listed = paths["/api/v1/products"]["get"]["responses"]["200"]
    listed["links"] = {
        "add_to_cart": {
            "operationId": "add_to_cart",
            "requestBody": {"sku": "$response.body#/products/0/variants/0/sku", "quantity": 1},
        }
    }
    for target_path, targets in paths.items():
        collection, slash, rest = target_path.partition("/{")
        if not slash or collection not in paths:
            continue
        parameter = rest.partition("}")[0]
        for source in paths[collection].values():
            field = parameter.rpartition("_")[2]
            for answer, value in _mentions(source, field, components):
                for target in targets.values():
                    answer.setdefault("links", {})[target["operationId"]] = {
                        "operationId": target["operationId"],
                        "parameters": {parameter: value},
                    }


def _mentions(
    operation: dict[str, Any], name: str, components: Components
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each answer of the operation with the expression for where the name stands."""
    asked = components.resolve(_schema(operation.get("requestBody", {})))
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            continue
        answered = components.resolve(_schema(answer)).get("properties", {})
        if name in asked.get("properties", {}):
            yield answer, f"$request.body#/{name}"
        elif name in answered:
            yield answer, f"$response.body#/{name}"
        else:
            for field, schema in answered.items():
                items = components.resolve(schema.get("items", {}))
                if name in items.get("properties", {}):
                    yield answer, f"$response.body#/{field}/0/{name}"


def _schema(message: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = (
        message.get("content", {}).get("application/json", {}).get("schema", {})
    )
    return schema
