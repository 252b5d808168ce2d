"""The worked examples of CONTRIBUTING work."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import asyncpg
import pytest

from tests.support.serving import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
NEEDED = ("service", "quart-locker", "tests", "docs", "pyproject.toml", "hypercorn.toml")
COMMAND = re.compile(r"\$ (?:\w+=\S+ )*\.venv/bin/pytest (.*)")


def section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in found]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the tests read, in a folder of its own."""
    for name in filter(lambda each: (ROOT / each).exists(), NEEDED):
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, tmp_path)
        else:
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    return tmp_path


def run(copy: Path, server_url: str, program: str, *arguments: str) -> str:
    env = {**os.environ, "LOCKER_TEST_DATABASE_URL": server_url}
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        cwd=copy,
        env={name: env[name] for name in env if not name.startswith(("PYTEST_", "COV_"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_add_a_route(copy: Path, server_url: str) -> None:
    """The route of the worked example passes the tests that the page names, and its own."""
    page, changed = section("Add a route"), []
    for step in re.split(r"^\d\. ", page, flags=re.MULTILINE)[1:]:
        for block in blocks(step, "python"):
            (path,) = re.findall(r"`((?:service|tests)/\S+\.py)`", step)
            text = (copy / path).read_text()
            for name, module in re.findall(r"imports `(\w+)` from `([\w.]+)`", step):
                text = text.replace(f"from {module} import ", f"from {module} import {name}, ")
            before, first, after = text.partition("\nVISITS = [\n")
            if first:
                text = before + first + f"    {block.strip()},\n" + after
            else:
                text += f"\n\n{block}"
            (copy / path).write_text(text)
            changed.append(path)
    assert len(changed) == 5
    run(copy, server_url, "ruff", "check", *changed)
    run(copy, server_url, "ruff", "format", "--check", *changed)
    for command in [
        *COMMAND.findall(page),
        "tests/orders/test_history.py -k test_orders_are_counted",
    ]:
        told = run(copy, server_url, "pytest", *shlex.split(command), "-q", "-n", "0")
        assert "passed" in told


async def test_add_a_migration(db: asyncpg.Connection[asyncpg.Record]) -> None:
    """The migrations of the worked example apply, one after the other."""
    examples = blocks(section("Add a migration"), "sql")
    assert len(examples) == 2
    for example in examples:
        await db.execute(example)
    assert await db.fetchval("select count(*) from orders where gift_message is null") == 0


@pytest.mark.parametrize("command", COMMAND.findall(PAGE))
def test_tests_that_commands_name_exist(command: str) -> None:
    """What the page lets pytest run is there."""
    for word in shlex.split(command):
        if word.startswith("tests/"):
            path, _, name = word.partition("::")
            assert (ROOT / path).exists(), word
            assert not name or f"def {name}(" in (ROOT / path).read_text(), word
