"""What was measured, as tables of Markdown."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from statistics import median

from . import machine
from .driver import STEPS, Plan
from .rounds import Round

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
    *("round trips", "requests/s", "p50, ms", "p99, ms", "memory, MB", "others"),
)


def journey_table(
    rounds: Mapping[str, Sequence[Round]], counts: Mapping[str, tuple[float, float]]
) -> str:
    rows = []
    for name, measured in rounds.items():
        statements, trips = counts[name]
        rows.append(
            (
                name,
                spread([each.server for each in measured]),
                spread([each.database for each in measured]),
                f"{statements:.1f}",
                f"{trips:.1f}",
                f"{median(each.speed for each in measured):,.0f}",
                f"{median(each.p50 for each in measured):.1f}",
                f"{median(each.p99 for each in measured):.1f}",
                f"{median(each.memory for each in measured):.0f}",
                f"{median(each.others for each in measured):.0%}",
            )
        )
    return table(HEAD, rows)
