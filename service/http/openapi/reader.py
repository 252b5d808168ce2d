"""The document as a person reads it: operations by tag, each reference looked up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body; ``place`` is where it goes: path, query, header, body."""

    name: str
    place: str
    kind: str
    required: bool
    description: str
    example: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer by its status; ``example`` is JSON, or empty where there is no body."""

    status: str
    description: str
    example: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One operation. ``body`` is an example in JSON, to begin with, or None where it takes none."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    callers: str
    fields: tuple[Field, ...]
    body: str | None
    answers: tuple[Answer, ...]
    errors: tuple[Answer, ...]


def read_document(document: dict[str, Any]) -> list[tuple[str, str, list[Reading]]]:
    """Return each tag with its description and operations, in the document's order."""
    readings: dict[str, list[Reading]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            readings[operation["tags"][0]].append(_read(document, method, path, operation))
    return [
        (tag["name"], tag["description"], readings[tag["name"]])
        for tag in document["tags"]
        if readings[tag["name"]]
    ]


def _read(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Reading:
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    answers = [
        Answer(status, shown["description"], _example(shown))
        for status, response in operation["responses"].items()
        for shown in (_resolve(document, response),)
    ]
    return Reading(
        operation["operationId"],
        method.upper(),
        path,
        operation["summary"],
        operation["description"],
        _callers(operation["security"]),
        (
            *(_parameter(document, each) for each in operation["parameters"]),
            *(_fields(document, content["schema"]) if content else ()),
        ),
        _json(content.get("example", {})) if content else None,
        tuple(answer for answer in answers if answer.status < "400"),
        tuple(answer for answer in answers if answer.status >= "400"),
    )


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference, which is always to a component, stands for."""
    while "$ref" in schema:
        _, _, kind, name = schema["$ref"].split("/")
        schema = document["components"][kind][name]
    if "allOf" in schema and "default" in schema:
        # The field is one of the shared choices, and has a default of its own.
        schema = {**_resolve(document, schema["allOf"][0]), "default": schema["default"]}
    return schema


def _parameter(document: dict[str, Any], parameter: dict[str, Any]) -> Field:
    schema = _resolve(document, parameter["schema"])
    example = parameter.get("example", schema.get("default", ""))
    return Field(
        parameter["name"],
        parameter["in"],
        _kind(document, schema),
        parameter.get("required", False),
        parameter.get("description", schema.get("description", "")),
        "" if example is None else str(example),
    )


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[Field]:
    model = _resolve(document, schema)
    for name, each in model.get("properties", {}).items():
        shown = _resolve(document, each)
        yield Field(
            name,
            "body",
            _kind(document, shown),
            name in model.get("required", ()),
            each.get("description", shown.get("description", "")),
            "",
        )


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """Return what a value may be, in a few words."""
    schema = _resolve(document, schema)
    if either := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_kind(document, each) for each in either)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values:
        return " or ".join(map(json.dumps, values))
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    kind = schema.get("format") or schema.get("title") or schema.get("type", "anything")
    unit = " characters" if kind == "string" else ""
    least = schema.get("minimum", schema.get("minLength"))
    most = schema.get("maximum", schema.get("maxLength"))
    if most is None:
        return str(kind) if least is None else f"{kind} from {least}{unit}"
    return f"{kind} of {least or 0} to {most}{unit}"


def _callers(security: list[dict[str, list[str]]]) -> str:
    """Return who may call it."""
    names = {"session": "signed in", "token": "with a token"}
    ways = [
        "guest" if not each else names.get(next(iter(each)), next(iter(each))) for each in security
    ]
    return ", ".join(dict.fromkeys(ways)) or "anyone"


def _example(response: dict[str, Any]) -> str:
    for content in response.get("content", {}).values():
        if "example" in content:
            return _json(content["example"])
    return ""


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
