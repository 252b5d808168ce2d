"""How far statements are from a database that is spread over several, as docs/scaling.md says."""

from __future__ import annotations

import re

from tests.conventions.test_statements import statements
from tests.support.serving import ROOT

PAGE = (ROOT / "docs/scaling.md").read_text()
KEYS, LEFT = "| Table | by its column |", "| Statement | of | finds them by |"
WORDS = "where|set|on|join|left|cross|using|values|order|group|limit|for|returning|union|select"
RELATION = re.compile(
    rf"\b(?:from|join|into|update)\s+(\w+)(?:\s+(?:as\s+)?(?!(?:{WORDS})\b)(\w+))?"
)
COMMENT = re.compile(r"--[^\n]*")


def rows(heading: str) -> list[list[list[str]]]:
    """Return what each cell of a table on the page has in code."""
    lines = PAGE.partition(heading)[2].partition("\n\n")[0].splitlines()[2:]
    return [[re.findall(r"`([\w.]+)`", cell) for cell in line.split("|")[1:-1]] for line in lines]


def keys() -> dict[str, list[str]]:
    """Return the columns that each table would be distributed by; one of them will do."""
    return {table: columns for tables, columns in rows(KEYS) for table in tables}


def names_key(text: str, table: str, alias: str, columns: list[str]) -> bool:
    """Return whether a statement compares one of the columns, joins by it or stores it."""
    own = rf"(?:{table}|{alias or table})\."
    return any(
        re.search(
            rf"(?:{own}|(?<![\w.])){column}\s*(?:=|in\b)"
            rf"|=\s*(?:any\s*\()?{own}{column}\b"
            rf"|\busing\s*\([^)]*\b{column}\b"
            rf"|\binsert into {table}\s*(?:as \w+\s*)?\([^)]*\b{column}\b",
            text,
        )
        for column in columns
    )


def test_each_statement_names_what_its_tables_would_be_distributed_by() -> None:
    """But for those that docs/scaling.md lists, with what they find rows by instead."""
    of, found = keys(), set()
    for (path, name), statement in statements().items():
        text = COMMENT.sub("", statement.text)
        module = path.removeprefix("service/").removesuffix(".py").replace("/", ".")
        for table, alias in RELATION.findall(text):
            if table in of and not names_key(text, table, alias, of[table]):
                found.add((f"{module}.{name}", table))
    listed = {
        (statement, table)
        for names, tables, _ in rows(LEFT)
        for statement in names
        for table in tables
    }
    assert found == listed
