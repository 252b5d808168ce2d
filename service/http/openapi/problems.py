"""The errors of a route: those its view declares, and those that follow from what it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from werkzeug.routing import Rule

from service.errors import (
    BadHost,
    Busy,
    CrossSite,
    Forbidden,
    Invalid,
    LockerError,
    Malformed,
    NotFound,
    PreconditionUnsupported,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from service.http.endpoints import Caller, Operation
from service.http.problems import Problem, problem_type
from service.http.requests import SAFE_METHODS

from .components import Components

RETRYABLE = (429, 503)
CHECKED_HEADERS = {"Idempotency-Key", "Locker-Cart"}
"""Those that are refused where they aren't well-formed; the others are ignored then."""


def is_api(rule: Rule) -> bool:
    """Return whether callers are told apart here, which probes are not."""
    return rule.rule.startswith("/api/")


def errors_of(rule: Rule, method: str, declared: Operation) -> set[type[LockerError]]:
    """Return every error that the route may answer with, short of faults of our own."""
    errors: set[type[LockerError]] = {Malformed, BadHost, *declared.errors}
    if method not in SAFE_METHODS:
        errors |= {CrossSite, PreconditionUnsupported}
    if rule.arguments:
        errors |= {NotFound}
    if declared.query or declared.headers.keys() & CHECKED_HEADERS:
        errors |= {Invalid}
    if declared.body:
        errors |= {TooLarge, UnsupportedMediaType, Invalid}
    if is_api(rule):
        errors |= {Busy, Unavailable}
    if declared.caller is Caller.OPERATOR:
        # To anyone else it isn't there, and no browser sends a token on its own.
        errors = (errors | {NotFound}) - {CrossSite}
    elif is_api(rule):
        # A token may be invalid or lack the scope, and finding out takes the database.
        errors |= {Unauthenticated, Forbidden}
    return errors


def problem_responses(
    errors: Iterable[type[LockerError]], components: Components
) -> dict[str, Any]:
    """Return the responses for these errors, by status."""
    by_status = defaultdict(list)
    # Several errors may have one code; the class that they have in common stands for them.
    kinds = sorted(errors, key=lambda error: (-len(error.__mro__), error.__name__))
    by_code = {error.code: error for error in kinds}
    for error in sorted(by_code.values(), key=lambda error: (error.status, error.code)):
        by_status[error.status].append(error)
    return {
        str(status): components.response(
            "-".join(error.code for error in same), partial(_response, same, components)
        )
        for status, same in by_status.items()
    }


def _response(errors: list[type[LockerError]], components: Components) -> dict[str, Any]:
    """Return the response for errors of one status."""
    status = errors[0].status
    headers = ["X-Request-Id"]
    if status in RETRYABLE:
        headers.append("Retry-After")
    if Unauthenticated in errors:
        headers.append("WWW-Authenticate")
    extra = {name: kind for error in errors for name, kind in error.extra.items()}
    properties = {
        # The type is repeated, and no const used, so that generators can merge this schema with
        # the base's integer.
        "status": {"type": "integer", "enum": [status]},
        "code": {"type": "string", "enum": [error.code for error in errors]},
        **{name: components.schema(kind) for name, kind in extra.items()},
    }
    always = {"status", "code"}.union(set.intersection(*(set(error.extra) for error in errors)))
    # The schema has a name, so that a generated client has one class for the same errors of two
    # operations.
    words = "_".join(error.code for error in errors).split("_")
    schema = components.named(
        "".join(word.capitalize() for word in [*words, "problem"]),
        {
            "allOf": [
                components.schema(Problem),
                {"type": "object", "properties": properties, "required": sorted(always)},
            ]
        },
    )
    return {
        "description": " · ".join(f"`{error.code}`: {error.title}." for error in errors),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {
            "application/problem+json": {
                "schema": schema,
                "examples": {
                    error.code: {"summary": error.title, "value": _example(error, components)}
                    for error in errors
                },
            }
        },
    }


def _example(error: type[LockerError], components: Components) -> dict[str, Any]:
    shown = components.example(components.schema(Problem))
    return {
        **shown,
        "type": problem_type(error.code),
        "title": error.title,
        "status": error.status,
        "detail": error.title,
        "code": error.code,
        **{
            name: components.example(components.schema(kind), name)
            for name, kind in error.extra.items()
        },
    }
