"""How the code is laid out, in figures.

    python -m benchmarks.house

says how many rooms the project has (modules and packages at the top), which are loose files, how
many lambdas, which imports the contracts of pyproject.toml let through, what writes the table
`logins`, and which names of types stand for two things.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = [ROOT / "service", ROOT / "quart-locker" / "quart_locker"]
WRITES = re.compile(r"\b(insert into|update|delete from) logins\b")


def main() -> None:
    rooms = sorted(path for package in PACKAGES for path in _rooms(package))
    loose = [_named(path) for path in rooms if path.suffix == ".py"]
    lambdas = [where for where, node in nodes() if isinstance(node, ast.Lambda)]
    through = imports_let_through()
    report("rooms", [_named(path) for path in rooms])
    report("loose files", loose)
    report("lambdas", lambdas)
    report("ignored imports", through)
    report("functions that write logins", writers())
    report("names with two meanings", ambiguous_names())


def report(what: str, found: list[str]) -> None:
    print(f"{what}: {len(found)}")
    for each in found:
        print(f"    {each}")


def _rooms(package: Path) -> Iterator[Path]:
    for path in package.iterdir():
        is_package = (path / "__init__.py").is_file()
        if is_package or (path.suffix == ".py" and path.name != "__init__.py"):
            yield path


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Return each module of the project, with its path."""
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            yield _named(path), ast.parse(path.read_text())


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for name, tree in modules():
        for node in ast.walk(tree):
            yield f"{name}:{getattr(node, 'lineno', 0)}", node


def imports_let_through() -> list[str]:
    """Return the imports that a contract forbids and an exception of it allows."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    graph = grimp.build_graph(*(package.name for package in PACKAGES))
    found = set()
    for contract in settings["tool"]["importlinter"]["contracts"]:
        for exception in contract.get("ignore_imports", ()):
            found |= {
                f"{each['importer']} -> {each['imported']}"
                for each in graph.find_matching_direct_imports(exception)
            }
    return sorted(found)


def writers() -> list[str]:
    """Return the functions and constants whose SQL writes the table of logins."""
    found = []
    for name, tree in modules():
        for statement in tree.body:
            texts = (
                node.value
                for node in ast.walk(statement)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )
            if any(WRITES.search(text) for text in texts):
                found.append(f"{name}:{statement.lineno}")
    return found


def ambiguous_names() -> list[str]:
    """Return the names of classes and of other types that are defined in two places."""
    places = defaultdict(list)
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(f"{name}:{node.lineno}")
        for statement in tree.body:
            if alias := _alias(statement):
                places[alias.lstrip("_")].append(f"{name}:{statement.lineno}")
    return sorted(f"{name}: {', '.join(where)}" for name, where in places.items() if len(where) > 1)


def _alias(statement: ast.stmt) -> str | None:
    """Return the name that a statement gives to a type, such as `Rule = Callable[…]`."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript() | ast.BinOp()):
            return name if name.lstrip("_")[:1].isupper() and not name.isupper() else None
    return None


if __name__ == "__main__":
    main()
