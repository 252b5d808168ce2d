"""Reading JSON strictly, answering it, and saying so in the OpenAPI document.

A view declares itself with `operation`: who may call it, what it takes, what it answers and
which errors it may raise. The decorator reads and checks in the order the contract fixes:
media type, well-formedness, shape, who is asking.
"""

from __future__ import annotations

import enum
import math
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any, TypeVar, cast, dataclass_transform
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec
from quart import Request, Response, request
from quart_auth import current_user

from service.errors import (
    Invalid,
    LockerError,
    Malformed,
    PreconditionUnsupported,
    Unauthenticated,
    UnsupportedCoding,
    UnsupportedMediaType,
)
from service.http.requests import SAFE_METHODS, current_request
from service.logins import Scope, checked_token

from .operators import current_operator
from .validation import SHOWN, convert

M = TypeVar("M", bound=msgspec.Struct)

Amount = Annotated[int, msgspec.Meta(ge=0, description="In the currency's minor unit.")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time in an answer, RFC 3339 in UTC."""

Options = Annotated[dict[str, str], msgspec.Meta(title="Options", examples=[{"Color": "Green"}])]
"""What tells a variant from the others of its product, by name."""

Metadata = Annotated[
    dict[
        Annotated[str, msgspec.Meta(min_length=1, max_length=40)],
        Annotated[str, msgspec.Meta(max_length=500)],
    ],
    msgspec.Meta(max_length=10, title="Metadata", examples=[{"engraving": "For Ada"}]),
]
"""A client's own names and texts, kept as they are."""

PRECONDITIONS = ("If-Match", "If-None-Match", "If-Unmodified-Since")

NESTING = 32
"""Levels of arrays and objects that a body may have."""

MOST_FIELDS = 100
"""Fields that a form or a query string may have; none of ours has a quarter of it."""


# This tells type checkers what is so at run time: subclasses are frozen without saying so again.
@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Input(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a client sends: unknown fields are refused, nothing is coerced."""


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Output(msgspec.Struct, frozen=True):
    """What a client gets."""


class Caller(enum.Enum):
    """Who may call an operation."""

    ANYONE = "anyone, guest or signed in"
    SIGNED_IN = "signed in"
    OPERATOR = "an operator's token"


class Operation(msgspec.Struct, frozen=True):
    """What `operation` noted on a view; the OpenAPI document is made of these."""

    caller: Caller
    answers: Mapping[int, type[Output] | None]
    errors: tuple[type[LockerError], ...]
    body: type[Input] | None
    query: type[Input] | None
    headers: Mapping[str, str]
    sends: tuple[str, ...]
    tokens: bool


def operation(  # noqa: PLR0913 - a declaration, all by name
    caller: Caller,
    *,
    answers: Mapping[int, type[Output] | None],
    errors: tuple[type[LockerError], ...] = (),
    body: type[Input] | None = None,
    query: type[Input] | None = None,
    headers: Mapping[str, str] | None = None,
    sends: tuple[str, ...] = (),
    tokens: bool = True,
    checks_token_itself: bool = False,
) -> Callable[[Callable[..., Awaitable[Response]]], Callable[..., Awaitable[Response]]]:
    """Declare a view of the JSON API.

    The view gets the body as ``data`` and the query string as ``query``. ``answers`` maps
    statuses to their bodies (None: no body), ``headers`` names request headers the view
    understands, with a sentence each, ``sends`` response headers of its answers. Errors that
    follow from the rest, such as 422 where there is a body, need no mention.

    ``tokens`` is whether an API token may do this at all. It is looked up before the view, unless
    the view ``checks_token_itself``: its own statement looks it up, which saves a round trip, and
    it calls `PresentedLogin.require`. A view that forgets answers every token with 401. One for
    `Caller.SIGNED_IN` looks logins up as well, and raises `Unauthenticated` itself.
    """
    declared = Operation(caller, answers, errors, body, query, headers or {}, sends, tokens)

    def decorate(view: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
        @wraps(view)
        async def wrapper(**arguments: Any) -> Response:
            received = current_request()
            if b"%00" in received.query_string:
                raise Malformed("NUL characters are not accepted.")
            if body is not None:
                arguments["data"] = await _read_body(body)
            if query is not None:
                arguments["query"] = read_query(query)
            is_safe = received.method in SAFE_METHODS
            if not is_safe:
                _check_preconditions(received, declared)
            if caller is Caller.OPERATOR:
                await current_operator()
                return await view(**arguments)
            scope: Scope = "read" if is_safe else "write"
            async with checked_token(scope, allowed=tokens, by_view=checks_token_itself):
                looked_up = caller is Caller.SIGNED_IN and not checks_token_itself
                if looked_up and not await current_user.is_authenticated:
                    raise Unauthenticated
                return await view(**arguments)

        wrapper.operation = declared  # type: ignore[attr-defined]
        return wrapper

    return decorate


def answer(body: Output | msgspec.Raw, status: int = 200, **headers: str) -> Response:
    """Return the body, encoded or not, as JSON; a header's underscores stand for hyphens."""
    response = Response(msgspec.json.encode(body), status, content_type="application/json")
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def no_content() -> Response:
    """Return 204."""
    response = Response("", 204)
    del response.headers["Content-Type"], response.headers["Content-Length"]
    return response


def in_utc(name: str, at: datetime | None) -> datetime | None:
    """Return a query's moment in UTC; raises `Invalid` for the field where it isn't one there."""
    try:
        return at and at.astimezone(UTC)
    except OverflowError:
        raise Invalid(name, "There is no such moment in UTC.", "out_of_range") from None


def check_media_type(expected: str) -> None:
    """Raise `UnsupportedMediaType` for a body of another type, or one that is packed in any way."""
    if request.mimetype != expected:
        raise UnsupportedMediaType(f"Send {expected}")
    # "identity" should not be sent, but means that nothing was done (RFC 9110, 8.4.1).
    codings = ",".join(request.headers.getlist("Content-Encoding")).lower().split(",")
    if not {"", "identity"}.issuperset(map(str.strip, codings)):
        raise UnsupportedCoding


def _check_preconditions(received: Request, declared: Operation) -> None:
    """Refuse to change something under a condition that the view would not look at.

    To ignore one would be to do what the client asked not to be done. Those that are for reading
    alone are ignored where nothing is read, as RFC 9110 has it (13.1.3 and 13.1.5).
    """
    for name in PRECONDITIONS:
        if name in received.headers and name not in declared.headers:
            raise PreconditionUnsupported(f"{name} is not supported here.")


def _read_float(text: str) -> float:
    """Return the number; raises `ValueError` for one beyond any float.

    msgspec's own reading takes 15 µs for one near the ends of what a float can be, and a body has
    room for over ten thousand.
    """
    number = float(text)
    if math.isinf(number):
        raise ValueError("Number out of range")
    return number


_DECODER = msgspec.json.Decoder(float_hook=_read_float)


async def _read_body(model: type[M]) -> M:
    check_media_type("application/json")
    raw = cast("bytes", await request.get_data(as_text=False, cache=False))
    try:
        # A byte order mark may be ignored (RFC 8259, 8.1); some clients can't help writing one.
        content = _DECODER.decode(raw.removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("The body is not JSON in UTF-8.") from error
    _check_depth(content, NESTING)
    return convert(content, model, strict=True)


def read_query(model: type[M]) -> M:
    """Return the query string; raises `Malformed`, `Invalid`."""
    return convert_pairs(request.query_string, model, "query string")


def read_link(model: type[M]) -> M:
    """Return what the query string says of the fields of ``model``; raises as `read_query`.

    Whatever else is in a link to a page others have put there (trackers, mail programs), and how
    they wrote it is none of our business.
    """
    own = {field.encode_name.encode() for field in msgspec.structs.fields(model)}
    # A character of a name may be percent-encoded, which takes three.
    longest = 3 * max(map(len, own))
    pairs = [
        pair
        for pair in request.query_string.split(b"&")
        if len(name := pair.partition(b"=")[0]) <= longest and unquote_to_bytes(name) in own
    ]
    return convert_pairs(b"&".join(pairs), model, "query string")


def check_count(raw: bytes) -> None:
    """Raise `Invalid` for more fields than anybody sends, before anything is done with them."""
    if raw.count(b"&") >= MOST_FIELDS:
        raise Invalid("body", f"Send {MOST_FIELDS} fields or less.", "too_long", MOST_FIELDS)


def convert_pairs(raw: bytes, model: type[M], what: str, groups: Collection[str] = ()) -> M:
    """Return what a query string or a form says; raises `Malformed`, `Invalid`.

    What is called ``group.name`` is a member of that one of the ``groups``, unless it is blank.
    """
    check_count(raw)
    # The framework's own parser would replace what is not UTF-8.
    try:
        given = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Malformed(f"The {what} is not UTF-8.") from error
    if any("\x00" in text for pair in given for text in pair):
        raise Malformed("NUL characters are not accepted.")
    (name, times), *_ = Counter(name for name, _ in given).most_common(1) or [("", 0)]
    if times > 1:
        raise Invalid(name[:SHOWN], "This is given more than once.", "given_twice")
    return convert(_group(dict(given), groups), model, strict=False)


def _group(content: dict[str, str], groups: Collection[str]) -> dict[str, Any]:
    grouped: dict[str, Any] = {group: {} for group in groups}
    for name, text in content.items():
        group, dot, member = name.partition(".")
        if not dot or group not in groups:
            grouped[name] = text
        elif text.strip() and isinstance(grouped[group], dict):
            grouped[group][member] = text.strip()
    return grouped


def _check_depth(content: Any, levels: int) -> None:
    """Refuse what Postgres can't keep or nobody sends: NUL characters, deep nesting."""
    level = [content]
    while level:
        inside: list[Any] = []
        for part in level:
            if isinstance(part, str) and "\x00" in part:
                raise Malformed("NUL characters are not accepted.")
            if isinstance(part, dict | list):
                if not levels:
                    raise Malformed("The body is nested too deeply.")
                inside += [*part, *part.values()] if isinstance(part, dict) else part
        level, levels = inside, levels - 1
