"""The data folder: whose it is, who still lives in it, and what else lies there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from service.errors import DevServerError

GONE_WITHIN = 20.0  # seconds that a shutdown may take, its last checkpoint included


class DataFolder:
    """Holds `postgres/` with the database, two locks and two logs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "postgres"
        self.staging = path / "postgres.new"
        self.log = path / "postgres.log"
        self._scratch = path / "scratch"

    def claim(self, undo: ExitStack) -> int:
        """Make it ours until ``undo`` and wait for what an earlier owner left running.

        Returns the file descriptor of the server's lock, for its processes to inherit.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner, server = self.path / "owner.lock", self.path / "server.lock"
        if any(self.path.iterdir()) and not owner.exists():
            raise DevServerError(
                f"{self.path} is neither empty nor a data folder of Locker: name another one"
            )
        self._lock_owner(owner, undo)
        held = self._lock_server(server, undo)
        self._remove_scratch()
        with contextlib.suppress(FileNotFoundError):
            self.log.rename(self.log.with_suffix(".log.1"))  # may say why the last run ended
        self.log.touch(mode=0o600)
        return held

    def is_in_use(self) -> bool:
        """Return whether another process has claimed it."""
        with ExitStack() as undo:
            try:
                return not _locked(_open(self.path / "owner.lock", undo))
            except OSError as error:
                raise DevServerError(f"can't use {self.path}: {error}") from error

    def postmaster(self) -> str:
        """The number in the pid file, by now perhaps another process's; empty if there is none."""
        try:
            pid = (self.data / "postmaster.pid").read_text().partition("\n")[0]
        except FileNotFoundError:
            return ""
        return pid if pid.isdecimal() else ""

    def sockets(self) -> Path:
        """Where the server that runs here has its socket, for programs other than its own."""
        alias = self._scratch / "data"
        return alias.parent.readlink() / "data" if alias.is_symlink() else self.data

    def scratch(self, undo: ExitStack) -> Path:
        """A folder among the temporary ones that everybody can enter, made when first asked for.

        A link remembers it, so that one left by a kill -9 goes at the next start.
        """
        if not self._scratch.is_symlink():
            made = Path(tempfile.mkdtemp(prefix="locker-"))
            made.chmod(0o711)
            self._scratch.symlink_to(made)
            undo.callback(self._remove_scratch)
        return self._scratch.readlink()

    def _remove_scratch(self) -> None:
        if self._scratch.is_symlink():
            shutil.rmtree(self._scratch.readlink(), ignore_errors=True)
            self._scratch.unlink()

    def _lock_owner(self, path: Path, undo: ExitStack) -> None:
        """A lock ends with its process, where a pid in a file would have to be believed."""
        lock = _open(path, undo)
        if not _locked(lock):
            owner = path.read_text().strip()
            raise DevServerError(f"{self.path} is in use by another Locker, process {owner}")
        os.truncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())

    def _lock_server(self, path: Path, undo: ExitStack) -> int:
        """Every process of the server keeps this one: it is free once the last of them ended."""
        lock = _open(path, undo)
        deadline = time.monotonic() + GONE_WITHIN
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise DevServerError(
                    f"a PostgreSQL of an earlier run still holds {self.path}:"
                    f" stop it with `kill -INT {self.postmaster()}`"
                )
            time.sleep(0.05)
        return lock


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
