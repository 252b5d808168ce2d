"""`locker` as its users start it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from service.migrations import migrate
from tests.support.databases import empty_database
from tests.support.keys import KEY

ENDED_WITHIN = 30.0  # seconds
LOCKER = (sys.executable, "-m", "service.cli")


@dataclass(frozen=True)
class Ended:
    """A command that ran to its end."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True)
class Locker:
    """Runs `locker`, in ``folder`` and with nothing in the environment but ``environ``."""

    folder: Path
    environ: Mapping[str, str]

    def __call__(self, *arguments: str, text: str = "") -> Ended:
        ran = subprocess.run(
            [*LOCKER, *arguments],
            cwd=self.folder,
            env=environment(self.environ),
            input=text.encode(errors="surrogateescape"),
            capture_output=True,
            timeout=ENDED_WITHIN,
            check=False,
        )
        errors = ran.stderr.decode()
        assert "Traceback" not in errors, errors
        return Ended(ran.returncode, ran.stdout.decode(), errors)

    def at_once(self, times: int, arguments: Sequence[str]) -> list[Ended]:
        """Run the same command several times at the same time."""
        running = [
            subprocess.Popen(
                [*LOCKER, *arguments],
                cwd=self.folder,
                env=environment(self.environ),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(times)
        ]
        ended = []
        for process in running:
            output, errors = process.communicate(timeout=ENDED_WITHIN)
            ended.append(Ended(process.returncode, output, errors))
        return ended


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the process needs to run at all, and what it was given."""
    root = Path(__file__).parents[2]
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(root), **environ}


@pytest.fixture
def make_locker(tmp_path: Path) -> Callable[..., Locker]:
    """Make a command with these settings: ``make_locker(DATABASE_URL=…)``."""

    def make(**settings: str) -> Locker:
        return Locker(tmp_path, {f"LOCKER_{name}": value for name, value in settings.items()})

    return make


@pytest.fixture
async def empty_url(server_url: str) -> AsyncIterator[str]:
    """A database without tables."""
    async with empty_database(server_url) as url:
        yield url


@pytest.fixture
async def url(empty_url: str) -> str:
    """A database of this test's own, migrated."""
    db = await asyncpg.connect(empty_url)
    await migrate(db)
    await db.close()
    return empty_url


@pytest.fixture
def locker(make_locker: Callable[..., Locker], url: str) -> Locker:
    """The command, with a database ready for it."""
    return make_locker(**development(url))


def development(url: str) -> dict[str, str]:
    """Return the settings that commands need."""
    return {
        "ENVIRONMENT": "development",
        "DATABASE_URL": url,
        "SECRET_KEY": KEY,
        "ARGON2": "64,1,1",
    }
