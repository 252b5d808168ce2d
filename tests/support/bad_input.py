"""Every request that must be refused, made from the document: bad bodies, queries and paths."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service.http.checks import PROBED
from tests.support.document import Operation, resolve

UNKNOWN = (401, "unauthenticated")
MALFORMED = (400, "malformed")
INVALID = (422, "invalid")
JSON = {"Content-Type": "application/json"}

NOT_JSON = {
    "nothing": b"",
    "cut short": b"{",
    "two values": b"{}{}",
    "NaN": b"NaN",
    "a byte order mark and nothing": b"\xef\xbb\xbf",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "a byte order mark within": b"{\xef\xbb\xbf}",
    "a byte order mark after": b"{}\xef\xbb\xbf",
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "invalid UTF-8": b'{"\xff": 1}',
    "a surrogate in UTF-8": b'{"\xed\xa0\x80": 1}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a lone surrogate": b'{"\\ud800": 1}',
    "NUL in a name": b'{"\\u0000": 1}',
    "NUL itself": b'{"a": "\x00"}',
    "nested 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "an object nested 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "nested beyond the limit": b"[" * 40 + b"]" * 40,
}
NOT_AN_OBJECT = (b"null", b"[]", b"[{}]", b'"text"', b"1", b"true")
OTHER_MEDIA = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonp",
    "nonsense",
    "",
)
OTHER_HOSTS = (
    *("evil.example", "localhost.evil.example", "evil.example:80", "", "[", "a b", ":"),
    *(".", "a..b", "a" * 64, "localhost:99999", "xn--\x80"),
)
NOT_INTEGERS: tuple[Any, ...] = (
    "1",
    1.5,
    1.0,
    True,
    False,
    None,
    [],
    {},
    float("nan"),
    float("inf"),
)
TOO_LARGE = (2**31, -(2**31) - 1, 2**63, 2**64, 10**30, -(10**30))
UNKNOWN_TOKENS = tuple(f"locker_{scope}_{'A' * 32}" for scope in ("r", "w", "rw", "a", "rwa"))
"""Well-formed, so that only the database knows that nobody was given them."""
UNKNOWN_CART = f"locker_cart_{'A' * 43}"
ATTEMPTS = {"log_in", "register"}
ANY_TEXT = {"handle", "sku"}
NOT_TEXTS: tuple[Any, ...] = (1, True, [], {})
NOT_OBJECTS: tuple[Any, ...] = ("x", 1, True, [], [{}])
NOT_BOOLEANS: tuple[Any, ...] = (0, 1, "true", [], {})


@dataclass(frozen=True)
class Bad:
    """A request that must be refused, and with what: status and code."""

    what: str
    expected: set[tuple[int, str]]
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))


def bad_requests(operation: Operation) -> Iterator[Bad]:
    """Yield every bad request there is to this operation."""
    yield from _bad_anywhere(operation)
    yield from _bad_paths(operation)
    yield from _bad_queries(operation)
    yield from _bad_headers(operation)
    if operation.schema:
        yield from _bad_bodies(operation)
        for name, schema in operation.schema["properties"].items():
            yield from _bad_fields(operation, name, schema)


def _bad_anywhere(operation: Operation) -> Iterator[Bad]:
    path, body = operation.path(), _example(operation)
    yield Bad("NUL in the query", {MALFORMED}, f"{path}?nothing=%00", body)
    for host in () if operation.template in PROBED else OTHER_HOSTS:
        yield Bad(f"host {host!r}", {(400, "bad_host")}, path, body, {**JSON, "Host": host})
    if operation.for_operators:
        # Another site's page has no token, and a wrong token is 404 whatever else there is.
        return
    if operation.method != "GET":
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
        ):
            yield Bad(f"{headers}", {(403, "cross_site")}, path, body, {**JSON, **headers})
    if operation.template.startswith("/api/"):
        for token in ("", "x", "\xff", "a b", "x" * 5000, *UNKNOWN_TOKENS):
            headers = {**JSON, "Authorization": f"Bearer {token}"}
            yield Bad(f"token {token[:12]!r}", {(401, "unauthenticated")}, path, body, headers)


def _bad_paths(operation: Operation) -> Iterator[Bad]:
    body = _example(operation)
    for parameter in operation.parameters("path"):
        name = parameter["name"]
        missing = {(404, code) for code in operation.codes(404)} | {MALFORMED, *_first(operation)}
        for value in ("a%00b", "%00"):
            # One that may be any text is read as such; for the others it is no such path.
            expected = {MALFORMED} if name in ANY_TEXT else missing
            yield Bad(f"NUL in {name}", expected, operation.path(**{name: value}), body)
        for value in ("%FF", "%ED%A0%80", "%FF%FE", "x" * 5000, "%0A", "%F0%9F%94%92", "%E2%80%AE"):
            yield Bad(f"{name} {value[:9]}", missing, operation.path(**{name: value}), body)


def _bad_headers(operation: Operation) -> Iterator[Bad]:
    for parameter in operation.parameters("header"):
        if "pattern" in parameter["schema"]:
            by_token = parameter["name"] == "Locker-Cart"
            # Nobody knows a cart of this token; to try it with a name and password is an attempt,
            # and counted.
            unknown = (UNKNOWN_CART,) if by_token and operation.id not in ATTEMPTS else ()
            for value in ("", "a b", "\xe9", "x" * 256, *unknown):
                headers = {**JSON, parameter["name"]: value}
                what = f"{parameter['name']}: {value[:9]!r}"
                refusal = UNKNOWN if by_token else INVALID
                expected = {refusal, *_first(operation)}
                yield Bad(what, expected, operation.path(), _example(operation), headers)


def _bad_queries(operation: Operation) -> Iterator[Bad]:
    path, body = operation.path(), _example(operation)
    for parameter in operation.parameters("query"):
        name, schema = parameter["name"], parameter["schema"]
        for value in ("%00", "a%00b", "%FF", "%ED%A0%80", "%FF%FE"):
            yield Bad(f"{name}={value}", {MALFORMED}, f"{path}?{name}={value}", body)
        yield Bad(f"{name} twice", {INVALID}, f"{path}?{name}=1&{name}=1", body)
        values = ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
        if schema.get("type") == "integer":
            values += ["", "x", "1.5", "1.0", "true", "1e1", "0x10", "%2B1", "1_0", "%D9%A1", "NaN"]
            least, most = schema["minimum"], schema["maximum"]
            values += [str(number) for number in TOO_LARGE if not least <= number <= most]
        for value in values:
            yield Bad(f"{name}={value[:9]}", {INVALID}, f"{path}?{name}={value}", body)
    if operation.parameters("query"):
        yield Bad("an unknown parameter", {INVALID}, f"{path}?nothing=1", body)


def _bad_bodies(operation: Operation) -> Iterator[Bad]:
    path, example = operation.path(), operation.body
    for what, body in NOT_JSON.items():
        yield Bad(what, {MALFORMED}, path, body)
    for body in NOT_AN_OBJECT:
        yield Bad(f"{body!r}", {INVALID}, path, body)
    for media in OTHER_MEDIA:
        headers = {"Content-Type": media}
        yield Bad(media, {(415, "unsupported_media_type")}, path, _example(operation), headers)
    yield Bad("too large", {(413, "too_large")}, path, b" " * 3_000_000)
    yield Bad("an unknown field", {INVALID}, path, _json({**example, "nothing": 1}))
    assert operation.schema
    for name in operation.schema["required"]:
        yield Bad(f"no {name}", {INVALID}, path, _json({**example, name: ...}))


def _bad_fields(operation: Operation, name: str, schema: dict[str, Any]) -> Iterator[Bad]:
    path, example = operation.path(), operation.body
    for what, value, expected in _bad_values(schema, example.get(name)):
        yield Bad(f"{name}{what}", expected, path, _json({**example, name: value}))


def _bad_values(
    schema: dict[str, Any], example: Any
) -> Iterator[tuple[str, Any, set[tuple[int, str]]]]:
    """Yield what a field can't be: how to call it, the value, and with what it is refused."""
    for text in ("\x00", "a\x00b"):
        yield " with NUL", text, {MALFORMED}
    for text in ("\ud800", "a\udfffb"):
        yield " with a lone surrogate", text, {MALFORMED}
    values: list[Any] = []
    parts = [schema, *schema.get("anyOf", []), *schema.get("allOf", [])]
    kinds = {part.get("type"): part for part in map(resolve, parts)}
    if "integer" in kinds:
        least, most = kinds["integer"]["minimum"], kinds["integer"]["maximum"]
        values += [each for each in NOT_INTEGERS if each is not None or "null" not in kinds]
        values += [least - 1, most + 1]
        values += [number for number in TOO_LARGE if not least <= number <= most]
    elif "string" in kinds or "enum" in schema:
        values += [*NOT_TEXTS, "x" * (schema.get("maxLength", 1000) + 1)]
    elif "boolean" in kinds:
        values += NOT_BOOLEANS
    elif "array" in kinds:
        values += ["x", 1, {}, [1], [["x"]]]
    elif "object" in kinds:
        values += NOT_OBJECTS
        yield from _bad_objects(kinds["object"], example or {})
    if "null" not in kinds:
        values.append(None)
    for value in values:
        expected = {INVALID, MALFORMED} if isinstance(value, float) else {INVALID}
        yield f": {value!r:.20}", value, expected


