"""The service's source, for tests that read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support.serving import ROOT

MODULES = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "service").rglob("*.py"))}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def names(tree: ast.AST) -> set[str]:
    """Return every name that is read in the code, of variables and of attributes."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }


def texts(tree: ast.AST) -> Iterator[str]:
    """Yield every text of the code, docstrings left out; what is filled in later is ``?``."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "?" for part in values
                )
            case ast.Constant(value=str(text)) if id(node) not in docstrings | parts:
                yield text
