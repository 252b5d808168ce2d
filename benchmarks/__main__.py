"""Locker beside others that do the same work: `make bench`.

    python -m benchmarks [--quick] [--only NAME] [--rounds N] [--seconds S] [--write]

Prints the tables of docs/performance.md, and with --write puts them there and draws its plots. Each
round starts every contestant once, in turn, so that a machine that becomes slower becomes so for
all; what is printed is the median of the rounds, and how far they were apart. A round in which
something else took much of the machine is made again, and what that took stands beside.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from . import tables
from .contestants import CONTESTANTS, Contestant
from .driver import VISITS, Plan
from .rounds import Measured, count, one_round
from .stage import Stage, stage
from .written import write

CROWDS = (64, 256)
"""Shoppers at once, beside the 16 of the journey."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "--quick", action="store_true", help="two short rounds of the journey alone"
    )
    parser.add_argument("--only", action="append", help="contestants whose names have this in them")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--shoppers", type=int, default=16)
    parser.add_argument(
        "--busy", type=float, default=0.1, help="share of the machine that others may take, 0 to 1"
    )
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument(
        "--parts", default="waits,routes", help="waits, routes, or journey for that alone"
    )
    given = parser.parse_args()
    if given.quick:
        given.parts = ""
    given.rounds = given.rounds or (2 if given.quick else 5)
    given.seconds = given.seconds or (3.0 if given.quick else 8.0)
    return given


def interleaved(
    contestants: Sequence[Contestant], on: Stage, plans: dict[str, Plan], rounds: int, busy: float
) -> dict[str, list[Measured]]:
    """Return what each contestant's rounds came to; ``plans`` are by its name."""
    found: dict[str, list[Measured]] = {each.name: [] for each in contestants}
    for _ in range(rounds):
        for each in contestants:
            found[each.name].append(one_round(each, on, plans[each.name], busy))
    return found


def main() -> None:
    given = arguments()
    contestants = [
        each
        for each in CONTESTANTS
        if not given.only or any(part.lower() in each.name.lower() for part in given.only)
    ]
    plan = Plan(port=0, shoppers=given.shoppers, seconds=given.seconds)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        stage(Path(folder) / "postgres") as on,
    ):
        said = [tables.preamble(given.rounds, plan)]
        print(said[0])

        def say(text: str) -> None:
            said.append(text)
            print(text, flush=True)

        def run(rounds: int, **changes: object) -> dict[str, list[Measured]]:
            changed = msgspec.structs.replace(plan, **changes)
            return interleaved(
                contestants,
                on,
                dict.fromkeys((each.name for each in contestants), changed),
                rounds,
                given.busy,
            )

        counts = {each.name: count(each, on) for each in contestants}
        journeys = run(given.rounds)
        say(tables.journey_table(journeys, counts))
        say(tables.start_table(journeys))
        say(tables.million_table(journeys, counts))
        if "waits" in given.parts:
            fewer = max(1, given.rounds // 2)
            waits = {str(plan.shoppers): journeys}
            waits |= {str(number): run(fewer, shoppers=number) for number in CROWDS}
            at_half = {
                name: msgspec.structs.replace(
                    plan, rate=median(each.round.speed for each in measured) / 2
                )
                for name, measured in journeys.items()
            }
            say(tables.wait_table(waits, interleaved(contestants, on, at_half, fewer, given.busy)))
        if "routes" in given.parts:
            routes = {
                route: run(1, route=route, seconds=given.seconds / 2)
                for route in VISITS
                if route != "journey"
            }
            say(tables.route_table(routes))
        if given.write:
            write(said, journeys)


if __name__ == "__main__":
    main()
