"""A crowd of clients that never end, and a shopper among them. Prints figures: make crowd."""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
from typing import Literal

import httpx
import pytest

from service.settings import Settings
from tests.support.crowd import MIXED
from tests.support.serving import ROOT, Served, serve
from tests.support.shopping import API
from tests.support.wire import NEVER_ENDING

CROWD, MOST = 200, 128
SECONDS = 8.0
"""For each kind of client; long enough for all of them to have come back after being closed."""
KINDS = [*NEVER_ENDING, MIXED]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("program", ["hypercorn", "locker"])
def test_shopper_in_a_crowd(settings: Settings, program: Literal["hypercorn", "locker"]) -> None:
    """200 clients of every kind that never ends, where 128 connections may be, keep nobody out.

    A shopper is served within a second throughout; memory grows by less than 50 MB, and the log,
    but for the requests that were answered, by less than 100 KB. SIGTERM ends it with 0.
    """
    with serve(settings, program=program, max_connections=MOST, http2=True) as served:
        for _ in range(50):
            httpx.get(f"{served.url}{API}/cart")
        memory, log = served.peak_memory(), len(other_lines(served))
        slowest = {kind: beset(served, kind) for kind in KINDS}
        grown = served.peak_memory() - memory
        written = len(other_lines(served)) - log
        began = time.monotonic()
        status = served.stop()
        stopped = time.monotonic() - began
        print(f"\n{program}, {CROWD} clients against {MOST} connections, {SECONDS} s of each kind")
        for kind, (seconds, times) in slowest.items():
            print(f"  {kind:24} a shopper's slowest of {times:4} requests {seconds:6.3f} s")
        print(f"  memory {grown / 1e6:.1f} MB more at its peak, log {written / 1e3:.1f} KB")
        print(f"  SIGTERM: status {status} after {stopped:.1f} s")
    assert max(seconds for seconds, _ in slowest.values()) < 1
    assert grown < 50_000_000
    assert written < 100_000
    assert status == 0


def other_lines(served: Served) -> str:
    """Return the log without the lines of requests, which each request has."""
    return "".join(
        line for line in served.log().splitlines(keepends=True) if "service.http.record" not in line
    )


def beset(served: Served, kind: str) -> tuple[float, int]:
    """Return how long a shopper waited at most, and how often one asked."""
    command = [sys.executable, "-m", "tests.support.crowd"]
    command += [str(served.port), kind, str(CROWD)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as crowd:
        try:
            assert crowd.stdout
            assert crowd.stdout.readline() == b"coming\n"
            return shop(served)
        finally:
            crowd.kill()


def shop(served: Served) -> tuple[float, int]:
    url = f"{served.url}{API}/cart"
    # Made once, as making it takes longer than an answer.
    context = ssl.create_default_context()
    waits: list[float] = []
    until = time.monotonic() + SECONDS
    with httpx.Client(timeout=20, verify=context) as kept:
        while time.monotonic() < until:
            with httpx.Client(timeout=20, verify=context) as fresh:
                began = time.monotonic()
                assert fresh.get(url).status_code == 200
                waits.append(time.monotonic() - began)
            began = time.monotonic()
            try:
                answer = kept.get(url)
            except httpx.TransportError:
                # It may have been closed meanwhile; browsers ask again as well.
                answer = kept.get(url)
            assert answer.status_code == 200
            waits.append(time.monotonic() - began)
            time.sleep(0.02)
    return max(waits), len(waits)
