from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.devserver import PostgresServer
from tests.support.processes import Owner


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a new database, made once as that takes the most time."""
    folder = tmp_path_factory.mktemp("devserver") / "made"
    with PostgresServer(folder, durable=False):
        pass
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(_made: Path, tmp_path: Path) -> Iterator[Path]:
    """A data folder of the test's own, with a database on which no server runs."""
    yield Path(shutil.copytree(_made, tmp_path / "data"))
    shutil.rmtree(tmp_path)  # 40 MB; pytest would keep those of three runs


@pytest.fixture
def server(folder: Path) -> Iterator[PostgresServer]:
    """A server on `folder`, not started yet; stopped at the end if it was."""
    server = PostgresServer(folder)
    yield server
    server.stop()


@pytest.fixture
def own(folder: Path) -> Iterator[Callable[[], Owner]]:
    """Makes another process that starts a server on `folder`."""
    owners: list[Owner] = []

    def make() -> Owner:
        owners.append(Owner(folder))
        return owners[-1]

    yield make
    for owner in owners:
        owner.close()
