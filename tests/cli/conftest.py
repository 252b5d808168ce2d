"""`locker` on databases of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.commands import ENDED_WITHIN, Locker, development, environment
from tests.support.forks import Forks


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """What runs the commands."""
    with Forks(environment({}), ENDED_WITHIN) as forks:
        yield forks


@pytest.fixture
def make_locker(forks: Forks, tmp_path: Path) -> Callable[..., Locker]:
    """Make a command with these settings: ``make_locker(DATABASE_URL=…)``."""

    def make(**settings: str) -> Locker:
        return Locker(
            forks, tmp_path, {f"LOCKER_{name}": value for name, value in settings.items()}
        )

    return make


@pytest.fixture
def url(own_url: str) -> str:
    """A database of this test's own, migrated."""
    return own_url


@pytest.fixture
def locker(make_locker: Callable[..., Locker], url: str) -> Locker:
    """The command, with a database ready for it."""
    return make_locker(**development(url))
