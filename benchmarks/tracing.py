"""What traces cost: `LOCKER_TRACING` off, for 1 request in 100, and for all of them.

    python -m benchmarks.tracing [--turns N] [--seconds S]

prints the table of docs/performance.md: processor time of the service's process for each request of
the journey, and how much more that is than without. All three run at once and take many short
turns, so that whatever else the machine does falls on them alike. Spans are sent to a collector
here, which takes them and does nothing with them; what a process takes to send them between its
turns counts as well.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import quantiles
from typing import Any

from msgspec.structs import replace

from . import machine, tables
from .contestants import LOCKER, SERVICE, Contestant
from .driver import Plan
from .rounds import drive, running, warm
from .stage import stage

SHARES = {"off": None, "1 in 100": "0.01", "all": "1"}


class _Taking(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@contextmanager
def collector() -> Iterator[str]:
    """Take spans; returns where."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def contestant(name: str, share: str | None, endpoint: str) -> Contestant:
    traced = {
        "LOCKER_TRACING": "on",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": share or "",
    }
    return Contestant(name, SERVICE[0].command, {**LOCKER, **(traced if share else {})})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tracing")
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=1.5)
    given = parser.parse_args()
    plan = Plan(port=0, seconds=given.seconds, shoppers=8)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        on = stack.enter_context(stage(Path(folder) / "postgres"))
        endpoint = stack.enter_context(collector())
        served = {
            name: stack.enter_context(running(contestant(name, share, endpoint), on.url))
            for name, share in SHARES.items()
        }
        plans = {name: replace(plan, port=each.port) for name, each in served.items()}
        for each in plans.values():
            warm(each)
        seen: dict[str, list[tuple[float, int]]] = {name: [] for name in served}
        spent = {name: machine.cpu(each.process.pid) for name, each in served.items()}
        names = list(served)
        for turn in range(given.turns):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                requests = drive(plans[name])["requests"]
                now = machine.cpu(served[name].process.pid)
                seen[name].append((now - spent[name], requests))
                spent[name] = now
    costs = {name: [cpu / requests for cpu, requests in turns] for name, turns in seen.items()}
    rows = []
    for name, turns in seen.items():
        cost, least = cost_of(turns), cost_of(seen["off"])
        more = [one / other - 1 for one, other in zip(costs[name], costs["off"], strict=True)]
        low, _, high = quantiles(more, n=4)
        rows.append(
            (name, f"{cost * 1e6:,.0f}", f"{cost / least - 1:+.1%}", f"{low:+.1%} to {high:+.1%}")
        )
    head = ("traced", "server, µs a request", "more than off", "half of the turns")
    print(tables.preamble(given.turns, plan))
    print(tables.table(head, rows))


def cost_of(turns: Sequence[tuple[float, int]]) -> float:
    """Return seconds of the processor for each request, over all turns."""
    return sum(cpu for cpu, _ in turns) / sum(requests for _, requests in turns)


if __name__ == "__main__":
    main()
