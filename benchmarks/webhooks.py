"""What webhooks cost shoppers: their waits at half the capacity, with a worker and without.

    python -m benchmarks.webhooks [--rounds N] [--seconds S] [--rate R]

finds out how many requests a second the service answers, and has shoppers come at half of that, by
turns while nobody is told of anything and while a worker on the same machine sends each event to a
receiver. Prints a table: medians of the rounds, whose order changes from round to round.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Thread

import asyncpg

from service.audit import COMMAND_LINE
from service.outbox import Seals, add_webhook

from . import machine, tables
from .contestants import LOCKER, PYTHON, SECRET, SERVICE
from .driver import STEPS, Plan
from .rounds import ROOT, Round, measure, running, warm
from .stage import Stage, stage

CONTESTANT = SERVICE[0]
DELIVERED_WITHIN = 60.0
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Told:
    """A round; ``events`` that were delivered, and seconds until the last was after the end."""

    round: Round
    events: int = 0
    behind: float = 0.0


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@contextmanager
def receiving() -> Iterator[str]:
    """Take every event at once, in a thread; yields the address."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(_take, "127.0.0.1", 0))
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


@contextmanager
def working(on: Stage, receiver: str) -> Iterator[None]:
    """Tell the receiver of everything by a worker, until the block ends."""
    asyncio.run(_want(on, receiver))
    environment = {
        **LOCKER,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "quart-locker")]),
        "LOCKER_DATABASE_URL": on.url,
        "LOCKER_WEBHOOK_PRIVATE": "on",
        "LOCKER_WEBHOOK_HTTP": "on",
    }
    with tempfile.NamedTemporaryFile(prefix="bench-", suffix=".log") as log:
        process = subprocess.Popen(  # noqa: S603 - ours
            [PYTHON, "-m", "service.cli", "worker"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            if process.wait(30):
                raise SystemExit(f"the worker failed\n{Path(log.name).read_text()[-2000:]}")
            asyncio.run(_want(on, None))


async def _want(on: Stage, receiver: str | None) -> None:
    """Have all that is told from now on go there, or nowhere."""
    db = await asyncpg.connect(on.url)
    if receiver is None:
        await db.execute("delete from webhooks")
        await db.execute("delete from deliveries")
    else:
        await add_webhook(db, Seals(SECRET), COMMAND_LINE, "bench", receiver, http=True)
    await db.close()


async def _await_delivered(on: Stage) -> int:
    """Return how many events were delivered, once all are."""
    db = await asyncpg.connect(on.url)
    async with asyncio.timeout(DELIVERED_WITHIN):
        left = "select count(*) from deliveries where state <> 'delivered'"
        while await db.fetchval(left):  # noqa: ASYNC110 - what is waited for is another process's
            await asyncio.sleep(0.05)
    number: int = await db.fetchval("select count(*) from deliveries")
    await db.close()
    return number


def one(on: Stage, plan: Plan, receiver: str | None) -> Told:
    """Start the service anew, and measure it with a worker beside it, or without."""
    on.rest()
    with running(CONTESTANT, on.url) as served:
        here = Plan(port=served.port, seconds=plan.seconds, rate=plan.rate)
        warm(here)
        if receiver is None:
            return Told(measure(served, on, here))
        with working(on, receiver):
            warm(here)
            asyncio.run(_await_delivered(on))
            seen = measure(served, on, here)
            ended = time.perf_counter()
            number = asyncio.run(_await_delivered(on))
            return Told(seen, number, time.perf_counter() - ended)


def compare(without: list[Told], told: list[Told]) -> str:
    """Return the table of both."""

    def row(name: str, read: Callable[[Round], float], unit: str) -> tuple[str, ...]:
        values = [[read(each.round) for each in rounds] for rounds in (without, told)]
        before, after = map(median, values)
        cells = [
            f"{median(each):.1f} {unit}, {min(each):.1f} to {max(each):.1f}" for each in values
        ]
        return (name, *cells, f"{(after / before - 1) * 100:+.0f} %")

    rows: list[tuple[str, ...]] = []
    for share in ("p50", "p99"):
        rows += [
            row(f"an order, {share}", lambda each: each.routes["order"][share], "ms"),  # noqa: B023
            row(f"any request, {share}", lambda each: float(getattr(each, share)), "ms"),  # noqa: B023
        ]
    rows.append(row("the machine's part for all else", lambda each: each.others * 100, "%"))
    number = median(each.events for each in told)
    behind = median(each.behind for each in told)
    late = f"{behind:.1f} s after the last order"
    rows.append(("events delivered", "none", f"{number:.0f}", late))
    return tables.table(("", "without", "with webhooks", ""), rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webhooks")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=float, help="requests a second; half the capacity without")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        stage(Path(folder) / "postgres") as on,
        receiving() as receiver,
    ):
        rate = given.rate
        if rate is None:
            rate = one(on, Plan(port=0, seconds=given.seconds / 2), None).round.speed / 2
        plan = Plan(port=0, seconds=given.seconds, rate=rate)
        print(
            f"{rate:.0f} requests a second, {rate / STEPS:.0f} orders among them, for "
            f"{given.seconds:.0f} s, {given.rounds} times each; {os.cpu_count()} x "
            f"{machine.processor()}\n"
        )
        found: dict[bool, list[Told]] = {False: [], True: []}
        for number in range(given.rounds):
            for told in (False, True) if number % 2 == 0 else (True, False):
                found[told].append(one(on, plan, receiver if told else None))
        print(compare(found[False], found[True]))


if __name__ == "__main__":
    main()
