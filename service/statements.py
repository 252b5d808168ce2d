"""SQL statements with names for their parameters, where PostgreSQL has numbers.

A statement is made once, when its module is imported, and called for each use::

    RENAME = Statement("update accounts set username = :username where id = :account_id")

    await db.execute(*RENAME(username=username, account_id=account_id))

So a fragment that another feature offers can name its own parameters without knowing which
numbers are taken. The text is the same for every call, so asyncpg prepares it once a connection.
"""

from __future__ import annotations

import re
from typing import Any

_TOKEN = re.compile(
    r"""
      --[^\n]*                              # a comment
    | /\*.*?\*/
    | \b[eE]'(?:[^'\\]|''|\\.)*'            # a text
    | '(?:[^']|'')*'
    | \$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$
    | "(?:[^"]|"")*"                        # a quoted name
    | ::                                    # a cast
    | (?<!\w):(?P<name>[A-Za-z_]\w*)        # a parameter; in `a[low:high]` it is none
    | (?P<wrong>\$\d+|['"{};])
    """,
    re.VERBOSE | re.DOTALL,
)

_WRONG = {
    "$": "a number where a name belongs",
    "'": "a text without an end",
    '"': "a quoted name without an end",
    "{": "a fragment that was not filled in",
    "}": "a fragment that was not filled in",
    ";": "more than one statement",
}


class Statement:
    """A statement for asyncpg: ``text`` has numbers, in the order in which ``names`` appear.

    A name that stands in several places is one parameter. Raises `ValueError` for a text that
    can't be meant.
    """

    __slots__ = ("names", "text")

    def __init__(self, text: str) -> None:
        numbers: dict[str, int] = {}

        def number(token: re.Match[str]) -> str:
            if token["wrong"]:
                raise ValueError(f"{_WRONG[token['wrong'][0]]}: {text[token.start() :][:40]!r}")
            if token["name"]:
                return f"${numbers.setdefault(token['name'], len(numbers) + 1)}"
            return token[0]

        self.text = _TOKEN.sub(number, text)
        self.names = tuple(numbers)

    def __call__(self, **values: Any) -> tuple[str, *tuple[Any, ...]]:
        """Return what asyncpg's methods take: the text, and the values in their order.

        Raises `TypeError` for a value that is missing, or that the statement doesn't name.
        """
        if len(values) == len(self.names):
            try:
                return self.text, *map(values.__getitem__, self.names)
            except KeyError:
                pass
        missing, unknown = set(self.names) - values.keys(), values.keys() - set(self.names)
        raise TypeError(f"missing: {sorted(missing)}, not in the statement: {sorted(unknown)}")

    def __repr__(self) -> str:
        return f"Statement({self.text!r})"
