"""The porting guide is held to these tests."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "porting-from-flask.md").read_text()
ROW = re.compile(r"^\| .+ \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[str]:
    """Return the rows of the guide's tables, without headings and rules."""
    return [
        row
        for row in ROW.findall(GUIDE)
        if not re.match(r"\|( (Flask|quart-auth|flask-login) \||[ :-]+\|)", row)
    ]


def test_every_row_names_a_test_that_exists() -> None:
    """Each row of a table names the test that holds it."""
    assert len(rows()) > 15
    for row in rows():
        named = TEST.findall(row)
        assert named, f"no test in: {row}"
        for file, name in named:
            assert re.search(rf"def {name}\(", (ROOT / file).read_text()), f"{file}::{name}"


def test_every_parity_test_is_a_row() -> None:
    """What is tested side by side is also told."""
    for file in ("test_same", "test_different", "test_format", "test_moving"):
        for name in re.findall(r"def (test_\w+)\(", (ROOT / f"tests/parity/{file}.py").read_text()):
            assert f"`tests/parity/{file}.py::{name}`" in GUIDE, name
