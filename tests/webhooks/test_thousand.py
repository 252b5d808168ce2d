"""A thousand orders, told of by workers that are killed to a receiver that fails."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from service import clock, outbox
from service.audit import COMMAND_LINE
from service.outbox import OutboxEvent, Seals
from service.settings import Limit, Settings
from tests.support.keys import KEY
from tests.support.serving import ROOT, environment, prepare, serve
from tests.support.shopping import API, add_product

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ORDERS = 1000
SHOPPERS = 8
WORKERS = 3
RANDOM = Random(20_261_127)


class Receiver:
    """Takes half of what is sent; fails, redirects, dawdles or says nothing at the rest."""

    def __init__(self) -> None:
        self.url = ""
        self.arrived: dict[str, list[str]] = defaultdict(list)
        self.ids: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.taken: set[tuple[str, str]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A worker may be killed at any point.
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")[1:]
            headers = dict(line.split(": ", 1) for line in head if line)
            told = json.loads(await reader.readexactly(int(headers["content-length"])))
            await self._answer(headers["webhook-id"], told, reader, writer)

    async def _answer(
        self,
        event_id: str,
        told: dict[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        number, kind = str(told["data"]["number"]), str(told["type"])
        self.arrived[number].append(kind)
        self.ids[number, kind].add(event_id)
        (way,) = RANDOM.choices(("take", "slow", "fail", "lead on", "hush"), (50, 10, 25, 10, 5))
        if way == "hush":
            await reader.read()  # until the worker has had enough
            return
        if way == "slow":
            await asyncio.sleep(0.5)
        status = {"fail": "500 No", "lead on": "302 Found\r\nLocation: /hook"}.get(way, "200 OK")
        if status == "200 OK":
            self.taken.add((number, kind))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield receiver


class Workers:
    """So many workers, of which one after the other is killed."""

    def __init__(self, settings: Settings, log: Path, number: int = WORKERS) -> None:
        self.killed = 0
        self._environ = environment(prepare(settings)) | {"PATH": os.environ["PATH"]}
        self._log = log.open("wb")
        self._all = [self._start() for _ in range(number)]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.hasty_worker"],
            env=self._environ,
            cwd=ROOT,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    async def kill(self) -> None:
        """Kill one of them each second, with another in its place."""
        while True:
            await asyncio.sleep(1)
            place = RANDOM.randrange(WORKERS)
            self._all[place].kill()
            self._all[place].wait()
            self._all[place] = self._start()
            self.killed += 1

    def terminate(self) -> int:
        """End one by SIGTERM; returns its exit status."""
        process = self._all[0]
        process.send_signal(signal.SIGTERM)
        return process.wait(15)

    def end(self) -> None:
        for process in self._all:
            process.kill()
            process.wait()
        self._log.close()


@contextmanager
def working(settings: Settings, log: Path, number: int = WORKERS) -> Iterator[Workers]:
    workers = Workers(settings, log, number)
    try:
        yield workers
    finally:
        workers.end()


async def shop(client: httpx.AsyncClient, sku: str, turns: Iterator[int]) -> list[tuple[str, str]]:
    """Order as guests, and cancel every third; returns what is to be told."""
    expected = []
    for turn in turns:
        cart = {"Locker-Cart": (await client.post(f"{API}/carts")).json()["token"]}
        body: dict[str, Any] = {"sku": sku, "quantity": 1}
        added = await client.post(f"{API}/cart/lines", json=body, headers=cart)
        body = {
            "expected_total": added.json()["total"],
            "contact": {"email": "ada@example.com", "name": "Ada"},
        }
        answer = await client.post(f"{API}/orders", json=body, headers=cart)
        assert answer.status_code == 201, answer.text
        placed = answer.json()
        expected.append((placed["number"], "order.placed"))
        if turn % 3 == 0:
            key = {"Locker-Order-Key": placed["key"]}
            path = f"{API}/orders/{placed['number']}/cancel"
            assert (await client.post(path, headers=key)).status_code == 200
            expected.append((placed["number"], "order.cancelled"))
    return expected


def make_hasty(settings: Settings, database_url: str) -> Settings:
    return dataclasses.replace(
        settings,
        database_url=database_url,
        webhook_private=True,
        webhook_http=True,
        webhook_timeout=1.0,
        throttle_carts=Limit(100_000, 3600),
        throttle_orders=Limit(100_000, 3600),
        log_level="WARNING",
    )


async def test_sigterm_ends_a_worker_after_what_is_under_way(
    own_url: str, settings: Settings, tmp_path: Path
) -> None:
    """What a worker is sending when it is told to stop is stored as sent, and it exits with 0.

    Meanwhile its metrics are at a port of its own.
    """
    arrived = asyncio.Event()

    async def dawdle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            arrived.set()
            await asyncio.sleep(0.5)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

    server = await asyncio.start_server(dawdle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    db = await asyncpg.connect(own_url)
    await outbox.add_webhook(db, Seals(KEY), COMMAND_LINE, "erp", url, http=True)
    for number in ("A", "B"):
        await outbox.tell(db, OutboxEvent("order.placed", number, clock.now(), {"n": number}))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    hasty = dataclasses.replace(
        make_hasty(settings, own_url),
        webhook_timeout=10.0,
        worker_metrics=address,
        # The shop's, on the same machine, is another's.
        metrics=urlsplit(url).netloc,
    )
    async with server:
        with working(hasty, tmp_path / "log", 1) as workers:
            await arrived.wait()
            async with httpx.AsyncClient() as client:
                metrics = (await client.get(f"http://{address}/metrics")).text
            assert 'locker_webhook_pending{webhook="erp"} 2.0' in metrics
            assert await asyncio.to_thread(workers.terminate) == 0
    stored = await db.fetch("select state, attempts from deliveries")
    assert [tuple(row) for row in stored] == [("delivered", 1)] * 2
    await db.close()


async def test_every_event_arrives_in_order(
    own_url: str, settings: Settings, tmp_path: Path
) -> None:
    """Nothing is lost, each order's events come one after the other, repeats have the same id."""
    product, hasty = await add_product(own_url), make_hasty(settings, own_url)
    db = await asyncpg.connect(own_url)
    async with receiving() as receiver:
        await outbox.add_webhook(db, Seals(KEY), COMMAND_LINE, "erp", receiver.url, http=True)
        with serve(hasty) as served, working(hasty, tmp_path / "log") as workers:
            killing = asyncio.create_task(workers.kill())
            turns = iter(range(ORDERS))
            async with httpx.AsyncClient(base_url=served.url, timeout=30) as client:
                told = await asyncio.gather(
                    *(shop(client, product.sku, turns) for _ in range(SHOPPERS))
                )
            expected = {each for part in told for each in part}
            left = "select count(*) from deliveries where state <> 'delivered'"
            while await db.fetchval(left):  # noqa: ASYNC110 - what is waited for is other processes'
                await asyncio.sleep(0.1)
            killing.cancel()
            assert workers.killed
    await db.close()
    assert len({number for number, _ in expected}) == ORDERS
    assert receiver.taken == expected
    assert all(len(ids) == 1 for ids in receiver.ids.values())
    assert len(set.union(*receiver.ids.values())) == len(expected)
    for number, kinds in receiver.arrived.items():
        # A worker that was held up beyond its claim may repeat what another has delivered since.
        first = list(dict.fromkeys(kinds))
        assert first == sorted(first, reverse=True), number  # placed before cancelled
