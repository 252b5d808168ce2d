"""What several routes of the document have in common, described once and referred to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from . import texts

_SUFFIX = re.compile(r'(?<=[a-z])Output(?=")')


class Components:
    """The document's ``components``, filled as they are asked for."""

    def __init__(self) -> None:
        self._schemas: dict[str, Any] = {}
        self._responses: dict[str, Any] = {}

    def shown(self) -> dict[str, Any]:
        return {
            "schemas": dict(sorted(self._schemas.items())),
            "responses": dict(sorted(self._responses.items())),
            "headers": {
                name: {"description": description, "schema": schema}
                for name, (description, schema) in texts.SENT_HEADERS.items()
            },
        }

    def schema(self, model: Any) -> dict[str, Any]:
        """Return the schema of a type; that of a class is a reference.

        Clients know a `Cart`, not a `CartOutput`, so the names lose that. Any other type with a
        title, such as a choice that several classes have, is one of that name. Raises
        `ValueError` when two would share a name.
        """
        generated = msgspec.json.schema_components(
            [model], ref_template="#/components/schemas/{name}"
        )
        text = _SUFFIX.sub("", msgspec.json.encode(generated).decode())
        (schema,), schemas = msgspec.json.decode(text)
        for name, described in schemas.items():
            parts = {key: part for key, part in described.items() if key != "title"}
            self.named(name, {"title": name, **self._by_name(parts)})
        return dict(self._by_name(schema))

    def named(self, name: str, schema: dict[str, Any]) -> dict[str, str]:
        """Return a reference to the schema, which has this name from now on."""
        if self._schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two schemas are named {name}")
        return {"$ref": f"#/components/schemas/{name}"}

    def _by_name(self, schema: Any) -> Any:
        """Return the schema with a reference in place of each part that has a title."""
        if isinstance(schema, list):
            return [self._by_name(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        named = {
            key: part if key in ("example", "examples", "default") else self._by_name(part)
            for key, part in schema.items()
        }
        if not isinstance(title := named.get("title"), str):
            return named
        default = {"default": named.pop("default")} if "default" in named else {}
        reference = self.named(title, named)
        if default == {"default": {}}:
            # That nothing is the default needs no words, and generators have none for an object.
            return reference
        # Beside a reference, generators overlook what else there is.
        return {"allOf": [reference], **default} if default else reference

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return what a schema refers to, or the schema itself."""
        name = schema.get("$ref", "").rpartition("/")[2]
        return dict(self._schemas[name]) if name else schema

    def response(self, name: str, build: Callable[[], dict[str, Any]]) -> dict[str, str]:
        """Return a reference to the response of this name, which is built the first time."""
        if name not in self._responses:
            self._responses[name] = build()
        return {"$ref": f"#/components/responses/{name}"}

    def content(self, model: Any) -> dict[str, Any]:
        """Return a body in JSON, with an example."""
        schema = self.schema(model)
        return {"application/json": {"schema": schema, "example": self.example(schema)}}

    def example(self, schema: dict[str, Any], name: str = "") -> Any:
        """Return an example that fits the schema of the field ``name``.

        The schema's own if it has one; else what `texts.EXAMPLES` knows for a field of this
        name, so that one product and one shopper go through the whole document.
        """
        value: Any = name
        match self.resolve(schema):
            case {"examples": [first, *_]}:
                value = first
            case {"anyOf": [first, *_]}:
                # A line's `image` is an address, a variant's is an object.
                value = self.example(first, "" if "$ref" in first else name)
            case _ if name in texts.EXAMPLES:
                value = texts.EXAMPLES[name]
            case {"default": first} | {"const": first} | {"enum": [first, *_]}:
                value = first
            case {"properties": fields}:
                value = {
                    field: self.example(each, field)
                    for field, each in fields.items()
                    # One that is sent instead of another is no part of an example that has that.
                    if "x-instead-of" not in each
                }
            case {"items": each}:
                value = [self.example(each, name)]
            case {"minimum": least}:
                value = least
            case {"format": "date-time"}:
                value = texts.MOMENT
            case {"type": kind}:
                value = {"object": {}, "boolean": True, "integer": 1}.get(kind, name)
        return value
