"""The commands of the README, from a fresh copy, as somebody new would type them."""

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

from service.devserver import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
ELSEWHERE = {"make test", "make check"}
"""What runs this test, or runs beside it."""
ANSWERED_WITHIN = 300.0


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git has of this, in a folder of its own."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("no git, so no fresh copy")
    folder = tmp_path_factory.mktemp("fresh") / "locker"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def environ(**more: str) -> dict[str, str]:
    kept = ("PATH", "HOME", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "LANG")
    return {name: os.environ[name] for name in kept if name in os.environ} | more


def run(command: str, copy: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euc", command], cwd=copy, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: str, copy: Path, env: dict[str, str], port: int) -> Iterator[None]:
    """Start it, wait until it serves, and end it as Ctrl-C does."""
    process = subprocess.Popen(
        ["bash", "-euc", f"exec {command}"], cwd=copy, env=env, start_new_session=True
    )
    try:
        transport = httpx.HTTPTransport(retries=0)
        with httpx.Client(transport=transport, timeout=5) as client:
            for _ in range(int(ANSWERED_WITHIN)):
                assert process.poll() is None, command
                try:
                    if client.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                _wait(process)
            else:
                raise AssertionError(f"never ready: {command}")
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Give it a second, or less where it ends."""
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        return


def after(start: str, stop: str) -> list[str]:
    """Return the commands between two headings of the README."""
    part = README[README.index(start) : README.index(stop)]
    return [command for command in COMMANDS if f"$ {command}\n" in part]


def test_run_it(copy: Path) -> None:
    """`make run` serves the shop, and the other commands work on it while it runs and after."""
    make, *others = after("## Run it", "## Use it")
    port = free_port()
    python = shutil.which(f"python3.{sys.version_info.minor}") or sys.executable
    env = environ(PYTHON=python)
    with running(f"{make} PORT={port}", copy, env, port):
        page = httpx.get(f"http://127.0.0.1:{port}/?q=tent", headers={"Accept": "text/html"})
        assert "Ridgeline 2 Tent" in page.text
        for command in others:
            run(command, copy, env)
    for command in others:
        run(command, copy, env)


def test_deploy_it(copy: Path, tmp_path: Path) -> None:
    """The steps install the service beside nothing else, prepare a database, and serve it."""
    install, start = after("## Deploy it", "## Commands"), []
    install, start = install[:4], install[4:]
    env = environ()
    python = shutil.which(f"python3.{sys.version_info.minor}") or sys.executable
    for command in install[:3]:
        here = command.replace("/opt/locker", str(tmp_path / "locker"))
        run(here.replace("python3", python), copy, env)
    env["PATH"] = f"{tmp_path / 'locker' / 'bin'}:{env['PATH']}"
    port = free_port()
    env["LOCKER_BIND"] = f"127.0.0.1:{port}"
    with PostgresServer(tmp_path / "postgres", durable=False) as server:
        *prepare, serve = start
        for command in prepare:
            if command.startswith("export "):
                name, _, value = command.removeprefix("export ").partition("=")
                env[name] = server.dsn if "URL" in name else run(f"echo {value}", copy, env).strip()
            elif command != "locker doctor":
                run(command, copy, env)
        with running(serve, copy, env, port):
            host = {"Host": env["LOCKER_ALLOWED_HOSTS"]}
            found = httpx.get(f"http://127.0.0.1:{port}/api/v1/products", headers=host)
            assert found.json()["products"]
            assert "good" in run("locker doctor || true", copy, env)


def test_every_command_is_run() -> None:
    """No command of the README is left out of the tests here, but those that run them."""
    ran = {*after("## Run it", "## Use it"), *after("## Deploy it", "## Commands")}
    assert set(COMMANDS) == ran | ELSEWHERE
