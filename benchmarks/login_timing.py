"""Whether the time of a refused log in tells that an account exists.

    python -m benchmarks.login_timing [LOGINS]

serves Locker on a PostgreSQL of its own, with the default hash and no throttling, tries a wrong
password for known and for unknown users in a random order (500 each), and compares the times by
Welch's t-test. Ends with 1 if they can be told apart (p < 0.01): run it again before you believe
that, as one run in a hundred says so of equal times.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path

import asyncpg
import httpx

from service.devserver import PostgresServer
from service.migrations import migrate
from service.settings import Limit, Settings
from tests.support.serving import serve

LOGINS = 500
WARM_UP = 20
SIGNIFICANT = 0.01
OFF = Limit(0, 0)


def main() -> None:
    logins = int(sys.argv[1]) if len(sys.argv) > 1 else LOGINS
    with (
        tempfile.TemporaryDirectory(prefix="locker-timing-") as folder,
        PostgresServer(Path(folder) / "postgres", durable=False) as server,
    ):
        asyncio.run(prepare(server.dsn))
        settings = Settings(
            environment="development",
            database_url=server.dsn,
            secret_key="of this measurement alone, 32 bytes",  # noqa: S106 - nobody's
            allowed_hosts=("127.0.0.1",),
            secure_cookies=False,
            throttle_account=OFF,
            throttle_address=OFF,
            throttle_total=OFF,
            log_level="ERROR",
        )
        with serve(settings) as served, httpx.Client(base_url=served.url) as client:
            known, unknown = measure(client, logins)
    for what, times in (("known", known), ("unknown", unknown)):
        mean, deviation = statistics.mean(times) * 1000, statistics.stdev(times) * 1000
        print(f"{what:8} {len(times)} log ins, {mean:.3f} ms ± {deviation:.3f}")
    t, p = welch(known, unknown)
    print(f"t = {t:.2f}, p = {p:.3f}: {'can' if p < SIGNIFICANT else 'can not'} be told apart")
    raise SystemExit(int(p < SIGNIFICANT))


async def prepare(url: str) -> None:
    db = await asyncpg.connect(url)
    await migrate(db)
    await db.close()


def measure(client: httpx.Client, logins: int) -> tuple[list[float], list[float]]:
    """Return the seconds that refusals took, of known users and of unknown ones."""
    known = [f"known-{number:04}" for number in range(10)]
    for name in known:
        body = {
            "username": name,
            "email": f"{name}@example.com",
            "password": "correct horse battery staple",
        }
        client.post("/api/v1/account", json=body).raise_for_status()
    client.cookies.clear()
    names = [random.choice(known) for _ in range(logins)]  # noqa: S311 - no secret
    names += [f"other-{random.randrange(10_000):04}" for _ in range(logins)]  # noqa: S311
    random.shuffle(names)
    times: dict[str, list[float]] = {"known": [], "other": []}
    for name in [*names[:WARM_UP], *names]:
        body = {"username": name, "password": "wrong, wrong, wrong"}
        start = time.perf_counter()
        response = client.post("/api/v1/session", json=body)
        times[name[:5]].append(time.perf_counter() - start)
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            raise SystemExit(f"not refused: {response.text}")
        client.cookies.clear()
    return times["known"][-logins:], times["other"][-logins:]


def welch(one: list[float], other: list[float]) -> tuple[float, float]:
    """Return t and its two-sided p, by the normal distribution, which hundreds come close to."""
    error = math.sqrt(statistics.variance(one) / len(one) + statistics.variance(other) / len(other))
    t = (statistics.mean(one) - statistics.mean(other)) / error
    return t, 2 * (1 - statistics.NormalDist().cdf(abs(t)))


if __name__ == "__main__":
    main()
