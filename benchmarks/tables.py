"""What was measured, as tables of Markdown."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from statistics import median

from . import machine
from .driver import STEPS, Plan
from .rounds import Measured

SHOWN: tuple[str, ...] = (
    "quart",
    "hypercorn",
    "uvicorn",
    "granian",
    "asyncpg",
    "fastapi",
    "litestar",
    "flask",
)
SHOWN += ("gunicorn", "sqlalchemy", "psycopg", "uvloop")


def preamble(rounds: int, plan: Plan) -> str:
    versions = []
    for name in SHOWN:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return (
        f"{machine.processor()}, {os.cpu_count()} processors, Linux {platform.release()},"
        f" Python {platform.python_version()}; {', '.join(versions)}.\n"
        f"{rounds} rounds of {plan.seconds:g} s, {plan.shoppers} shoppers at once,"
        f" a journey of {STEPS} requests on a new connection each.\n"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def spread(values: Sequence[float]) -> str:
    """Return the median, and how far the least and the most are from it."""
    return f"{median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


HEAD = (
    *("", "server, µs a request", "PostgreSQL, µs a request", "statements a journey"),
    *("round trips", "requests/s", "p50, ms", "p99, ms", "others"),
)

Rounds = Mapping[str, Sequence[Measured]]
"""By the contestants' names."""


def journey_table(rounds: Rounds, counts: Mapping[str, tuple[float, float]]) -> str:
    rows = []
    for name, measured in rounds.items():
        statements, trips = counts[name]
        rows.append(
            (
                name,
                spread([each.round.server for each in measured]),
                spread([each.round.database for each in measured]),
                f"{statements:.1f}",
                f"{trips:.1f}",
                f"{median(each.round.speed for each in measured):,.0f}",
                f"{median(each.round.p50 for each in measured):.1f}",
                f"{median(each.round.p99 for each in measured):.1f}",
                f"{median(each.round.others for each in measured):.0%}",
            )
        )
    return (
        "The journey: processor time of the server's processes and of all of PostgreSQL, median"
        " (least to most). Statements count `BEGIN` and `COMMIT`, and what a pool sends to make a"
        " connection as new. `others` is the share of the machine that something else took.\n\n"
        + table(HEAD, rows)
    )


def start_table(rounds: Rounds) -> str:
    rows = [
        (
            name,
            f"{median(each.start for each in measured):.2f}",
            f"{median(each.at_rest for each in measured):.0f}",
            f"{median(each.round.memory for each in measured):.0f}",
        )
        for name, measured in rounds.items()
    ]
    return (
        "Seconds until it answered, and megabytes (PSS) before the first shopper and after a round."
        "\n\n" + table(("", "start, s", "at rest, MB", "after, MB"), rows)
    )


def wait_table(crowds: Mapping[str, Rounds], at_half: Rounds) -> str:
    rows = []
    for name, measured in at_half.items():
        waits = [
            f"{median(each.round.p99 for each in rounds[name]):,.0f}" for rounds in crowds.values()
        ]
        p99 = median(each.round.p99 for each in measured)
        speed = median(each.round.speed for each in measured)
        others = [each.round.others for rounds in crowds.values() for each in rounds[name]]
        rows.append((name, *waits, f"{p99:,.0f} at {speed:,.0f}/s", f"{median(others):.0%}"))
    head = ("", *(f"{number} shoppers" for number in crowds), "half its capacity", "others")
    return (
        "p99 in milliseconds: with so many shoppers at once, who all wait for their answers; and"
        " with shoppers who come at half the rate that the journey reached, counted from when each"
        " request should have begun.\n\n" + table(head, rows)
    )


def route_table(routes: Mapping[str, Rounds]) -> str:
    names = next(iter(routes.values()))
    rows = [
        (
            name,
            *(
                f"{median(each.round.server for each in rounds[name]):,.0f}"
                f" + {median(each.round.database for each in rounds[name]):,.0f}"
                for rounds in routes.values()
            ),
        )
        for name in names
    ]
    return (
        "One route alone, on a kept connection (log in: on a new one): processor time of the server"
        " + of PostgreSQL, µs a request.\n\n" + table(("", *routes), rows)
    )


SHOPPERS, PEAK, DAY = 1_000_000, 5, 86_400


def million_table(rounds: Rounds, counts: Mapping[str, tuple[float, float]]) -> str:
    """Return what a million shoppers a day take, each of whom makes the journey once."""
    peak = SHOPPERS / DAY * PEAK
    rows = []
    for name, measured in rounds.items():
        server = median(each.round.server for each in measured) * STEPS * peak / 1e6
        database = median(each.round.database for each in measured) * STEPS * peak / 1e6
        rows.append(
            (
                name,
                f"{server:.1f}",
                f"{2 * server:.0f}",
                f"{database:.1f}",
                f"{counts[name][0] * peak:,.0f}",
            )
        )
    return (
        f"{SHOPPERS:,} shoppers a day, each with one journey: {SHOPPERS * STEPS / DAY:,.0f}"
        f" requests a second on average; at a peak of {PEAK} times that {peak:,.0f} journeys,"
        f" and as many orders, or {peak * STEPS:,.0f} requests a second. Processors that are busy"
        " then, and processes (of one processor each, half idle so that waits stay short):\n\n"
        + table(
            ("", "processors, server", "processes", "processors, PostgreSQL", "statements/s"), rows
        )
    )
