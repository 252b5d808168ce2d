"""`locker health` asks the service where it listens, whatever the settings."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.cli.probe import _connect
from service.devserver import become
from tests.support.commands import ENDED_WITHIN, LOCKER, Locker, environment
from tests.support.keys import KEY

Make = Callable[..., Locker]

ROOT = Path(__file__).parents[2]


def production(bind: str, folder: Path) -> dict[str, str]:
    """Return settings that a probe by `Host`, or a reader of plain variables, would trip over."""
    hosts = folder / "hosts"
    hosts.write_text("*.shop.example\n")
    key = folder / "key"
    key.write_text(KEY)
    return {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "SECRET_KEY_FILE": str(key),
        "ALLOWED_HOSTS_FILE": str(hosts),
        "BIND": bind,
    }


@contextmanager
def served(locker: Locker) -> Iterator[None]:
    """Serve with these settings until the block ends."""
    process = subprocess.Popen(
        [sys.executable, become.__file__, str(os.getpid()), "-", *LOCKER, "serve"],
        cwd=ROOT,
        env=environment(locker.environ),
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr
        for line in process.stderr:
            if b"Running on" in line:
                break
        yield
    finally:
        process.kill()
        process.communicate(timeout=ENDED_WITHIN)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "0.0.0.0:{}", "[::]:{}", "[::1]:{}", "unix:{}"])
def test_healthy(make_locker: Make, tmp_path: Path, form: str) -> None:
    """`locker health` finds a service well on any port, address and socket."""
    bind = form.format(tmp_path / "socket" if form.startswith("unix") else free_port())
    locker = make_locker(**production(bind, tmp_path))
    with served(locker):
        ended = locker("health")
    assert (ended.status, ended.output, ended.errors) == (0, "", "")
    ended = locker("health")
    assert (ended.status, ended.errors.count("\n")) == (1, 1)
    assert f"no answer on {bind}" in ended.errors


def test_something_else_answers(make_locker: Make, tmp_path: Path) -> None:
    """`locker health` doesn't take what listens there and says nothing sensible for well."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.listen()
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        process = subprocess.Popen(
            [*LOCKER, "health"],
            cwd=tmp_path,
            env=environment(make_locker(**production(bind, tmp_path)).environ),
            stderr=subprocess.PIPE,
        )
        connection, _ = other.accept()
        connection.sendall(b"SSH-2.0\r\n")
        connection.close()
        _, errors = process.communicate(timeout=ENDED_WITHIN)
    assert process.returncode == 1
    assert b"no answer" in errors


@pytest.mark.parametrize("bind", ["fd://3", "127.0.0.1:0", "unix:/no/such/socket"])
def test_nowhere_to_ask(bind: str) -> None:
    """`locker health` fails in one line where nobody can be asked."""
    with pytest.raises((OSError, ValueError)):
        _connect(bind)
