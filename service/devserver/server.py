"""The server on a data folder, from its first start to the one after a kill -9."""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from service.devserver.folder import GONE_WITHIN, DataFolder
from service.devserver.programs import ENVIRONMENT, Programs, SystemUser
from service.errors import DevServerError

# PostgreSQL enters its data folder and stays there. Named this way, the folder is found whatever
# the rights of the folders above it, and the socket in it has a short name whatever its path.
HERE = "/proc/self/cwd" if sys.platform == "linux" else None

PORT = "5432"  # part of the socket's name, nothing listens on it
SOCKET_PATH_LIMIT = 103  # bytes on macOS; 107 on Linux

SETTINGS = {
    "listen_addresses": "",  # the socket is enough, and private
    "port": PORT,
    "unix_socket_permissions": "0700",
    "cluster_name": "locker",  # tells it apart in `ps`
    "timezone": "UTC",  # else the zone of the machine that made the folder
    "log_timezone": "UTC",
    "shared_buffers": "64MB",  # half the default; a shop at a desk fits
    "io_method": "sync",  # no worker processes for reads that the page cache answers
    "wal_level": "minimal",  # nobody replicates from here
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "min_wal_size": "32MB",  # the folder stays small: the default lets it grow to 1 GB
    "max_wal_size": "256MB",
    "log_checkpoints": "off",  # the log is for what went wrong
}
# Tests take these: what they write need not outlive a crash.
VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

READY_WITHIN = 60.0  # seconds; recovery after a crash is part of a start


