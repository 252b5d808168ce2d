"""What is imported with `quart_locker`: little of ours, and nothing of the shop's."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

OURS = {
    "quart_locker",
    "quart_locker.connection",
    "quart_locker.connection.counting",
    "quart_locker.connection.errors",
    "quart_locker.connection.extension",
    "quart_locker.connection.known_types",
    "quart_locker.connection.pool",
    "quart_locker.connection.visits",
    "quart_locker.errors",
    "quart_locker.sessions",
    "quart_locker.sessions.cookies",
    "quart_locker.sessions.interface",
    "quart_locker.sessions.jar",
    "quart_locker.sessions.model",
    "quart_locker.sessions.policy",
    "quart_locker.sessions.values",
}


def modules(code: str) -> set[str]:
    """Return what a process has imported after this, but for what Python starts with."""
    program = f"import sys; began = set(sys.modules); {code}; import json; print(json.dumps("
    program += "sorted(set(sys.modules) - began)))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def brought() -> set[str]:
    """What quart, itsdangerous and asyncpg bring by themselves."""
    return modules("import quart, quart.sessions, itsdangerous, asyncpg")


def test_these_modules_and_no_more(brought: set[str]) -> None:
    """The package imports Quart, itsdangerous and asyncpg, and of ours only its own modules."""
    imported = modules("import quart_locker") - brought
    assert {name for name in imported if name.startswith("quart_locker")} == OURS
    others = {name.partition(".")[0] for name in imported - OURS}
    known = {name.partition(".")[0] for name in brought}
    assert others - known - set(sys.stdlib_module_names) == set()


@pytest.mark.parametrize("part", ["sessions", "connection"])
def test_each_part_comes_with_the_package(part: str) -> None:
    """Nothing of the shop is behind either part."""
    imported = modules(f"import quart_locker.{part}")
    assert not {name for name in imported if name.partition(".")[0] == "service"}
    assert {"argon2", "msgspec", "babel", "structlog", "quart_auth"} & imported == set()
