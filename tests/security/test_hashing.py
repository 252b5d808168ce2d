"""A flood of logins: bounded memory, bounded queue, and everything else goes on."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import httpx
import pytest

from service.settings import Limit, Settings
from tests.support.serving import Served, serve
from tests.support.shopping import API, PASSWORD, new_name

LOGINS = 200
OFF = Limit(0, 0)


def memory(served: Served, field: str) -> int:
    """Return a figure of the process's memory, in KiB: VmRSS is now, VmHWM the most ever."""
    status = Path(f"/proc/{served.process.pid}/status")
    if not status.exists():
        pytest.skip("the memory of a process is read from /proc")
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])


async def test_flood_of_logins(settings: Settings) -> None:
    """200 at once: memory stays within base + one hash + 10 %, `/livez` answers all the while.

    Those beyond their network's share of the queue are 503 `busy`; nobody gets anything else.
    """
    # The time cost makes the flood last; the memory is the default's.
    production = dataclasses.replace(
        settings, argon2=(19_456, 2, 1), hash_queue=128, throttle_account=OFF, log_level="ERROR"
    )
    name = new_name()
    with serve(production) as served:
        limits = httpx.Limits(max_connections=LOGINS + 10)
        async with httpx.AsyncClient(base_url=served.url, timeout=60, limits=limits) as client:
            # Everything is loaded, and the connections' own memory taken, before the base is.
            await client.post(
                f"{API}/account",
                json={"username": name, "email": f"{name}@example.com", "password": PASSWORD},
            )
            client.cookies.clear()
            await asyncio.gather(*(client.get(f"{API}/session") for _ in range(LOGINS)))
            await asyncio.to_thread(forget_peak, served)
            base = memory(served, "VmRSS")
            alive: list[int] = []
            over = asyncio.Event()

            async def watch() -> None:
                async with httpx.AsyncClient(base_url=served.url, timeout=5) as other:
                    while not over.is_set():
                        alive.append((await other.get("/livez")).status_code)
                        await asyncio.sleep(0.02)

            watching = asyncio.create_task(watch())
            body = {"username": name, "password": "wrong, wrong, wrong"}
            answers = await asyncio.gather(
                *(client.post(f"{API}/session", json=body) for _ in range(LOGINS))
            )
            over.set()
            await watching
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {401, 503}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {answer.json()["code"] for answer in refused} == {"busy"}
        assert all(answer.headers["Retry-After"] for answer in refused)
        assert set(alive) == {200}
        assert len(alive) > 10
        assert memory(served, "VmHWM") <= (base + 19_456) * 1.1


def forget_peak(served: Served) -> None:
    """Let the most memory ever be what is in use now (proc(5), clear_refs)."""
    Path(f"/proc/{served.process.pid}/clear_refs").write_text("5")
