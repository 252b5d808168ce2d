"""What holds for every route, whoever adds it."""

from __future__ import annotations

import pytest

from service.http.endpoints import Caller
from service.http.operators import AREA
from tests.support.document import DOCUMENT, OPERATIONS, app

OUTSIDE = {"/static/<path:filename>", "/openapi.json", "/docs", "/docs/http-api.md", "/metrics"}
"""Routes that aren't part of the API: files, and the document itself."""


def test_every_route_declares_who_may_call_it() -> None:
    """Each route declares who may call it, the API's with `operation`, pages with `page`."""
    service = app()
    for rule in service.url_map.iter_rules():
        view = service.view_functions[rule.endpoint]
        if rule.rule in OUTSIDE:
            continue
        if hasattr(view, "page"):
            assert not rule.rule.startswith("/api/"), rule
            assert isinstance(view.page, Caller)
        else:
            assert hasattr(view, "operation"), rule
            assert isinstance(view.operation.caller, Caller)


def test_every_route_is_in_the_document() -> None:
    """As many routes and methods declare themselves as the document has operations."""
    service = app()
    declared = [
        method
        for rule in service.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if hasattr(service.view_functions[rule.endpoint], "operation")
    ]
    assert len(declared) == len(OPERATIONS)
    assert DOCUMENT["paths"].keys() >= {operation.template for operation in OPERATIONS}


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
async def test_an_unknown_path_is_404_for_everyone(method: str) -> None:
    """An unknown path is 404, also with a host that would be refused elsewhere."""
    client = app().test_client()
    headers = {"Host": "evil.example"}
    response = await client.open("/api/v1/nothing", method=method, headers=headers, json=None)
    assert response.status_code == 404
    assert (await response.get_json())["code"] == "not_found"


def test_what_is_for_operators_is_in_their_part() -> None:
    """What only operators may call is below `/api/v1/admin/`, and so is nothing else."""
    for operation in OPERATIONS:
        assert operation.template.startswith(AREA) == operation.for_operators, operation.id
    assert any(operation.for_operators for operation in OPERATIONS)


async def test_another_method_is_405() -> None:
    """A method that a path doesn't have is 405, and `Allow` names the ones there are."""
    client = app().test_client()
    for template, methods in DOCUMENT["paths"].items():
        operation = next(each for each in OPERATIONS if each.template == template)
        if operation.for_operators:
            continue
        response = await client.open(operation.path(), method="TRACE", json=None)
        assert response.status_code == 405, template
        assert (await response.get_json())["code"] == "method_not_allowed"
        allowed = set(response.headers["Allow"].split(", "))
        assert allowed - {"HEAD", "OPTIONS"} == {method.upper() for method in methods}
