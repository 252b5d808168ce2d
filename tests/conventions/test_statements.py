"""What holds for every statement with named parameters, and for what they reach into."""

from __future__ import annotations

import ast
import importlib
import re

import asyncpg

from service.statements import Statement
from tests.conventions import table_access
from tests.support.serving import ROOT
from tests.support.source import MODULES, names, texts


def statements() -> dict[tuple[str, str], Statement]:
    """Return every statement of a module, by the module's path and its name there."""
    found = {}
    for path, tree in MODULES.items():
        if "Statement" not in names(tree):
            continue
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, value in vars(module).items():
            if isinstance(value, Statement):
                found[str(path.relative_to(ROOT)), name] = value
    return found


def test_parameters_have_names() -> None:
    """No text of the code has a parameter by its number."""
    numbered = [
        f"{path.relative_to(ROOT)}: {text.strip()[:60]}"
        for path, tree in MODULES.items()
        for text in texts(tree)
        if table_access.SQL.search(text) and re.search(r"\$\d", text)
    ]
    assert numbered == []


def test_calls_name_what_the_statement_names() -> None:
    """Each call of a statement names its parameters, no other and none twice.

    Where an object says some of them (``**event.parameters()``), the rest is left to it.
    """
    known, wrong, called = statements(), [], 0
    for path, tree in MODULES.items():
        place = str(path.relative_to(ROOT))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            statement = known.get((place, node.func.id))
            if statement is None:
                continue
            called += 1
            given = [each.arg for each in node.keywords]
            named = [each for each in given if each is not None]
            unknown = set(named) - set(statement.names)
            left = set(statement.names) - set(named)
            if unknown or bool(left) is not (None in given):
                wrong.append(f"{place}:{node.lineno} {node.func.id}")
    assert wrong == []
    assert called


def test_every_statement_is_used() -> None:
    """No statement is left over."""
    unused = [
        f"{path}: {name}"
        for path, name in statements()
        if len(re.findall(rf"\b{name}\b", (ROOT / path).read_text())) == 1
    ]
    assert unused == []


async def test_the_database_understands_every_statement(
    db: asyncpg.Connection[asyncpg.Record],
) -> None:
    """PostgreSQL can plan each, with as many parameters as it has names."""
    wrong = []
    for place, statement in statements().items():
        try:
            async with db.transaction():
                prepared = await db.prepare(statement.text)
        except asyncpg.PostgresError as error:
            wrong.append(f"{place}: {error}")
        else:
            assert len(prepared.get_parameters()) == len(statement.names), place
    assert wrong == []


def test_packages_read_what_the_architecture_says() -> None:
    """A package reads its own tables, and of others those that docs/architecture.md lists."""
    assert table_access.read_across() == table_access.listed()
