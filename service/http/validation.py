"""What was sent, as the type that is wanted of it; or every field that is wrong, at once.

msgspec stops at the first mistake. Only when it has found one is each value held against the
type's own constraints here, so what is accepted is msgspec's to say, and why not is said here.
A type may bring a better sentence, and code, for a text that doesn't match its pattern:
``Meta(pattern=…, extra={"code": …, "message": …})``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import inspect

from service.errors import FieldCode, FieldError, Invalid

M = TypeVar("M", bound=msgspec.Struct)

MOST_ERRORS = 32
"""Told at once, so that a body of nothing but mistakes isn't answered with a longer one."""
LONGEST_TEXT = 2000
"""Characters that are brought into NFC, which takes the square of the marks in a row."""
FEW = 12
"""Choices that a sentence can list."""
SHOWN = 100
"""Characters of an unknown field's name that are told."""

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]+")
_BOOLEANS = ("true", "false", "1", "0")
_OTHERS: dict[type[inspect.Type], Any] = {
    inspect.UUIDType: UUID,
    inspect.DateTimeType: datetime,
    inspect.DateType: date,
    inspect.FloatType: float,
    inspect.DecimalType: Decimal,
}


def convert(content: Any, model: type[M], *, strict: bool) -> M:
    """Return the content as the model, its texts in NFC; raises `Invalid` with all that is wrong.

    Where not ``strict``, numbers and booleans are read from text.
    """
    # msgspec would take 1.0 for an integer.
    if (
        not strict
        and isinstance(content, dict)
        and not all(_INTEGER.fullmatch(content.get(name, "0")) for name in _integers(model))
    ):
        raise _refusal(content, model, strict=strict)
    converted = _convert(content, model, strict=strict)
    if msgspec.json.encode(converted).isascii():
        return converted
    # Only now is each text known to be as short as its type says.
    composed = compose(content)
    return converted if composed == content else _convert(composed, model, strict=strict)


def compose(content: Any) -> Any:
    """Return the content with each text in NFC, where texts that look the same are the same.

    One longer than any name of something stays as it is.
    """
    match content:
        case str() if len(content) <= LONGEST_TEXT:
            return unicodedata.normalize("NFC", content)
        case list():
            return [compose(each) for each in content]
        case dict():
            return {compose(name): compose(each) for name, each in content.items()}
        case _:
            return content


def _convert(content: Any, model: type[M], *, strict: bool) -> M:
    try:
        return msgspec.convert(content, model, strict=strict)
    except msgspec.ValidationError:
        raise _refusal(content, model, strict=strict) from None


def _refusal(content: Any, model: type[msgspec.Struct], *, strict: bool) -> Invalid:
    wrong = _Checker(strict=strict).struct(content, _look(model), "")
    errors = list(islice(wrong, MOST_ERRORS))
    return Invalid.of(errors) if errors else Invalid("body", "This can't be accepted.")


@cache
def _look(model: type[msgspec.Struct]) -> inspect.StructType:
    found = inspect.type_info(model)
    assert isinstance(found, inspect.StructType)  # noqa: S101 - for the type checker
    return found


