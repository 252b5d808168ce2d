"""What a session can hold: what comes back from its cookie as it was put in."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from flask.json.tag import TaggedJSONSerializer

SCALARS = (str, bytes, int, float, datetime, UUID, type(None))
"""What Flask's format has a form for, beside lists, tuples and dictionaries.

``bool`` is an ``int`` and ``Markup`` a ``str``. Of a ``datetime`` it keeps the seconds, in UTC.
"""

HALF = re.compile("[\ud800-\udfff]")
"""Half a character: a lone surrogate is no text."""


LARGEST = 2**63
"""From here on a whole number may be too long to be written."""

MOST_PARTS = 400
"""Of a value that is seen to be plain; so none of them is nested too deeply."""

SIMPLE = frozenset({float, bool, type(None)})

_tagged = TaggedJSONSerializer()
_write_plain = json.JSONEncoder(separators=(",", ":")).encode


def write(value: Any) -> str:
    """Return a value in Flask's format, equal if and only if the value is.

    Raises `TypeError`, `ValueError` or `RecursionError` for what has none.
    """
    return _write_plain(value) if is_plain(value) else _tagged.dumps(value)


def read(text: str) -> Any:
    """Return the value of a text in Flask's format; lone surrogates are refused.

    Those are no text, and can't be shown or stored. Raises `ValueError`, `TypeError`, `KeyError` or
    `RecursionError`.
    """
    # Flask's tags are names that begin with a space: where none does, nothing is tagged.
    content = _tagged.loads(text) if '" ' in text else json.loads(text)
    if "\\u" in text:
        json.dumps(content, ensure_ascii=False, default=str).encode()
    return content


def is_plain(value: Any) -> bool:
    """Return whether a value is one of JSON's own, which is most of what a session holds.

    Flask's format has it as it is, and it comes back so. What isn't plain may have a form as well;
    that takes a longer look.
    """
    parts = [value]
    for part in parts:
        kind = type(part)
        if kind is str:
            plain = part.isascii() or not HALF.search(part)
        elif kind is int:
            plain = -LARGEST < part < LARGEST
        elif kind is list:
            parts += part
            plain = len(parts) <= MOST_PARTS
        elif kind is dict:
            parts += part
            parts += part.values()
            # A name that begins with a space could be taken for a tag.
            plain = len(parts) <= MOST_PARTS and all(
                type(name) is str and name[:1] != " " for name in part
            )
        else:
            plain = kind in SIMPLE
        if not plain:
            return False
    return True


def check(key: object, value: object) -> None:
    """Raise `TypeError`, naming the place, for what a session would lose or change."""
    if is_plain({key: value}):
        return
    unwritable: TypeError | None = None
    try:
        # This comes first, as what contains itself ends here.
        _tagged.dumps(value)
    except (RecursionError, ValueError) as error:
        where = f"session[{key!r}]"
        raise TypeError(f"{where} is nested too deeply, or too large a number.") from error
    except TypeError as error:
        unwritable = error
    _check_parts({key: value})
    if unwritable:
        raise unwritable


def _check_parts(content: dict[object, object]) -> None:
    """Raise `TypeError` for what can't be kept; Flask would keep some of it as something else."""
    parts: list[tuple[str, object]] = [("session", content)]
    while parts:
        place, part = parts.pop()
        if isinstance(part, dict | list | tuple):
            for inner, value in part.items() if isinstance(part, dict) else enumerate(part):
                where = f"{place}[{inner!r}]"
                if isinstance(part, dict) and not isinstance(inner, str):
                    raise TypeError(
                        f"{where}: a key in a session is text, and {inner!r} would come back as "
                        "text."
                    )
                if isinstance(inner, str) and HALF.search(inner):
                    raise TypeError(f"{where}: the key is no text, as it has half a character.")
                parts.append((where, value))
        elif not isinstance(part, SCALARS):
            raise TypeError(f"{place}: a session can't hold a {type(part).__name__}.")
        elif isinstance(part, str) and HALF.search(part):
            raise TypeError(f"{place}: the value is no text, as it has half a character.")
