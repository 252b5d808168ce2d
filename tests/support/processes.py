"""What runs on a data folder, seen from outside."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg

from tests.support.serving import ROOT

OWNER = Path(__file__).with_name("owner.py")


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must come; pytest's own limit ends a wait in vain."""
    while not condition():
        time.sleep(0.01)


def postmaster(folder: Path) -> int:
    return int((folder / "postgres/postmaster.pid").read_text().split("\n")[0])


def server_processes(folder: Path) -> set[int]:
    """The postmaster and its children."""
    pid = postmaster(folder)
    return {pid} | {child for child, (parent, _) in _processes().items() if parent == pid}


def living(pids: set[int]) -> set[int]:
    """Those that still run; a zombie, which nobody has buried yet, doesn't."""
    return {pid for pid, (_, state) in _processes().items() if state != "Z"} & pids


def _processes() -> dict[int, tuple[int, str]]:
    table = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,state="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in table.splitlines())
    return {int(pid): (int(parent), state[0]) for pid, parent, state in rows}


class Owner:
    """Another process with a server on ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(OWNER), str(folder)],
            env={"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def dsn(self) -> str:
        """Wait for the server; empty if there is none, the reason is in `error` then."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def error(self) -> str:
        return self.process.communicate()[1]

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.communicate()

    def close(self) -> None:
        with suppress(ValueError):  # closed already
            self.process.communicate("")


def remember(dsn: str, number: int) -> None:
    """Commit a number."""

    async def insert() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE IF NOT EXISTS numbers (number int)")
        await connection.execute("INSERT INTO numbers VALUES ($1)", number)
        await connection.close()

    asyncio.run(insert())


def remembered(dsn: str) -> list[int]:
    """All numbers committed so far."""

    async def select() -> list[int]:
        connection = await asyncpg.connect(dsn)
        rows = await connection.fetch("SELECT number FROM numbers ORDER BY number")
        await connection.close()
        return [row["number"] for row in rows]

    return asyncio.run(select())
