"""What a session can hold: what comes back from its cookie as it was put in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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


def canonical(content: Any) -> str:
    """Return the content as text, equal if and only if the content is."""
    text: str = tagged_json.dumps(content)
    return text


def check(key: object, value: object) -> None:
    """Raise `TypeError`, naming the place, for what a session would lose or change."""
    where = f"session[{key!r}]"
    try:
        for problem in _problems(key, value, where):
            raise TypeError(problem)
        canonical(value)
    except (RecursionError, ValueError) as error:
        raise TypeError(f"{where} is nested too deeply, or too large a number.") from error


def _problems(key: object, value: object, where: str) -> Iterator[str]:
    """Yield why this can't be kept; Flask would keep some of it as something else."""
    if not isinstance(key, str):
        yield f"{where}: a key in a session is text, and {key!r} would come back as text."
    elif HALF.search(key):
        yield f"{where}: the key is no text, as it has half a character."
    elif isinstance(value, dict):
        for inner, content in value.items():
            yield from _problems(inner, content, f"{where}[{inner!r}]")
    elif isinstance(value, list | tuple):
        for place, content in enumerate(value):
            yield from _problems("", content, f"{where}[{place}]")
    elif not isinstance(value, SCALARS):
        yield f"{where}: a session can't hold a {type(value).__name__}."
    elif isinstance(value, str) and HALF.search(value):
        yield f"{where}: the value is no text, as it has half a character."
