"""The documentation is of the code as it is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import asyncpg
import click
import pytest

from service.cli import main
from service.sessions.interface import SECTIONS
from tests.conventions import table_diagram
from tests.conventions.written import WRITTEN, check
from tests.support.serving import ROOT

DOCS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def found(pattern: str, *, code: bool = True) -> list[tuple[Path, Any]]:
    """Return what the pages have of this, each with its page; without ``code``, not in blocks."""
    texts = {page: page.read_text() for page in DOCS}
    if not code:
        texts = {
            page: re.sub(r"```.*?```", "", text, flags=re.DOTALL) for page, text in texts.items()
        }
    return [(page, each) for page, text in texts.items() for each in re.findall(pattern, text)]


def test_links_lead_somewhere() -> None:
    """Every file that a page links to is there."""
    links = found(r"\]\((?!https?:)([^)#]+)")
    assert [(page, link) for page, link in links if not (page.parent / link).exists()] == []


def test_files_that_are_named_exist() -> None:
    """A file that a page names is there, seen from the top or from a package."""
    pattern = r"`((?:[\w.-]+/)+[\w.-]+\.(?:css|csv|html|js|md|py|sql|toml|yml))`"
    tops = (ROOT, ROOT / "service", ROOT / "quart-locker/quart_locker", ROOT / "docs")
    missing = [
        (page, name)
        for page, name in found(pattern, code=False)
        if not any((top / name).exists() for top in tops)
    ]
    assert missing == []


def test_names_in_the_architecture_are_of_the_code() -> None:
    """What the page on the architecture names is called so in the code."""
    sources = [
        path
        for folder in ("service", "quart-locker", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".html", ".py", ".sql"}
    ]
    settings = (ROOT / "docs/settings.md").read_text()
    code = {
        *(word for path in sources for word in re.findall(r"\w+", path.read_text())),
        *(part for path in sources for part in path.with_suffix("").parts),
        *re.findall(r"`(LOCKER_\w+)`", settings),
    }
    text = re.sub(r"```.*?```", "", (ROOT / "docs/architecture.md").read_text(), flags=re.DOTALL)
    named = set(re.findall(r"`([A-Za-z_][\w.]*)(?:\(.*?\))?`", text))
    assert {name for name in named if not set(name.split(".")) <= code} == set()


def test_the_walk_leads_to_what_it_names() -> None:
    """Each answer of "Where would I change …" is one file, which has the name beside it."""
    page = (ROOT / "docs/architecture.md").read_text()
    walk = page.partition("| Where would I change … |")[2].partition("\n\n")[0]
    rows = walk.splitlines()[2:]
    assert len(rows) >= 10
    for row in rows:
        _, answer, name, _ = (cell.strip() for cell in row.split(" |"))
        ((shown, path),) = re.findall(r"\[`(.+?)`\]\(\.\./(.+?)\)", answer)
        assert shown == path
        defined = rf"^ *(?:(?:async )?def |class )?{name.strip('`')}\b[^\n]*[(:=]"
        assert re.search(defined, (ROOT / path).read_text(), re.MULTILINE), row


def test_tests_that_are_named_exist() -> None:
    """A page that says which test holds something names one that is there."""
    missing = []
    for page, (path, name) in found(r"`(tests/[\w/]+\.py)(?:::(\w+))?`"):
        source = (ROOT / path).read_text()
        if name and not re.search(rf"^(async )?def {name}\(", source, re.MULTILINE):
            missing.append((page, path, name))
    assert missing == []


def test_targets_of_make_exist() -> None:
    """Every target of `make` that a page names is there."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = found(r"(?:`|\$ )make ([a-z-]+)")
    assert [each for each in named if each[1] not in targets] == []


@pytest.mark.parametrize("part", WRITTEN)
def test_what_is_made_from_the_code_is_as_the_code(part: str) -> None:
    """Settings, commands and the folder map are what `make docs` writes."""
    page, render = WRITTEN[part]
    check(page, render())


async def test_the_diagram_of_the_tables_is_as_the_database(
    db: asyncpg.Connection[asyncpg.Record],
) -> None:
    """The diagram of the tables is what `make docs` draws of a migrated database."""
    check(table_diagram.PAGE, await table_diagram.render(db))


def test_a_page_that_is_behind_says_what_to_run(tmp_path: Path) -> None:
    """The check tells to run `make docs`, and shows what differs."""
    page = tmp_path / "page.md"
    page.write_text("one\nold\nthree\n")
    with pytest.raises(AssertionError) as caught:
        check(page, "one\nnew\nthree\n")
    assert str(caught.value).startswith("run: make docs\n")
    assert "\n-old\n+new\n" in str(caught.value)


def test_the_tables_are_complete() -> None:
    """The page on the architecture has every table of the migrations, and no other."""
    page = (ROOT / "docs/architecture.md").read_text()
    block = page.partition("| Tables |")[2].partition("## ")[0]
    named = {
        name
        for cell in re.findall(r"^\| (`.+?`) \|", block, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }
    made = {
        name
        for path in (ROOT / "service/migrations").glob("*.sql")
        for name in re.findall(r"^create table (\w+)", path.read_text(), re.MULTILINE)
    }
    assert named == made | {"migrations"}


def test_the_contract_has_what_the_code_refers_to() -> None:
    """A docstring that refers to a section of the contract finds it."""
    sections = set(re.findall(r"^## (.+)$", (ROOT / "docs/http-api.md").read_text(), re.MULTILINE))
    referred: set[str] = set()
    for folder in ("service", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for listed in re.findall(r'http-api, ((?:"[^"]+"(?: and )?)+)', path.read_text()):
                referred |= set(re.findall(r'"([^"]+)"', listed))
    assert referred
    assert referred <= sections


def test_commands_that_are_named_exist() -> None:
    """Every `locker` command that a page names is there, with the options it is given."""
    named = found(r"(?m)(?:`|^\$ |bin/)(locker [^`\n|>&]+)")
    assert named
    assert [(page, line) for page, line in named if not is_command(line)] == []


def is_command(line: str) -> bool:
    """Tell whether a line is a command of `locker`, with options that it has."""
    command: click.Command = main
    for word in shlex.split(line.replace("…", ""))[1:]:
        if isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
        elif word.startswith("--") and word != "--help":
            options = {name for each in command.params for name in each.opts}
            if word.partition("=")[0] not in options:
                return False
    return command is not main or "--data" in line


def test_every_section_of_the_session_is_shown() -> None:
    """The page on the architecture has the cookie of each section, in its diagram and in words."""
    page = (ROOT / "docs/architecture.md").read_text()
    shown, _, told = page.partition("## Decisions")
    for section in SECTIONS:
        assert f" session-{section} " in shown
        assert f"`session-{section}`" in told
