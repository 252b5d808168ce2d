"""The largest and the most awkward that a request may hold, for every route.

Made from the routes and from the types of what they read, so a new route is in it by itself.
"""

from __future__ import annotations

import itertools
import json
import re
import string
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args
from urllib.parse import quote, urlencode

import msgspec
from quart import Quart
from werkzeug.routing import Rule

from service.http.endpoints import Input, Operation

HEAD = 28_000
"""Bytes for one thing in a head; with the rest of it below what Hypercorn takes."""
BODY = 65_000

PAIRS = list(map("".join, itertools.product(string.ascii_letters + string.digits, repeat=2)))
PUNCTUATED = "p0!x@b#9$q%w^z&v*k(m)n-r_t=u+" * 40
"""What repeats is what takes zxcvbn longest."""
TEXTS = {
    "one letter": "a",
    "words": "tent ",
    "dashes": "- ",
    "quotes": '" ',
    "e-mail": "a.a@a.",
    "expands": "\ufdfa",
    "combining": "a\u0301\u0316",
    "digits": "9",
    "patterns": PUNCTUATED,
    "slashes": "/../",
    "escapes": "\\\"'%\x7f",
    "emoji": "\U0001f512",
}


FIELDS = (
    ("Cookie", "a=b; "),
    ("Cookie", "session=.eJw.a.b; session-cart=.eJw.a.b; "),
    ("Cookie", 'a="\\042'),
    ("Accept", "text/html;q=0.9,"),
    ("Accept-Encoding", "gzip;q=0.1,"),
    ("Accept-Language", "de-a-b;q=0.1,"),
    ("If-None-Match", 'W/"a",'),
    ("If-None-Match", '"'),
    ("If-Match", '"a", '),
    ("If-Modified-Since", "Mon, 01 "),
    ("Range", "bytes=0-0,"),
    ("Authorization", "Bearer "),
    ("Authorization", "a"),
    ("X-Forwarded-For", "192.0.2.1, "),
    ("X-Forwarded-Host", "a."),
    ("Forwarded", 'for="[::1]";by=a,'),
    ("Origin", "http://["),
    ("Origin", "xn--a."),
    ("Referer", "http://a/"),
    ("Host", "a."),
    ("Host", "[::"),
    ("Content-Type", 'application/json; a="\\"'),
    ("Content-Encoding", "gzip,"),
    ("Idempotency-Key", "a"),
    ("X-Request-Id", "a."),
    ("User-Agent", "\x85\xad"),
    ("Sec-Fetch-Site", "same-origin,"),
)
"""What somebody takes to pieces: a field of a head, and what it is full of."""
REFUSED_FIRST = {
    *("Host", "X-Forwarded-Host", "Origin", "Sec-Fetch-Site", "Content-Type", "Content-Encoding")
}
"""Fields that end a request before a view reads the others."""


UUID = "6a6bd2a4-3f9d-4f0a-9f9d-3f9d4f0a9f9d"


class Awkward(NamedTuple):
    """A request, and what it is for whoever reads a failure."""

    what: str
    method: str
    path: str
    headers: list[tuple[str, bytes]] = []  # noqa: RUF012 - nobody changes it
    body: bytes | None = None


class Route(NamedTuple):
    """A route, by one of its methods."""

    method: str
    rule: Rule
    view: Any

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"

    @property
    def kind(self) -> tuple[str, str]:
        """What reads a head alike: the routes of a method, of the API or of the pages."""
        return self.method, "API" if hasattr(self.view, "operation") else "page"

    def awkward_requests(self, *, each_field: bool) -> Iterator[Awkward]:
        """Yield them; ``each_field`` of a head by itself, as large as it may be, or all at once."""
        method, path = self.method, _fill(self.rule, "x")
        yield from _heads(method, path) if each_field else [_head_of_all(method, path)]
        yield from _paths(self.rule, method)
        yield from _queries(method, path, _query_fields(self.view))
        if method != "GET":
            yield from _bodies(method, path, self.view)


