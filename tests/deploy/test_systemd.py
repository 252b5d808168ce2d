"""The units for systemd, and processes that share a socket as those do."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from service.devserver import become
from service.settings import Settings
from tests.support.serving import PROGRAMS, ROOT, environment
from tests.support.shopping import API

pytestmark = pytest.mark.slow

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
    """Systemd finds nothing wrong with any of the units."""
    assert analyze(root, "verify", "--man=no", *instances()) == ""


@needs_systemd
@pytest.mark.parametrize("name", [name for name in instances() if name.endswith(".service")])
def test_sandboxed(root: Path, name: str) -> None:
    """Each service of systemd has the sandbox that is written once for all of them."""
    said = analyze(root, "security", "--offline=true", "--no-pager", name)
    (level,) = re.findall(r"Overall exposure level for \S+: (\d+\.\d+)", said)
    assert float(level) < EXPOSED


Start = Callable[[socket.socket], subprocess.Popen[bytes]]


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Start a process on the socket, as systemd does by the unit."""
    unit = configparser.RawConfigParser(strict=False)
    unit.read(UNITS / "locker-web@.service")
    program = (sys.executable, become.__file__, str(os.getpid()), "-", str(PROGRAMS / "locker"))
    variables = environment(settings) | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{ROOT / 'quart-locker'}",
        "LOCKER_DRAIN_TIME": "0",
    }
    started = []

    def start(listener: socket.socket) -> subprocess.Popen[bytes]:
        # systemd sets or clears the flag, which all share who have the socket.
        listener.setblocking(unit["Service"].get("NonBlocking", "no") != "yes")
        number = listener.fileno()
        process = subprocess.Popen(
            [*program, "serve"],
            env=variables | {"LOCKER_BIND": f"fd://{number}"},
            pass_fds=[number],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def await_running(process: subprocess.Popen[bytes]) -> None:
    assert process.stderr
    assert any(b"Running on" in line for line in process.stderr)


def visit(listener: socket.socket) -> None:
    """Come often enough that each process which accepts has its turn."""
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for _ in range(20):
        assert httpx.get(f"{url}{API}/cart", timeout=READY_WITHIN).status_code == 200


def test_one_of_several_killed(start: Start) -> None:
    """Processes share a socket; when one is killed, ends or starts, the others answer meanwhile."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        one, two, three = [start(listener) for _ in range(3)]
        for process in (one, two, three):
            await_running(process)
        visit(listener)
        one.kill()
        one.wait()
        again = start(listener)
        visit(listener)
        await_running(again)
        visit(listener)
        two.terminate()
        assert two.wait(timeout=READY_WITHIN) == 0
        visit(listener)


def test_nobody_is_refused_while_none_runs(start: Start) -> None:
    """Who comes while no process runs waits in systemd's socket for the next."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=128) as listener,
        socket.create_connection(listener.getsockname(), READY_WITHIN) as early,
    ):
        early.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        start(listener)
        assert early.recv(4096).startswith(b"HTTP/1.1 200")
