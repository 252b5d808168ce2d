"""The document: every route that declares itself, in OpenAPI 3.1."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import metadata
from typing import Any

from quart import Quart
from quart_schema import APIKeySecurityScheme, HttpSecurityScheme, Info, QuartSchema, Server, Tag
from quart_schema.openapi import Contact, License, OpenAPIProvider
from werkzeug.routing import Rule

from service.http.endpoints import Caller, Operation, Output

from . import texts
from .components import Components
from .links import add_links
from .problems import errors_of, is_api, problem_responses


def build_document(app: Quart) -> dict[str, Any]:
    """Return the document of the app's routes, the same whatever its settings."""
    about = metadata("locker")
    frame = QuartSchema(
        info=Info(
            title="Locker",
            version=about["Version"],
            summary=about["Summary"],
            description=texts.DESCRIPTION,
            contact=Contact(name=about["Author"]),
            license=License(name="MIT License", identifier=about["License-Expression"]),
        ),
        tags=[Tag(name, description) for name, description in texts.TAGS.items()],
        servers=[Server(url="/")],
        security_schemes={
            "session": APIKeySecurityScheme(
                # Without TLS the cookie is called `session`. No client sets it: a log in does.
                in_="cookie",
                name="__Host-session",
            ),
            "token": HttpSecurityScheme(scheme="bearer"),
        },
    )
    # The frame's `init_app` isn't called: it would put a conversion around every response.
    return _Provider(app, frame).schema()


class _Provider(OpenAPIProvider):
    """quart-schema's frame of a document, filled from what `operation` noted."""

    def __init__(self, app: Quart, extension: QuartSchema) -> None:
        super().__init__(app, extension)
        self._components = Components()

    def schema(self) -> dict[str, Any]:
        document = super().schema()
        for part in ("contact", "license"):
            document["info"][part] = document["info"][part].schema()
        add_links(document["paths"], self._components)
        document["components"] |= self._components.shown()
        return document

    def generate_rules(self) -> Iterator[Rule]:
        views = self._app.view_functions
        rules = self._app.url_map.iter_rules()
        return (rule for rule in rules if hasattr(views[rule.endpoint], "operation"))

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        path = re.sub(r"<(?:[^:>]*:)?([^>]+)>", r"{\1}", rule.rule)
        methods = self.generate_methods(rule)
        return {path: {method.lower(): self._operation(rule, method) for method in methods}}, {}

    def _operation(self, rule: Rule, method: str) -> dict[str, Any]:
        view: Any = self._app.view_functions[rule.endpoint]
        declared: Operation = view.operation
        summary, _, description = (inspect.getdoc(view) or "").partition("\n")
        shown = {
            "operationId": view.__name__,
            "tags": [_tag(rule, declared)],
            "summary": summary.removesuffix("."),
            "description": f"{description.strip()}\n\n{_who(rule, declared)}".strip(),
            "security": list(_security(declared)),
            "parameters": [*self._parameters(rule, declared)],
            "responses": {
                **{
                    str(status): self._answer(status, model, _headers(declared))
                    for status, model in declared.answers.items()
                },
                **problem_responses(errors_of(rule, method, declared), self._components),
            },
        }
        if declared.body:
            shown["requestBody"] = {
                "required": True,
                "content": self._components.content(declared.body),
            }
        return shown

    def _parameters(self, rule: Rule, declared: Operation) -> Iterator[dict[str, Any]]:
        for name in sorted(rule.arguments):
            described = texts.PATH_PARAMETERS.get(name, texts.ID)
            yield {"name": name, "in": "path", "required": True, **described}
        if declared.query:
            # The query's fields are shown as parameters, so its class needs no place of its own.
            apart = Components()
            model = apart.resolve(apart.schema(declared.query))
            for name, schema in model["properties"].items():
                yield {
                    "name": name,
                    "in": "query",
                    "required": name in model["required"],
                    "schema": schema,
                }
        for name, description in declared.headers.items():
            yield {
                "name": name,
                "in": "header",
                "description": description,
                "schema": texts.HEADERS_TAKEN[name],
            }

    def _answer(
        self, status: int, model: type[Output] | None, headers: tuple[str, ...]
    ) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "description": HTTPStatus(status).phrase,
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        }
        if model is not None:
            shown["content"] = self._components.content(model)
        return shown


def _security(declared: Operation) -> Iterator[dict[str, list[str]]]:
    """Yield the ways to log in that it needs one of.

    What guests may do needs none. That it can be done with one too is a matter of words: clients
    are made that ask for credentials wherever any are named, though none will do as well.
    """
    if declared.caller is Caller.SIGNED_IN:
        yield {"session": []}
    if declared.caller is Caller.OPERATOR or (
        declared.caller is Caller.SIGNED_IN and declared.tokens
    ):
        yield {"token": []}


def _tag(rule: Rule, declared: Operation) -> str:
    """Return what it is found under: its feature, and for operators all in one place."""
    return "operators" if declared.caller is Caller.OPERATOR else rule.endpoint.partition(".")[0]


def _who(rule: Rule, declared: Operation) -> str:
    """Return the sentence on who may do it."""
    if not is_api(rule):
        return ""
    but = "" if declared.tokens else ", but not by a token"
    return f"For {declared.caller.value}{but}."


def _headers(declared: Operation) -> tuple[str, ...]:
    """Return the headers that an answer may have."""
    replayed = ("Idempotent-Replayed",) if "Idempotency-Key" in declared.headers else ()
    return ("X-Request-Id", *declared.sends, *replayed)
