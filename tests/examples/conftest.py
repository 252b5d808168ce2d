"""The examples as somebody would start them: each in an environment with its requirements alone."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.support.databases import with_database
from tests.support.keys import KEY

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
READY_WITHIN = 30.0

Start = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the programs of a fresh virtual environment for an example."""
    made: dict[str, Path] = {}

    def make(example: str) -> Path:
        if example not in made:
            folder = tmp_path_factory.mktemp(example) / "venv"
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            done = subprocess.run(
                [folder / "bin/pip", "install", "--quiet", "-r", "requirements.txt"],
                cwd=EXAMPLES / example,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            made[example] = folder / "bin"
        return made[example]

    return make


@pytest.fixture
def fresh_url(server_url: str) -> str:
    """The URL of a new database; the server ends with the run."""
    name = f"example_{secrets.token_hex(6)}"

    async def create() -> None:
        server = await asyncpg.connect(server_url)
        await server.execute(f"create database {name}")
        await server.close()

    asyncio.run(create())
    return with_database(server_url, name)


@pytest.fixture
def start(environment: Callable[[str], Path], fresh_url: str) -> Start:
    """Serve an example until the block ends; gives its URL.

    ``command`` is a program of its environment and what it is given, with ``{port}`` in it.
    """

    @contextmanager
    def start(example: str, *command: str, **environ: str) -> Iterator[str]:
        programs, port = environment(example), free_port()
        program, *arguments = (each.format(port=port) for each in command)
        given = {"DATABASE_URL": fresh_url, "SECRET_KEY": KEY, "PATH": os.environ["PATH"]}
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                [programs / program, *arguments],
                cwd=EXAMPLES / example,
                env=given | environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                await_ready(process, port)
                yield f"http://localhost:{port}"
            finally:
                process.terminate()
                process.wait(READY_WITHIN)
                output.seek(0)
                sys.stderr.write(output.read().decode(errors="replace"))

    return start


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def await_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait for the first answer; raises `AssertionError` if it never comes."""
    until = time.monotonic() + READY_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            httpx.get(f"http://localhost:{port}/nowhere")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("not served")


def serve(target: str) -> tuple[str, ...]:
    """Return the command that serves a target with Hypercorn."""
    return ("hypercorn", target, "--bind", "localhost:{port}")
