"""What holds for every statement of the service."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.conventions import table_access
from tests.support.serving import ROOT
from tests.support.source import MODULES, names, texts

SESSION_STATE = re.compile(
    r"""
      (?:^|;)\s* (?:
          (?:set|SET)\s+(?:session|role|time\s+zone|SESSION|ROLE|TIME\s+ZONE)\b
          | (?:set|SET)\s+[\w.]+\s*(?:=|to\b|TO\b)
          | (?i:reset|listen|unlisten|discard)\s+[\w*]+\s*(?:;|$)
          | (?i:prepare)\s+\w+\s*(?:\(|as\b|AS\b)
      )
    | (?i:\bpg_(?:try_)?advisory_lock(?:_shared)?\s*\()
    | (?i:\bset_config\s*\([^()]*,\s*false\s*\))
    | (?i:\bcreate\s+(?:local\s+|global\s+)?temp(?:orary)?\b)
    | (?i:\bwith\s+hold\b)
    """,
    re.VERBOSE,
)
CLIENT_STATE = {"add_listener", "set_type_codec", "set_builtin_type_codec", "reset_type_codec"}
EVERYTHING = re.compile(r"\b(?:select|returning)\s+(?:\w+\.)?\*", re.IGNORECASE)
WRITES = re.compile(
    r"\b(?:insert\s+into|(?<!do )(?<!for )(?<!key )update|delete\s+from)\s+(\w+|\?)", re.IGNORECASE
)
BY_TRIGGERS = {"listed_products", "listed_types", "vocabulary"}
EXECUTE = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor"}


@pytest.mark.parametrize(
    ("statement", "leaves_something"),
    [
        ("set search_path to other", True),
        ("SET SESSION statement_timeout = 0", True),
        ("begin; set role other", True),
        ("reset all", True),
        ("listen orders", True),
        ("select pg_advisory_lock(1)", True),
        ("select pg_try_advisory_lock(1)", True),
        ("select set_config('role', 'other', false)", True),
        ("create temp table t ()", True),
        ("declare c cursor with hold for select 1", True),
        ("prepare p as select 1", True),
        ("set local statement_timeout = 0", False),
        ("select pg_advisory_xact_lock(1)", False),
        ("select set_config('role', 'other', true)", False),
        ("update carts\nset lines = '[]'", False),
        ("Set LOCKER_DATABASE_URL to the primary", False),
        ("insert into t values (1) on conflict do update set a = 1", False),
    ],
)
def test_session_state_is_recognised(statement: str, *, leaves_something: bool) -> None:
    """The search finds what outlives a transaction, and nothing else."""
    assert bool(SESSION_STATE.search(statement)) is leaves_something


def test_nothing_is_left_on_a_connection() -> None:
    """No statement outlives its transaction, because nothing resets a connection on release."""
    assert found(SESSION_STATE) == []
    assert [path for path, tree in MODULES.items() if names(tree) & CLIENT_STATE] == []


def test_no_migration_leaves_anything() -> None:
    """No migration leaves anything on the connection that outlives its transaction."""
    migrations = (ROOT / "service/migrations").glob("*.sql")
    left = [
        path.name
        for path in migrations
        if SESSION_STATE.search(re.sub(r"--.*", "", path.read_text()))
    ]
    assert left == []


def test_columns_are_named() -> None:
    """Every column is named: after a migration ``*`` would be another list, and an error."""
    assert found(EVERYTHING) == []


def found(pattern: re.Pattern[str]) -> list[tuple[Path, str]]:
    """Return the texts of the code that have this in them, docstrings left out."""
    return [
        (path, text)
        for path, tree in MODULES.items()
        for text in texts(tree)
        if pattern.search(text)
    ]


def test_a_package_writes_its_own_tables() -> None:
    """No statement writes a table that docs/architecture.md says is another package's.

    What `locker purge` deletes is said by rules, so its statement names no table.
    """
    owners = table_access.owners()
    written: set[str] = set()
    wrong = []
    for path, tree in MODULES.items():
        package = ".".join(path.relative_to(ROOT / "service").parent.parts)
        for table in WRITES.findall(" ".join(texts(tree))):
            if table in owners and owners[table] != package:
                wrong.append(f"{path.relative_to(ROOT)} writes {table}")
            if table == "?" and package != "housekeeping":
                wrong.append(f"{path.relative_to(ROOT)} writes a table that it doesn't name")
            written.add(table)
    assert wrong == []
    assert owners.keys() - written == BY_TRIGGERS


def test_a_query_is_one_statement() -> None:
    """Each function of a `queries.py` sends one statement, so that they can be counted."""
    queries = [
        (path, node)
        for path, tree in MODULES.items()
        if path.name.endswith("queries.py")
        for node in tree.body
        if isinstance(node, ast.AsyncFunctionDef)
    ]
    assert queries
    assert [(path, query.name) for path, query in queries if statements(query) != 1] == []


def statements(query: ast.AST) -> int:
    """Return how often a function asks the connection to run something."""
    return sum(isinstance(node, ast.Attribute) and node.attr in EXECUTE for node in ast.walk(query))