def routes(app: Quart) -> list[Route]:
    """Return every route there is."""
    return [
        Route(method, rule, app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def _fill(rule: Rule, value: str) -> str:
    """Return the rule's path with this for each of its parts."""
    return re.sub(r"<(?:(\w+):)?\w+>", lambda part: UUID if part[1] == "uuid" else value, rule.rule)


def _repeat(text: str, length: int) -> str:
    return (text * (length // len(text) + 1))[:length]


def _heads(method: str, path: str) -> Iterator[Awkward]:
    """Yield heads in which one field is as large as a head may be."""
    for name, piece in FIELDS:
        value = _repeat(piece, HEAD).encode("latin-1")
        headers = [(name, value)]
        yield Awkward(f"{name}: {piece}", method, path, headers, _some_body(method))
    many = [(f"X-{pair}", b"1") for pair in PAIRS[: HEAD // 10]]
    yield Awkward("many headers", method, path, many, _some_body(method))


def _head_of_all(method: str, path: str) -> Awkward:
    """Return a head with every field, one of a name, as large as they may be together."""
    pieces = {name: piece for name, piece in FIELDS if name not in REFUSED_FIRST}
    headers = [
        (name, _repeat(piece, HEAD // len(pieces)).encode("latin-1"))
        for name, piece in pieces.items()
    ]
    return Awkward("every field of a head", method, path, headers, _some_body(method))


def _some_body(method: str) -> bytes | None:
    return None if method == "GET" else b"{}"


def _paths(rule: Rule, method: str) -> Iterator[Awkward]:
    if not rule.arguments:
        return
    for what in ("one letter", "expands", "slashes", "escapes", "emoji"):
        text = TEXTS[what]
        value = _repeat(quote(text, safe="/"), HEAD - HEAD % 9)
        yield Awkward(f"{what} in the path", method, _fill(rule, value), [], _some_body(method))


def _queries(method: str, path: str, fields: list[str]) -> Iterator[Awkward]:
    queries = {
        "two names": _repeat("a=1&b=2&", HEAD),
        "many names": "&".join(PAIRS)[:HEAD],
        "escaped names": _repeat("%61=%FF&", HEAD),
        "separators": "&" * HEAD,
        "one long field": _repeat("a", HEAD),
        "the same field": "&".join(itertools.islice(itertools.cycle(PAIRS), HEAD // 3)),
    }
    for field in fields:
        for what in ("quotes", "digits", "expands", "patterns"):
            for length in (190, HEAD // 9):
                value = quote(_repeat(TEXTS[what], length))[:HEAD]
                queries[f"{field}: {length} {what}"] = f"{field}={value}"
    for what, query in queries.items():
        yield Awkward(f"query: {what}", method, f"{path}?{query}", [], _some_body(method))


def _query_fields(view: Any) -> list[str]:
    """Return what the view reads of a query, as far as it can be seen."""
    declared: Operation | None = getattr(view, "operation", None)
    models = [declared.query] if declared else _models(view, form=False)
    return sorted({field for model in models if model for field in model.__struct_fields__})


def _models(view: Any, *, form: bool) -> list[Any]:
    """Return what the view's own module reads: its forms, or its queries."""
    things = vars(sys.modules[view.__module__]).values()
    return [
        each
        for each in things
        if isinstance(each, type)
        and issubclass(each, msgspec.Struct)
        and issubclass(each, Input) is form
        and each is not Input
    ]


def _bodies(method: str, path: str, view: Any) -> Iterator[Awkward]:
    declared: Operation | None = getattr(view, "operation", None)
    if declared:
        kind, bodies = b"application/json", {**_json_anyhow(), **_json_of(declared.body)}
    else:
        kind = b"application/x-www-form-urlencoded"
        bodies = {**_form_anyhow(), **_forms_of(_models(view, form=True))}
    for what, body in bodies.items():
        yield Awkward(f"body: {what}", method, path, [("Content-Type", kind)], body[:BODY])


def _json_anyhow() -> dict[str, bytes]:
    return {
        "deep": b"[" * (BODY // 2) + b"]" * (BODY // 2),
        "deep objects": b'{"a":' * (BODY // 6) + b"1" + b"}" * (BODY // 6),
        "wide": b"[" + b"1," * (BODY // 2 - 2) + b"1]",
        "many lists": b"[" + b"[]," * (BODY // 3 - 2) + b"[]]",
        "many objects": b"[" + b"{}," * (BODY // 3 - 2) + b"{}]",
        "as deep as may be": b"[" + b"[" * 30 + b"1" + b"]" * 30 + b"]",
        "many names": json.dumps(dict.fromkeys((a + b for a in "abc" for b in PAIRS), 1))[
            :BODY
        ].encode(),
        "one name": b"{" + b'"a":1,' * (BODY // 6 - 2) + b'"a":1}',
        "a long integer": b"9" * BODY,
        "a long integer in a list": b"[" + b"9" * (BODY - 2) + b"]",
        "a long fraction": b"0." + b"9" * (BODY - 2),
        "a long exponent": b"1e" + b"9" * (BODY - 2),
        "floats": b"[" + b"1.7976931348623157e308," * (BODY // 23 - 1) + b"1]",
        "the smallest floats": b"[" + b"5e-324," * (BODY // 7 - 1) + b"1]",
        "escapes": b'"' + b"\\u00e9" * (BODY // 6 - 1) + b'"',
        "blanks": b" " * BODY,
    }


def _json_of(model: type[Input] | None) -> dict[str, bytes]:
    if model is None:
        return {}
    return {what: json.dumps(fields).encode() for what, fields in _filled(model)}


def _form_anyhow() -> dict[str, bytes]:
    return {
        "cycle": "&".join(itertools.islice(itertools.cycle(PAIRS), BODY // 3)).encode(),
        "one name": b"&".join([b"a=1"] * (BODY // 4)),
        "separators": b"&" * BODY,
        "equals": b"=" * BODY,
        "escapes": b"%61" * (BODY // 3),
        "not UTF-8": b"a=" + b"%FF" * (BODY // 3),
        "semicolons": b"a;" * (BODY // 2),
    }


def _forms_of(models: list[Any]) -> dict[str, bytes]:
    return {
        f"{model.__name__}: {what}": urlencode(fields).encode()
        for model in models
        for what, fields in _filled(model)
    }


def _filled(model: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the model's fields, each as long as it may be and as long as the body allows."""
    fields = msgspec.structs.fields(model)
    texts = [field for field in fields if str in _kinds(field.type)]
    for what, piece in TEXTS.items():
        if what in {"words", "quotes", "emoji"}:
            continue
        for room in (False, True) if what in {"expands", "e-mail"} else (False,):
            content: dict[str, Any] = {}
            for field in fields:
                longest = BODY // (9 * len(texts)) if room and texts else _longest(field.type)
                if field in texts:
                    content[field.name] = _repeat(piece, longest)
                elif field.default is msgspec.NODEFAULT and field.default_factory is (
                    msgspec.NODEFAULT
                ):
                    content[field.name] = 1
            yield f"{what}{', too long' if room else ''}", content


def _kinds(annotation: Any) -> set[Any]:
    return {annotation, *itertools.chain.from_iterable(map(_kinds, get_args(annotation)))}


def _longest(annotation: Any) -> int:
    lengths = [
        each.max_length
        for each in _flat(annotation)
        if isinstance(each, msgspec.Meta) and each.max_length
    ]
    return max(lengths, default=200)


def _flat(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        yield from _flat(part)
