"""A pattern of the document lets through what it seems to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.support.document import DOCUMENT


def patterns(part: Any) -> Iterator[tuple[str, str]]:
    """Each pattern below this part of the document that has an example, with that."""
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str) and "examples" in part:
            yield part["pattern"], part["examples"][0]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from patterns(inner)


def test_no_pattern_lets_a_line_break_through() -> None:
    """An example fits, and doesn't with a line break at the end, which Python's `$` allows."""
    known = set(patterns(DOCUMENT))
    assert known
    assert [each for each in known if not re.search(*each)] == []
    assert [each for each in known if re.search(each[0], f"{each[1]}\n")] == []