class PostgresServer:
    """PostgreSQL in ``folder``, over a socket that only the user who started it can reach.

    There are the role and database `locker`, and the superuser `postgres` by the same socket.
    The server ends with the process that started it, however that ends. (On macOS a kill -9
    leaves it running; the next start says how to stop it.) ``settings`` of postgresql.conf win
    over ours. Methods raise DevServerError.
    """

    dsn: str

    def __init__(
        self, folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None
    ) -> None:
        self._folder = DataFolder(folder.absolute())
        self._volatile = {} if durable else VOLATILE
        self._settings = {**SETTINGS, **self._volatile, **(settings or {})}
        self._undo = ExitStack()

    def start(self) -> str:
        """Start, making the database the first time; returns the DSN once it can be used.

        The folder must be empty or from an earlier start. Only in the main thread: Linux ties
        the server's life to the thread that started it.
        """
        if threading.current_thread() is not threading.main_thread():
            raise DevServerError(
                "start PostgreSQL from the main thread: it would end with this one"
            )
        try:
            with ExitStack() as undo:
                self.dsn = self._start(undo)
                self._undo = undo.pop_all()
        except OSError as error:
            raise DevServerError(f"can't use {self._folder.path}: {error}") from error
        atexit.register(self.stop)
        return self.dsn

    def stop(self) -> None:
        """End every session and shut down; does nothing when not started."""
        atexit.unregister(self.stop)
        self._undo.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self, undo: ExitStack) -> str:
        folder = self._folder
        held = folder.claim(undo)
        user = SystemUser.for_data(folder.data)
        programs = Programs(user, partial(folder.scratch, undo), folder.log, held)
        if not folder.data.exists():
            self._create(programs, user)
        self._check_version(programs.version)
        if user:
            user.own(folder.data)
        self._grant_access(programs)
        sockets = self._socket_folder(undo)
        process = self._launch(programs, sockets)
        undo.callback(_end, process)
        self._await_ready(programs, process, sockets)
        return _dsn(sockets)

    def _create(self, programs: Programs, user: SystemUser | None) -> None:
        """All in a folder beside, renamed at the end: there is no half-made database."""
        staging = self._folder.staging
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        if user:
            user.own(staging)
        data = HERE or str(staging)
        try:
            programs.run(
                *("initdb", "-D", data, "--username=postgres", "--auth=reject"),
                # This provider sorts texts alike on every machine, whatever locales it has.
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--encoding=UTF8", "--data-checksums", "--no-instructions"),
                *(["--no-sync"] if self._volatile else []),
                cwd=staging,
            )
            # The service isn't the superuser, as in production. CREATEDB is for the tests.
            programs.run(
                *("postgres", "--single", "-D", data, "-c", "exit_on_error=on"),
                *(*_options(self._volatile), "postgres"),
                cwd=staging,
                text="CREATE ROLE locker LOGIN CREATEDB\nCREATE DATABASE locker OWNER locker\n",
            )
            staging.rename(self._folder.data)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _check_version(self, ours: str) -> None:
        data = self._folder.data
        try:
            theirs = (data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise DevServerError(f"{data} is not a PostgreSQL data folder") from None
        if theirs != ours:
            raise DevServerError(
                f"{data} was made by PostgreSQL {theirs} and this is PostgreSQL {ours}:"
                f" name another folder, or move the data with pg_dump of {theirs}"
            )

    def _grant_access(self, programs: Programs) -> None:
        """The kernel vouches for the user at the other end of the socket; no password to keep.

        Written by the server's user: root must not write where another user can place a link.
        """
        user = pwd.getpwuid(os.geteuid()).pw_name
        for name, text in {
            "pg_hba.conf": "local all all peer map=locker\n",
            "pg_ident.conf": f'locker "{user}" locker\nlocker "{user}" postgres\n',
        }.items():
            programs.run("/bin/sh", "-c", f"cat > {name}", cwd=self._folder.data, text=text)

    def _socket_folder(self, undo: ExitStack) -> str:
        """The data folder, which is private, or another name for it that a DSN can hold."""
        folder = str(self._folder.data)
        length = len(os.fsencode(f"{folder}/.s.PGSQL.{PORT}"))
        if length > SOCKET_PATH_LIMIT or "," in folder:  # a comma separates hosts
            alias = self._folder.scratch(undo) / "data"
            alias.symlink_to(folder)
            return str(alias)
        return folder

    def _launch(self, programs: Programs, sockets: str) -> subprocess.Popen[bytes]:
        data = self._folder.data
        # No server uses this folder any more, as the lock told. But PostgreSQL would believe a pid
        # file whose number is now a zombie's or another program's. Told that this number is its
        # grandparent's (as pg_ctl does) it goes by the shared memory instead, which can't be
        # mistaken and still shows a server that was started by hand.
        previous = self._folder.postmaster()
        if not previous:  # cut short in writing: PostgreSQL would ask for its removal by hand
            (data / "postmaster.pid").unlink(missing_ok=True)
            (data / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        return programs.spawn(
            *("postgres", "-D", HERE or str(data)),
            *("-c", f"unix_socket_directories={HERE or sockets}"),
            *_options(self._settings),
            cwd=data,
            env={"PG_GRANDPARENT_PID": previous},
        )

    def _await_ready(
        self, programs: Programs, process: subprocess.Popen[bytes], sockets: str
    ) -> None:
        probe = [programs.path("pg_isready"), "--quiet", "-h", sockets, "-p", PORT]
        ours = str(process.pid)  # another server may answer, but the data must be with ours
        deadline = time.monotonic() + READY_WITHIN
        while self._folder.postmaster() != ours or _fails(probe):
            if process.poll() is not None:
                raise programs.failure("PostgreSQL ended while starting")
            if time.monotonic() > deadline:
                raise programs.failure(f"PostgreSQL is not ready after {READY_WITHIN:.0f} s")
            time.sleep(0.02)


@contextmanager
def reach(folder: Path) -> Iterator[str]:
    """Give the DSN of the database in a folder: of the server that runs there, or of one of ours.

    One of ours ends with the block. Raises DevServerError where nothing was ever kept.
    """
    known = DataFolder(folder.absolute())
    if not known.data.exists():
        raise DevServerError(
            f"{folder} holds no shop: `make run` or `locker dev --data {folder}` makes one"
        )
    if known.is_in_use():
        yield _dsn(str(known.sockets()))
    else:
        with PostgresServer(folder) as server:
            yield server.dsn


def _dsn(sockets: str) -> str:
    return f"postgresql://locker@/locker?{urllib.parse.urlencode({'host': sockets, 'port': PORT})}"


def _fails(command: list[str]) -> bool:
    return subprocess.run(command, env=ENVIRONMENT, check=False).returncode != 0  # noqa: S603


def _options(settings: dict[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; if that takes too long the immediate one, which costs a recovery."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GONE_WITHIN)
            return
