"""Which package reads which table, from the SQL in the code and from ``docs/architecture.md``.

A fragment that one package offers another is in the package that offers it, so what a package
says itself is what it does to tables.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tests.support.serving import ROOT
from tests.support.source import MODULES, texts

PAGE = ROOT / "docs" / "architecture.md"
HEADING = "| Statements of | read, of others |"

SQL = re.compile(r"\b(?:select|insert\s+into|update|delete\s+from|join)\b")
_RELATION = r"\w+(?:\s+(?:as\s+)?\w+)?"
READ = re.compile(rf"\b(?:from|join)\s+(?P<tables>{_RELATION}(?:\s*,\s*{_RELATION})*)")
COMMENT = re.compile(r"--[^\n]*")


def owners() -> dict[str, str]:
    """Return which package each table is of, as the page says."""
    owned: dict[str, str] = {}
    for tables, packages in _rows("| Tables |"):
        of = packages if len(packages) > 1 else packages * len(tables)
        owned |= dict(zip(tables, of, strict=True))
    return owned


def listed() -> dict[str, set[str]]:
    """Return the tables of others that each package reads, as the page says."""
    return {packages[0]: set(tables) for packages, tables in _rows(HEADING)}


def read_across() -> dict[str, set[str]]:
    """Return the tables of others that each package reads, as its SQL says."""
    of = owners()
    read = defaultdict(set)
    for package, text in _statements():
        for found in READ.finditer(text):
            for relation in re.split(r"\s*,\s*", found["tables"]):
                table = relation.split()[0]
                if of.get(table, package) != package:
                    read[package].add(table)
    return dict(read)


def _rows(heading: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield what the first two cells of each row of a table name."""
    block = PAGE.read_text().partition(heading)[2].partition("\n\n")[0]
    for line in block.splitlines():
        first, _, second = line.strip("| ").partition("|")
        named = re.findall(r"`([\w.]+)`", first)
        if named:
            yield named, re.findall(r"`([\w.]+)`", second.partition("|")[0])


def _statements() -> Iterator[tuple[str, str]]:
    for path, tree in MODULES.items():
        package = ".".join(path.relative_to(ROOT / "service").parent.parts)
        for text in texts(tree):
            if SQL.search(text):
                yield package, COMMENT.sub("", text)
