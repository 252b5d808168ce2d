"""What the document promises to those who make clients from it."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from quart import Quart
from quart.typing import TestClientProtocol as Client

from service import create_app
from service.http.openapi import build_document
from service.http.openapi.components import Components
from tests.support.document import DOCUMENT, OPERATIONS, SETTINGS, Operation, resolve

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)


def parts(of: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every object and array of the document with the way to it."""
    yield path, of
    pairs = of.items() if isinstance(of, dict) else enumerate(of) if isinstance(of, list) else ()
    for key, part in pairs:
        yield from parts(part, *path, str(key))


def complaints(schema: dict[str, Any], example: Any) -> list[str]:
    """Return what keeps the example from fitting the schema."""
    whole = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [error.message for error in validator.iter_errors(example)]


def test_it_is_valid() -> None:
    """The document is valid OpenAPI 3.1, and one that isn't would be noticed."""
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    broken = copy.deepcopy(DOCUMENT)
    del broken["info"]["title"]
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(broken).validate()


def test_references_lead_somewhere() -> None:
    """Every reference leads to a part of the document, and no part is there for nobody."""
    references = {
        part["$ref"] for _, part in parts(DOCUMENT) if isinstance(part, dict) and "$ref" in part
    }
    for reference in references:
        assert resolve({"$ref": reference})
    for kind in ("schemas", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in references


def test_no_two_schemas_share_a_name() -> None:
    """Two classes of one name are noticed, before one hides the other in the document."""
    hue = msgspec.defstruct("HueOutput", [("degrees", int)])
    other = msgspec.defstruct("HueOutput", [("name", str)])
    components = Components()
    assert components.schema(hue) == components.schema(hue)
    with pytest.raises(ValueError, match="two schemas are named Hue"):
        components.schema(other)


def test_names_are_unique() -> None:
    """A client's method is named by its operation's id, so no two have the same."""
    names = [operation.id for operation in OPERATIONS]
    assert len(set(names)) == len(names)


@each_operation
def test_an_operation_says_what_it_does(operation: Operation) -> None:
    """Each operation has a summary in a line of its own, and a tag that is explained."""
    assert 0 < len(operation.declared["summary"]) <= 100
    assert set(operation.declared["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}


@each_operation
def test_examples_fit(operation: Operation) -> None:
    """Every example is what its schema allows: requests, answers, problems, parameters."""
    messages = [
        operation.declared.get("requestBody", {}),
        *operation.declared["responses"].values(),
    ]
    for message in map(resolve, messages):
        for media in message.get("content", {}).values():
            named = [each["value"] for each in media.get("examples", {}).values()]
            examples = [media["example"]] if "example" in media else named
            assert examples
            for example in examples:
                assert complaints(media["schema"], example) == []
    for parameter in operation.declared["parameters"]:
        if "example" in parameter:
            assert complaints(parameter["schema"], parameter["example"]) == []


@each_operation
def test_values_have_limits(operation: Operation) -> None:
    """Every text a client may send has a length limit, every number bounds.

    Headers are bounded together, by the server.
    """
    taken = [
        (each["name"], each["schema"])
        for place in ("path", "query")
        for each in operation.parameters(place)
    ]
    if operation.schema:
        taken += operation.schema["properties"].items()
    limits = {"string": {"maxLength"}, "integer": {"minimum", "maximum"}}
    for name, schema in taken:
        for part in [schema, *schema.get("anyOf", [])]:
            if part.keys().isdisjoint({"enum", "const", "format"}):
                assert limits.get(part.get("type"), set()) <= part.keys(), name


@each_operation
def test_it_names_the_errors_that_follow_from_what_it_is(operation: Operation) -> None:
    """What every route may answer is said of each: hosts, tokens, bodies, other sites."""
    assert {"malformed", "bad_host"} <= set(operation.codes(400))
    if operation.for_operators:
        # Beside the one that everyone else gets there may be one of what isn't there.
        assert operation.codes(404)[0] == "not_found"
        assert operation.declared["security"] == [{"token": []}]
    elif operation.template.startswith("/api/"):
        assert "unauthenticated" in operation.codes(401)
    if operation.template.startswith("/api/"):
        assert {"busy", "unavailable"} <= set(operation.codes(503))
    if operation.method not in {"GET", "HEAD"} and not operation.for_operators:
        assert "cross_site" in operation.codes(403)
    if operation.parameters("path"):
        assert operation.codes(404)
    if operation.schema:
        assert operation.declared["requestBody"]["required"]
        assert operation.codes(413) == ["too_large"]
        assert operation.codes(415) == ["unsupported_media_type"]
        assert operation.schema["additionalProperties"] is False
    if operation.schema or operation.parameters("query"):
        assert "invalid" in operation.codes(422)


def test_links_lead_to_operations() -> None:
    """A link names an operation and its parameters, and where the cart comes from is known."""
    by_name = {operation.id: operation for operation in OPERATIONS}
    linked = set()
    for operation in OPERATIONS:
        for answer in operation.declared["responses"].values():
            for link in answer.get("links", {}).values():
                target = by_name[link["operationId"]]
                taken = {each["name"] for each in target.declared["parameters"]}
                assert link.get("parameters", {}).keys() <= taken
                linked.add((operation.id, target.id))
    assert {
        ("list_products", "show_product"),
        ("list_products", "add_to_cart"),
        ("add_to_cart", "set_quantity"),
        ("add_to_cart", "remove_from_cart"),
    } <= linked


def test_it_is_one_document_everywhere() -> None:
    """A client made from a development server's is the one made from production's."""
    production = dataclasses.replace(SETTINGS, environment="production", secure_cookies=True)
    assert build_document(create_app(production)) == DOCUMENT


def test_ids_say_the_deed() -> None:
    """`add_to_cart` and not `post_line`: the method is there already, and clients read the id."""
    methods = ("get_", "post_", "put_", "patch_", "head_", "options_")
    for operation in OPERATIONS:
        assert re.fullmatch("[a-z]+(_[a-z]+)*", operation.id), operation.id
        assert not operation.id.startswith(methods), operation.id
        # What is shown or listed is read, and nothing else is.
        reads = operation.id.startswith(
            ("show_", "list_", "check_", "export_", "search_", "suggest_")
        )
        assert reads == (operation.method == "GET"), operation.id


def test_no_value_is_named_twice() -> None:
    """A list of values or codes has each once, and the schemas of choices are shared."""
    inline = []
    for path, part in parts(DOCUMENT):
        values = part.get("enum") if isinstance(part, dict) else None
        if isinstance(values, list):
            assert len(set(values)) == len(values), path
            inline.append((path, values))
    # A choice that two schemas have is one of its own name. What problems narrow isn't a choice.
    choices = [
        tuple(values)
        for path, values in inline
        if not any(step.endswith("Problem") for step in path)
    ]
    assert len(set(choices)) == len(choices)


def test_no_object_has_a_default() -> None:
    """A field that refers to an object has no default: generators leave out what has one."""
    named = parts(DOCUMENT["components"]["schemas"])
    values = {path: part for path, part in named if path and path[-1] == "default"}
    assert values
    assert [path for path, value in values.items() if isinstance(value, dict)] == []


def test_guests_need_no_credentials() -> None:
    """What guests may do asks for none: clients are made that take any as needed."""
    for operation in OPERATIONS:
        guests = "guest" in operation.declared["description"] or operation.id.startswith("check_")
        assert (operation.declared["security"] == []) == guests, operation.id


async def test_it_is_served(client: Client) -> None:
    """The document is served with a tag, and not again to those who have it."""
    response = await client.get("/openapi.json")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert (await response.get_json()).keys() == DOCUMENT.keys()
    again = await client.get("/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    assert await again.get_data() == b""


async def test_it_is_made_once(app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request makes nothing, so the document can't be used to keep us busy."""
    client = app.test_client()
    first = await client.get("/openapi.json")
    monkeypatch.setattr("service.http.openapi.api.build_document", None)
    second = await client.get("/openapi.json")
    assert await second.get_data() == await first.get_data()
