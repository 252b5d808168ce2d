"""What a statement does, in a few words: the name of its span, as OpenTelemetry has them."""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 255
KEPT = 2_000
"""Statements whose summary is remembered; there are some hundreds."""

_LITERAL = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_STEP = re.compile(
    r"""
      (?P<verb>\binsert\s+into|(?<!do\s)(?<!for\s)(?<!key\s)\bupdate|\bdelete\s+from)\s+(?P<written>\w+)
    | (?<!distinct\s)\b(?:from|join)\s+(?:only\s+)?(?P<read>\w+)\b(?!\s*\()
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CTE = re.compile(
    r"(?<!\w)(\w+)(?:\s*\([^()]*\))?\s+as\s+(?:not\s+)?(?:materialized\s+)?\(", re.IGNORECASE
)
_NO_TABLE = frozenset({"lateral", "rows", "select"})


@lru_cache(KEPT)
def summarise(text: str) -> str:
    """Return the operations of a statement and their tables, in their order.

    ``SELECT logins accounts UPDATE carts``, or the first word of what names no table.
    """
    text = _LITERAL.sub("''", text)
    inner = {*_CTE.findall(text), *_NO_TABLE}
    words: list[str] = []
    verb = ""
    for step in _STEP.finditer(text):
        table, does = step["written"], (step["verb"] or "select").split()[0].upper()
        table = table or step["read"]
        if table in inner:
            continue
        if does != verb or does != "SELECT":
            verb = does
            words.append(does)
        elif table in words:
            continue
        words.append(table)
    first = text.strip().partition(" ")[0].strip(";").upper()
    return " ".join(words)[:LONGEST] if words else first
