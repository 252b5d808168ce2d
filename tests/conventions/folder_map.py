"""The map of folders in ``docs/architecture.md``, made from what each module says of itself."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.support.serving import ROOT

PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- make docs: folders -->\n", "<!-- end of folders -->\n"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = [
    ROOT / name for name in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
]
WITHOUT_CODE = {
    "static": "Styles, scripts and drawings of the pages; under `vendor/` what others made.",
    "templates": "The pages, a folder for each feature.",
}
"""Folders that say nothing of themselves."""
OPENED = {"http"}
"""Folders of which the map shows what is in them, as each file there is a thing of its own."""
AROUND = {
    "tests": "Mirrors the packages; `conventions/` has what is true of every route and statement.",
    "benchmarks": "Locker beside its peers (`make bench`), a year of a shop, the house in figures.",
    "deploy": "Compose, Kubernetes, systemd, proxies; the tests check and use all of it.",
    "examples": "Three applications that have the session and the connection without the shop.",
    "docs": "This page and its neighbours; `README.md` lists them.",
    ".ci": "What is run before a change is taken: `run`.",
}


def render() -> str:
    """Return the page with the map as it should be."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest[rest.index(END) :]
    return before + BEGIN + "".join(f"{line}\n" for line in _lines()) + after


def _lines() -> Iterator[str]:
    for package in PACKAGES:
        text = _first_paragraph(package / "__init__.py")
        yield from ("", f"**`{package.relative_to(ROOT)}/`**: {text}", "", "| | |", "|---|---|")
        yield from _rows(package, package)
    yield from ("", "**Around it**", "", "| | |", "|---|---|")
    for name, text in AROUND.items():
        assert (ROOT / name).is_dir(), name
        yield f"| [`{name}/`](../{name}) | {text} |"
    yield ""


def _rows(folder: Path, package: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir(), key=lambda each: (each.is_file(), each.name)):
        if path.name.startswith("__") or not (path.suffix == ".py" or any(_files(path))):
            continue
        code = path / "__init__.py" if path.is_dir() else path
        text = _first_paragraph(code) if code.exists() else WITHOUT_CODE[path.name]
        name = f"{path.relative_to(package)}{'/' if path.is_dir() else ''}"
        yield f"| [`{name}`](../{path.relative_to(ROOT)}) | {text} |"
        if path.name in OPENED:
            yield from _rows(path, package)


def _files(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder but for what Python compiled, also where that is left of it."""
    return (path for path in folder.rglob("*.*") if "__pycache__" not in path.parts)


def _first_paragraph(path: Path) -> str:
    """Return what the module says of itself; backticks as Markdown has them."""
    text = ast.get_docstring(ast.parse(path.read_text()))
    assert text, f"{path} doesn't say what it is"
    return " ".join(text.split("\n\n")[0].replace("``", "`").split())
