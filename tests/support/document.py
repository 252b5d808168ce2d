"""The API as its own document describes it, for the tests that sweep over every operation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from quart import Quart

from service import create_app
from service.http.openapi import build_document
from service.settings import Settings
from tests.support.keys import KEY

SETTINGS = Settings(
    environment="development",
    database_url="postgresql://nobody@localhost/nothing",
    secret_key=KEY,
    allowed_hosts=("localhost",),
    secure_cookies=False,
    metrics="main",
    docs=True,
    admin_pages=True,
)


def app() -> Quart:
    """The service, not started: its routes are all there, its database isn't."""
    return create_app(SETTINGS)


DOCUMENT = build_document(app())


def resolve(part: dict[str, Any]) -> dict[str, Any]:
    """Return what the part refers to, or itself."""
    while "$ref" in part:
        found: Any = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


@dataclass(frozen=True)
class Operation:
    """One operation of the document, with its examples as a request that could be sent."""

    method: str
    template: str
    declared: dict[str, Any]

    @property
    def id(self) -> str:
        name: str = self.declared["operationId"]
        return name

    @property
    def for_operators(self) -> bool:
        """Whether it is there for operators alone."""
        return "operators" in self.declared["tags"]

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema of the body, if it takes one."""
        body = self.declared.get("requestBody")
        return resolve(body["content"]["application/json"]["schema"]) if body else None

    @property
    def body(self) -> Any:
        """The example of the body."""
        return self.declared["requestBody"]["content"]["application/json"]["example"]

    def parameters(self, place: str) -> list[dict[str, Any]]:
        return [each for each in self.declared["parameters"] if each["in"] == place]

    def path(self, **values: str) -> str:
        """Return the path, percent-encoded, with other values than the examples where given."""
        path = self.template
        for parameter in self.parameters("path"):
            name = parameter["name"]
            value = values.get(name, quote(parameter["example"], safe=""))
            path = path.replace(f"{{{name}}}", value)
        return path

    def codes(self, status: int) -> list[str]:
        """Return the codes that the document names for a status."""
        response = resolve(self.declared["responses"].get(str(status), {}))
        problem = response.get("content", {}).get("application/problem+json", {})
        return list(problem.get("examples", ()))


def _operations() -> Iterator[Operation]:
    for template, methods in DOCUMENT["paths"].items():
        for method, declared in methods.items():
            yield Operation(method.upper(), template, declared)


OPERATIONS = list(_operations())
