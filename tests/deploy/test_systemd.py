"""The units for systemd, and processes that share a socket as those do."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from service.devserver import become
from service.settings import Settings
from tests.support.serving import PROGRAMS, ROOT, environment
from tests.support.shopping import API

UNITS = ROOT / "deploy/systemd"
EXPOSED = 2.0
"""Of 10, by `systemd-analyze security`: what has no sandbox has 9.6."""
READY_WITHIN = 30.0

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with nothing but these units, and what they start."""
    folder = tmp_path / "etc/systemd/system"
    shutil.copytree(UNITS, folder)
    brought = ("sysinit", "basic", "sockets", "timers", "multi-user", "network-online", "shutdown")
    for name in brought:
        (folder / f"{name}.target").write_text(f"[Unit]\nDescription={name}\n")
    (folder / "-.mount").write_text("[Unit]\nDescription=/\n[Mount]\nWhat=none\nWhere=/\n")
    program = tmp_path / "opt/locker/bin/locker"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path


def analyze(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", f"--root={root}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def instances() -> list[str]:
    """Return the units' names, a template's with an instance."""
    suffixes = {".service", ".socket", ".timer"}
    names = [path.name for path in UNITS.iterdir() if path.suffix in suffixes]
    return sorted(name.replace("@.", "@1.") for name in names)


@needs_systemd
def test_verified(root: Path) -> None:
    """Systemd finds nothing wrong with any of them."""
    assert analyze(root, "verify", "--man=no", *instances()) == ""


@needs_systemd
@pytest.mark.parametrize("name", [name for name in instances() if name.endswith(".service")])
def test_sandboxed(root: Path, name: str) -> None:
    """Each service has the sandbox that is written once for all of them."""
    said = analyze(root, "security", "--offline=true", "--no-pager", name)
    (level,) = re.findall(r"Overall exposure level for \S+: (\d+\.\d+)", said)
    assert float(level) < EXPOSED


@contextmanager
def process(settings: Settings, listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    """Run one process on the socket, with the variables of the unit."""
    variables = environment(settings) | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{ROOT / 'quart-locker'}",
        "LOCKER_BIND": f"fd://{listener.fileno()}",
        "LOCKER_DRAIN_TIME": "0",
    }
    command = (sys.executable, become.__file__, str(os.getpid()), "-", str(PROGRAMS / "locker"))
    started = subprocess.Popen(
        [*command, "serve"],
        env=variables,
        pass_fds=[listener.fileno()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert started.stderr
        for line in started.stderr:
            if b"Running on" in line:
                break
        yield started
    finally:
        started.kill()
        started.communicate()


def test_one_of_two_killed(settings: Settings) -> None:
    """Two processes share a socket; while one is killed and one comes anew, the other answers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def visit() -> None:
        assert httpx.get(f"{url}{API}/cart", timeout=READY_WITHIN).status_code == 200

    with listener, process(settings, listener) as one, process(settings, listener) as other:
        one.send_signal(signal.SIGKILL)
        one.wait()
        for _ in range(20):
            visit()
        with process(settings, listener):
            # That ends as systemd would end it, with 0; the one that just came answers.
            other.terminate()
            assert other.wait(timeout=READY_WITHIN) == 0
            for _ in range(20):
                visit()


def test_nobody_is_refused_while_none_runs(settings: Settings) -> None:
    """Who comes while no process runs waits in the socket for the next, as after a crash."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=128) as listener,
        socket.create_connection(listener.getsockname(), READY_WITHIN) as early,
    ):
        early.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        with process(settings, listener):
            assert early.recv(4096).startswith(b"HTTP/1.1 200")