def _bad_objects(
    schema: dict[str, Any], example: dict[str, Any]
) -> Iterator[tuple[str, Any, set[tuple[int, str]]]]:
    """Yield what an object within a body can't be: its own fields, and those it doesn't have."""
    for name, part in schema.get("properties", {}).items():
        for what, value, expected in _bad_values(part, example.get(name)):
            yield f".{name}{what}", {**example, name: value}, expected
    for name in schema.get("required", ()):
        rest = {key: value for key, value in example.items() if key != name}
        yield f" without {name}", rest, {INVALID}
    if isinstance(of_any_name := schema.get("additionalProperties"), dict):
        for what, value, expected in _bad_values(of_any_name, ""):
            yield f".x{what}", {"x": value}, expected
        longest, most = schema["propertyNames"]["maxLength"], schema["maxProperties"]
        yield " with a long name", {"x" * (longest + 1): ""}, {INVALID}
        yield " without a name", {"": ""}, {INVALID}
        yield " with too many", {str(number): "" for number in range(most + 1)}, {INVALID}
        yield " with NUL in a name", {"a\x00": ""}, {MALFORMED}
    else:
        yield " with an unknown field", {**example, "nothing": 1}, {INVALID}


def _first(operation: Operation) -> set[tuple[int, str]]:
    """Return what a guest is told before anything that depends on who asks."""
    # A guest may see an order of theirs, if they bring what shows that it is.
    by_key = any(each["name"] == "Locker-Order-Key" for each in operation.parameters("header"))
    by_login = operation.declared["security"] and not operation.for_operators
    return {UNKNOWN} if by_login or by_key else set()


def _example(operation: Operation) -> bytes | None:
    return _json(operation.body) if operation.schema else None


def _json(content: dict[str, Any]) -> bytes:
    """Return the object as JSON, or what passes for it; a field that is ``...`` is left out."""
    return json.dumps({name: value for name, value in content.items() if value is not ...}).encode()
