"""What a session can hold: what comes back from its cookie as it was put in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
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


class _TaggedJson(TaggedJSONSerializer):
    """Flask's format, without lone surrogates: those are no text, and can't be shown or stored."""

    def loads(self, value: str) -> Any:
        content = super().loads(value)
        if "\\u" in value:
            json.dumps(content, ensure_ascii=False, default=str).encode()
        return content


tagged_json = _TaggedJson()


canonical: Callable[[Any], str] = tagged_json.dumps
"""Returns the content as text, equal if and only if the content is."""


def check(key: object, value: object) -> None:
    """Raise `TypeError`, naming the place, for what a session would lose or change."""
    unwritable: TypeError | None = None
    try:
        # This comes first, as what contains itself ends here.
        canonical(value)
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