@cache
def _integers(model: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of the fields that are whole numbers."""
    return tuple(
        field.encode_name
        for field in _look(model).fields
        if isinstance(_bare(field.type)[0], inspect.IntType)
    )


def _bare(kind: inspect.Type) -> tuple[inspect.Type, bool, dict[str, Any]]:
    """Return the type without null and what only describes it; whether null will do; its words."""
    null, words = False, dict[str, Any]()
    while True:
        match kind:
            case inspect.Metadata():
                words |= kind.extra or {}
                kind = kind.type
            case inspect.UnionType(types=types):
                null = null or kind.includes_none
                kind = next(each for each in types if not isinstance(each, inspect.NoneType))
            case _:
                return kind, null, words


class _Checker:
    """Says what is wrong with a value, of whatever type."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict

    def value(  # noqa: C901 - a case for each kind of type
        self, value: Any, declared: inspect.Type, path: str
    ) -> Iterator[FieldError]:
        """Yield what is wrong with the value, by field."""
        kind, null, words = _bare(declared)
        if value is None and null:
            return
        match kind:
            case inspect.StructType():
                yield from self.struct(value, kind, path)
            case inspect.StrType():
                yield from self._text(value, kind, path, words)
            case inspect.IntType():
                yield from self._integer(value, kind, path)
            case inspect.BoolType():
                if not isinstance(value, bool) and (self._strict or value not in _BOOLEANS):
                    yield _error(path, "wrong_type", "Say true or false.")
            case inspect.LiteralType(values=values):
                yield from self._choice(value, values, path)
            case inspect.EnumType(cls=cls):
                yield from self._choice(value, [each.value for each in cls], path)
            case inspect.DictType():
                yield from self._members(value, kind, path)
            case inspect.CollectionType():
                yield from self._items(value, kind, path)
            case _ if type(kind) in _OTHERS:
                try:
                    msgspec.convert(value, _OTHERS[type(kind)], strict=self._strict)
                except msgspec.ValidationError:
                    yield _error(path, "bad_format", "This isn't in the form that is wanted.")

    def struct(self, value: Any, kind: inspect.StructType, path: str) -> Iterator[FieldError]:
        """Yield what is wrong with an object: what is missing, unknown, or wrong in itself."""
        if not isinstance(value, dict):
            yield _error(path, "wrong_type", "Send an object.")
            return
        for field in kind.fields:
            where = f"{path}.{field.encode_name}" if path else field.encode_name
            if field.encode_name in value:
                yield from self.value(value[field.encode_name], field.type, where)
            elif field.required:
                yield _error(where, "required", "This is needed.")
        if kind.forbid_unknown_fields:
            known = {field.encode_name for field in kind.fields}
            for name in value:
                if name not in known:
                    where = f"{path}.{name[:SHOWN]}" if path else name[:SHOWN]
                    yield _error(where, "unknown_field", "There is no such field.")

    def _text(
        self, value: Any, kind: inspect.StrType, path: str, words: dict[str, Any]
    ) -> Iterator[FieldError]:
        if not isinstance(value, str):
            yield _error(path, "wrong_type", "Send a text.")
            return
        yield from _length(value, kind, path, "character", "characters")
        if kind.pattern is not None and not re.search(kind.pattern, value):
            message = words.get("message", "This isn't in the form that is wanted.")
            yield _error(path, words.get("code", "bad_format"), message)

    def _integer(self, value: Any, kind: inspect.IntType, path: str) -> Iterator[FieldError]:
        number = value
        if not self._strict and isinstance(value, str) and _NUMBER.fullmatch(value):
            # Twenty digits are more than any range has, and few enough to be read at once.
            number = int(value[:20])
        if type(number) is not int:
            yield _error(path, "wrong_type", "Send a whole number.")
        elif kind.ge is not None and number < kind.ge:
            yield _error(path, "out_of_range", f"Use {kind.ge} or more.", kind.ge)
        elif kind.le is not None and number > kind.le:
            yield _error(path, "out_of_range", f"Use {kind.le} or less.", kind.le)

    def _choice(self, value: Any, values: Sequence[Any], path: str) -> Iterator[FieldError]:
        if value not in values:
            listed = f"one of these: {', '.join(map(str, values))}" if len(values) <= FEW else "one"
            yield _error(path, "unknown_value", f"Choose {listed}.")

    def _members(self, value: Any, kind: inspect.DictType, path: str) -> Iterator[FieldError]:
        if not isinstance(value, dict):
            yield _error(path, "wrong_type", "Send an object.")
            return
        if wrong := list(_length(value, kind, path, "entry", "entries")):
            yield from wrong
            return
        for name, each in value.items():
            where = f"{path}.{name[:SHOWN]}"
            yield from self.value(name, kind.key_type, where)
            yield from self.value(each, kind.value_type, where)

    def _items(self, value: Any, kind: inspect.CollectionType, path: str) -> Iterator[FieldError]:
        if not isinstance(value, list):
            yield _error(path, "wrong_type", "Send a list.")
            return
        if wrong := list(_length(value, kind, path, "entry", "entries")):
            # A list of the wrong length is refused whole: its entries may be any number.
            yield from wrong
            return
        for number, each in enumerate(value):
            yield from self.value(each, kind.item_type, f"{path}[{number}]")


def _length(value: Any, kind: Any, path: str, one: str, many: str) -> Iterator[FieldError]:
    """Yield what is wrong with the length of a text, a list or an object."""
    if kind.min_length is not None and len(value) < kind.min_length:
        unit = one if kind.min_length == 1 else many
        yield _error(path, "too_short", f"Use {kind.min_length} {unit} or more.", kind.min_length)
    if kind.max_length is not None and len(value) > kind.max_length:
        unit = one if kind.max_length == 1 else many
        yield _error(path, "too_long", f"Use {kind.max_length} {unit} or less.", kind.max_length)


def _error(path: str, code: FieldCode, message: str, limit: int | None = None) -> FieldError:
    error: FieldError = {"field": path or "body", "message": message, "code": code}
    if limit is not None:
        error["limit"] = limit
    return error
