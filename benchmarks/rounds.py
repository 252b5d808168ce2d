"""A contestant started, driven and measured."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from . import machine
from .contestants import Contestant
from .counting import Counts, counted
from .driver import Plan
from .stage import Stage

ROOT = Path(__file__).resolve().parents[1]
READY_WITHIN = 30.0
LOOKED_EACH = 0.01
AGAIN = 1
"""Times that a round is made again for it."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one run of the driver cost; microseconds are of the processors, for each request."""

    server: float
    database: float
    driver: float
    others: float
    """Share of the machine that what isn't of this took meanwhile."""
    speed: float
    """Requests a second."""
    p50: float
    p99: float
    memory: float
    """Megabytes of the server, after it."""
    routes: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Running:
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    start: float
    """Seconds until it answered."""
    at_rest: float
    """Megabytes before the first shopper came."""


@contextmanager
def running(contestant: Contestant, url: str) -> Iterator[Running]:
    """Start a contestant; it ends with the block."""
    port = _free_port()
    command = [word.format(port=port) for word in contestant.command]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "quart-locker")]),
        "LOCKER_DATABASE_URL": url,
        "LOCKER_BIND": f"127.0.0.1:{port}",
        **contestant.environment,
    }
    with tempfile.NamedTemporaryFile(prefix="bench-", suffix=".log") as log:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - ours
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _await_ready(process, port, Path(log.name))
            start = time.perf_counter() - began
            yield Running(process, port, Path(log.name), start, machine.memory(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                probe.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if probe.recv(12).endswith(b"200"):
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{process.args!r} does not answer\n{log.read_text()[-2000:]}")
        time.sleep(LOOKED_EACH)


def drive(plan: Plan) -> dict[str, Any]:
    """Return what the driver reports."""
    done = subprocess.run(  # noqa: S603 - ours
        _driver(plan), cwd=ROOT, capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode()[-3000:])
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _driver(plan: Plan) -> list[str]:
    return [sys.executable, "-m", "benchmarks.driver", msgspec.json.encode(plan).decode()]


def measure(served: Running, stage: Stage, plan: Plan) -> Round:
    """Drive a contestant that has been warmed."""
    before = _clocks(served, stage)
    report = drive(plan)
    after = _clocks(served, stage)
    server, database, busy, elapsed = (b - a for a, b in zip(before, after, strict=True))
    requests = report["requests"]
    others = busy - server - database - report["cpu"]
    return Round(
        server=server / requests * 1e6,
        database=database / requests * 1e6,
        driver=report["cpu"] / requests * 1e6,
        others=max(0.0, others / elapsed / (os.cpu_count() or 1)),
        speed=requests / report["seconds"],
        p50=report["p50"],
        p99=report["p99"],
        memory=machine.memory(served.process.pid),
        routes=report["routes"],
    )


def _clocks(served: Running, stage: Stage) -> tuple[float, ...]:
    return (
        machine.cpu(served.process.pid),
        machine.cpu(stage.pid),
        machine.busy(),
        time.perf_counter(),
    )


def count(contestant: Contestant, stage: Stage, journeys: int = 5) -> tuple[float, float]:
    """Return the statements and round trips of one journey, one after another once it is warm."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return asyncio.run(_count(contestant, stage, Path(folder), journeys))


async def _count(
    contestant: Contestant, stage: Stage, folder: Path, journeys: int
) -> tuple[float, float]:
    async with counted(folder, stage.socket) as counts:
        return await asyncio.to_thread(
            _counted, contestant, stage.through(folder), journeys, counts
        )


def _counted(
    contestant: Contestant, url: str, journeys: int, counts: Counts
) -> tuple[float, float]:
    def walk(number: int) -> None:
        drive(Plan(port=served.port, shoppers=1, seconds=60, journeys=number))

    with running(contestant, url) as served:
        walk(15)
        before = counts.statements, counts.trips
        walk(journeys)
        return (counts.statements - before[0]) / journeys, (counts.trips - before[1]) / journeys


def warm(plan: Plan) -> None:
    """Have everything imported, connected and prepared."""
    drive(msgspec.structs.replace(plan, rate=None, seconds=1.0))


@dataclass(frozen=True, slots=True)
class Measured:
    """A round, and what was seen before its first shopper."""

    round: Round
    start: float
    at_rest: float


def one_round(contestant: Contestant, stage: Stage, plan: Plan, busy: float) -> Measured:
    """Start, warm and measure; again if something else took more of the machine than ``busy``."""
    for attempt in range(AGAIN + 1):
        stage.rest()
        with running(contestant, stage.url) as served:
            here = msgspec.structs.replace(plan, port=served.port)
            warm(here)
            seen = measure(served, stage, here)
        if seen.others <= busy or attempt == AGAIN:
            break
    return Measured(seen, served.start, served.at_rest)
