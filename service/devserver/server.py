"""A data folder and the server on it, from the first start to the one after a kill -9."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from service.devserver.programs import ENVIRONMENT, Account, DevServerError, Programs

# PostgreSQL enters its data folder and stays there. Named this way, the folder is found whatever
# the rights of the folders above it, and the socket's name is short enough whatever its path.
HERE = "/proc/self/cwd" if sys.platform == "linux" else None

PORT = "5432"  # part of the socket's name, nothing listens on it
SOCKET_PATH_LIMIT = 103  # of macOS; Linux has 107

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
    "min_wal_size": "32MB",  # the folder stays small: 1 GB of log by default
    "max_wal_size": "256MB",
    "log_checkpoints": "off",  # the log is for what went wrong
}
# For tests: what they write need not outlive the machine.
VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

READY_WITHIN = 60.0  # seconds; recovery after a crash is part of a start
GONE_WITHIN = 30.0


class PostgresServer:
    """PostgreSQL in ``folder``, reached over a private socket by whoever started it (and root).

    All methods raise DevServerError. The server ends with the process that started it, however
    that ends; on macOS a kill -9 leaves it running, and the next start says how to stop it.
    """

    dsn: str

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder.absolute()
        self._data = self.folder / "postgres"
        self._log = self.folder / "postgres.log"
        self._volatile = {} if durable else VOLATILE
        self._undo = ExitStack()

    def start(self) -> str:
        """Start, making the database on the first time; returns the DSN when it can be used.

        From the main thread: Linux ties the server to the thread that started it.
        """
        if threading.current_thread() is not threading.main_thread():
            raise DevServerError("start PostgreSQL from the main thread: it ends with its thread")
        try:
            with ExitStack() as undo:
                self._start(undo)
                self._undo = undo.pop_all()
        except OSError as error:
            raise DevServerError(f"can't use {self.folder}: {error}") from error
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

    def _start(self, undo: ExitStack) -> None:
        self._enter_folder()
        self._lock_folder(undo)
        held = self._await_previous(undo)
        self._rotate_log()
        account = Account.for_data(self._data)
        scratch = _Scratch(self.folder / "scratch", undo)
        programs = Programs(account, scratch.folder, self._log, held)
        if not self._data.exists():
            self._create(programs, account)
        self._check_version(programs.version())
        sockets = str(self._data)
        if len(f"{sockets}/.s.PGSQL.{PORT}") > SOCKET_PATH_LIMIT or "," in sockets:
            # Clients can't name such a path, the comma being their separator of hosts.
            alias = scratch.folder() / "data"
            alias.symlink_to(self._data)
            sockets = str(alias)
        self._grant_access(programs)
        process = self._launch(programs, sockets)
        undo.callback(_end, process)
        self._await_ready(programs, process, sockets)
        query = urllib.parse.urlencode({"host": sockets, "port": PORT})
        self.dsn = f"postgresql://locker@/locker?{query}"

    def _enter_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = {path.name for path in self.folder.iterdir()}
        if names and "owner.lock" not in names:
            raise DevServerError(
                f"{self.folder} is neither empty nor a data folder of Locker: name another one"
            )

    def _lock_folder(self, undo: ExitStack) -> None:
        """Ours until we end: a lock goes with its process, a pid in a file would not."""
        path = self.folder / "owner.lock"
        lock = _open(path, undo)
        if not _locked(lock):
            owner = path.read_text().strip()
            raise DevServerError(f"{self.folder} is in use by another Locker, process {owner}")
        os.truncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())

    def _await_previous(self, undo: ExitStack) -> int:
        """The server's lock, held by all its processes: free once the last of them has ended.

        After our kill -9 they may still be shutting down.
        """
        lock = _open(self.folder / "server.lock", undo)
        deadline = time.monotonic() + GONE_WITHIN
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise DevServerError(
                    f"a PostgreSQL of an earlier run still holds {self.folder}:"
                    f" stop it with `kill -INT {self._previous_pid()}`"
                )
            time.sleep(0.05)
        return lock

    def _rotate_log(self) -> None:
        """Two files at most: this run's and the one before, which may say why it ended."""
        with contextlib.suppress(FileNotFoundError):
            self._log.rename(self._log.with_suffix(".log.1"))
        self._log.touch(mode=0o600)

    def _create(self, programs: Programs, account: Account | None) -> None:
        """All in a folder beside, renamed at the end: there is no half-made database."""
        staging = self.folder / "postgres.new"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        if account:
            os.chown(staging, account.uid, account.gid)
        data = HERE or str(staging)
        try:
            programs.run(
                *("initdb", "-D", data, "--username=postgres", "--auth=reject"),
                *("--encoding=UTF8", "--locale=C"),
                # The same order of texts on every machine, whatever locales it has.
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--data-checksums", "--no-instructions"),
                *(["--no-sync"] if self._volatile else []),
                cwd=staging,
            )
            # As in production, the service is not the superuser. CREATEDB is for tests.
            programs.run(
                *("postgres", "--single", "-D", data, "-c", "exit_on_error=on"),
                *_options(self._volatile),
                "postgres",
                cwd=staging,
                text="CREATE ROLE locker LOGIN CREATEDB\nCREATE DATABASE locker OWNER locker\n",
            )
            staging.rename(self._data)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _check_version(self, ours: str) -> None:
        try:
            theirs = (self._data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise DevServerError(f"{self._data} is not a PostgreSQL data folder") from None
        if theirs != ours:
            raise DevServerError(
                f"{self._data} was made by PostgreSQL {theirs} and this is PostgreSQL {ours}:"
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
            programs.run("/bin/sh", "-c", f"cat > {name}", cwd=self._data, text=text)

    def _launch(self, programs: Programs, sockets: str) -> subprocess.Popen[bytes]:
        # Nobody lives in the folder any more, but PostgreSQL would believe a pid file whose number
        # now is a zombie's or another program's, and refuse. Told that it is its grandparent's
        # (as pg_ctl does) it goes by the shared memory instead, which can't be mistaken.
        previous = self._previous_pid()
        (self._data / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        return programs.spawn(
            *("postgres", "-D", HERE or str(self._data)),
            *("-c", f"unix_socket_directories={HERE or sockets}"),
            *_options(SETTINGS | self._volatile),
            cwd=self._data,
            env={"PG_GRANDPARENT_PID": previous},
        )

    def _previous_pid(self) -> str:
        try:
            return (self._data / "postmaster.pid").read_text().partition("\n")[0]
        except FileNotFoundError:
            return "0"

    def _await_ready(
        self, programs: Programs, process: subprocess.Popen[bytes], sockets: str
    ) -> None:
        probe = [programs.path("pg_isready"), "--quiet", "-h", sockets, "-p", PORT]
        deadline = time.monotonic() + READY_WITHIN
        while subprocess.run(probe, env=ENVIRONMENT, check=False).returncode != 0:  # noqa: S603
            if process.poll() is not None:
                raise programs.failure("PostgreSQL ended while starting")
            if time.monotonic() > deadline:
                raise programs.failure(f"PostgreSQL is not ready after {READY_WITHIN:.0f} s")
            time.sleep(0.02)


class _Scratch:
    """A folder of this run among the temporary ones, made when first asked for.

    A link in the data folder remembers it, so that one left by a kill -9 goes at the next start.
    """

    def __init__(self, link: Path, undo: ExitStack) -> None:
        self._link = link
        self._undo = undo
        self._remove()

    def folder(self) -> Path:
        if not self._link.is_symlink():
            made = Path(tempfile.mkdtemp(prefix="locker-"))
            made.chmod(0o711)
            self._link.symlink_to(made)
            self._undo.callback(self._remove)
        return self._link.readlink()

    def _remove(self) -> None:
        if self._link.is_symlink():
            shutil.rmtree(self._link.readlink(), ignore_errors=True)
            self._link.unlink()


def _open(path: Path, undo: ExitStack) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode=0o600)
    undo.callback(os.close, descriptor)
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _options(settings: dict[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; without one in time the immediate one, which costs a recovery."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GONE_WITHIN)
            return
