"""What is answered is what the document says, to the last field and header."""

from __future__ import annotations

import copy
from typing import Any, cast

import httpx
import jsonschema_rs
from quart import Quart

from tests.support.document import DOCUMENT, OPERATIONS, resolve
from tests.support.shopping import API, Product, register
from tests.support.visits import BY_ID, ENTRANCES, VISITS, Visit, for_each

SOMETIMES = {"Idempotent-Replayed"}
"""Headers that an answer has or not."""


def closed(part: Any) -> Any:
    """Return the schema without room for fields that it doesn't name."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if isinstance(part, dict):
        part = {name: closed(each) for name, each in part.items()}
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    return part


SCHEMAS = closed(copy.deepcopy(DOCUMENT["components"]["schemas"]))


@for_each([*VISITS, *ENTRANCES])
async def test_an_answer_is_as_documented(
    visit: Visit, who: str, app: Quart, product: Product
) -> None:
    """Status, media type, headers and every field of the body are what the document names."""
    client = app.test_client()
    if who == "signed in":
        await register(client)
    response = await client.open(**await visit.request(client, product))
    declared = BY_ID[visit.operation].declared["responses"]
    assert str(response.status_code) in declared
    answer = resolve(declared[str(response.status_code)])
    for name in answer["headers"].keys() - SOMETIMES:
        assert name in response.headers
    if "content" not in answer:
        assert await response.get_data() == b""
        return
    (media,) = answer["content"]
    assert response.content_type == media
    schema = {**answer["content"][media]["schema"], "components": {"schemas": SCHEMAS}}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    assert [error.message for error in validator.iter_errors(await response.get_json())] == []


def test_every_answer_has_its_requests_id() -> None:
    """The document says of each answer, errors included, that it has `X-Request-Id`."""
    without = [
        (operation.id, status)
        for operation in OPERATIONS
        for status, answer in operation.declared["responses"].items()
        if "X-Request-Id" not in resolve(answer)["headers"]
    ]
    assert without == []


async def test_no_content_has_no_length(app: Quart) -> None:
    """A 204 has neither `Content-Length` nor `Content-Type` (RFC 9110, 8.6)."""
    # Not Quart's own client, which adds both.
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.delete(f"{API}/session")
    assert response.status_code == 204
    assert response.headers.keys().isdisjoint({"content-length", "content-type"})
