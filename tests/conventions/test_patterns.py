"""A pattern of the document lets through what it seems to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

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


PATTERNS = sorted(set(patterns(DOCUMENT)))


@pytest.mark.parametrize(("pattern", "example"), PATTERNS)
def test_no_line_break(pattern: str, example: str) -> None:
    """The example fits, and doesn't with a line break at the end, which Python's `$` allows."""
    assert re.search(pattern, example)
    assert not re.search(pattern, f"{example}\n")


def test_there_are_some() -> None:
    """The document has patterns to look at."""
    assert PATTERNS
