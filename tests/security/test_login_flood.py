"""A flood of log ins from a whole IPv6 allocation: its owner gets in from a device that is known.

Run it by `make flood`; it prints its figures.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import re
import time
from collections import Counter

import httpx
import pytest

from service.settings import Limit, Settings
from tests.support.serving import serve
from tests.support.shopping import API, PASSWORD, new_name

SECONDS = 20
CLIENTS = 400
"""At once, each from another address of one /48."""
LONGEST = 3.0


async def guess(
    port: int, name: str | None, answers: Counter[int | str], over: asyncio.Event
) -> None:
    """Guess on one connection until it is over; without a name, at one that nobody has.

    By hand: a client library is slower than the service, and would be measured in its place.
    """
    while not over.is_set():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while not over.is_set():
                answers[await _guess_once(reader, writer, name)] += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            # Where connections are full, those that wait for a refusal give way.
            answers["closed"] += 1
        finally:
            writer.transport.abort()


async def _guess_once(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str | None
) -> int:
    ip = f"2001:db8:1:{random.getrandbits(16):x}::{random.getrandbits(16):x}"
    body = json.dumps({"username": name or new_name(), "password": "wrong, wrong, wrong"})
    writer.write(
        f"POST {API}/session HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {ip}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(head.split()[1])


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("whose", ["the owner's name", "names that nobody has"])
async def test_owner_logs_in_through_a_flood(settings: Settings, whose: str) -> None:
    """Every time, within three seconds, from networks that are strangers themselves."""
    production = dataclasses.replace(
        settings,
        argon2=(19_456, 2, 1),
        hash_queue=64,
        throttle_address=Limit(600, 3_600),
        throttle_total=Limit(3_000, 60),
        trusted_proxies=1,
        log_level="ERROR",
    )
    name = new_name()
    answers: Counter[int | str] = Counter()
    owner_took: list[float] = []
    over = asyncio.Event()
    with serve(production) as served:
        async with httpx.AsyncClient(base_url=served.url, timeout=30) as phone:
            body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
            registered = await phone.post(f"{API}/account", json=body)
            assert registered.status_code == 201, served.log()
            tried = None if whose == "names that nobody has" else name
            flood = [
                asyncio.create_task(guess(served.port, tried, answers, over))
                for _ in range(CLIENTS)
            ]
            await asyncio.sleep(1)
            until = time.perf_counter() + SECONDS
            statuses: list[int] = []
            while time.perf_counter() < until:
                began = time.perf_counter()
                answer = await phone.post(
                    f"{API}/session",
                    json={"username": name, "password": PASSWORD},
                    headers={"X-Forwarded-For": f"2001:db8:77:{len(statuses):x}::1"},
                )
                owner_took.append(time.perf_counter() - began)
                statuses.append(answer.status_code)
                await asyncio.sleep(0.5)
            over.set()
            await asyncio.gather(*flood)
    print(  # noqa: T201 - the figures are what it is run for
        f"\n{whose}: strangers {dict(answers)}; owner {dict(Counter(statuses))}, "
        f"median {sorted(owner_took)[len(owner_took) // 2]:.2f} s, most {max(owner_took):.2f} s"
    )
    assert set(statuses) == {200}
    assert max(owner_took) < LONGEST
