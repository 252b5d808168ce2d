"""Locker beside others that do the same work: `make bench`.

    python -m benchmarks [--quick] [--only NAME] [--rounds N] [--seconds S]

Prints the tables of docs/performance.md. Each round starts every contestant once, in turn, so that
a machine that becomes slower becomes so for all; what is printed is the median of the rounds, and
how far they were apart. A round in which something else took much of the machine is made again.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import msgspec

from .contestants import CONTESTANTS, Contestant
from .driver import Plan
from .rounds import Round, count, measure, running, warm
from .stage import Stage, stage
from .tables import journey_table, preamble

BUSY = 0.1
"""Share of the machine that something else may take in a round."""
AGAIN = 2
"""Times that a round is repeated for it."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "--quick", action="store_true", help="two short rounds of the journey alone"
    )
    parser.add_argument("--only", action="append", help="contestants whose names have this in them")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--shoppers", type=int, default=16)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.rounds = given.rounds or (2 if given.quick else 5)
    given.seconds = given.seconds or (3.0 if given.quick else 8.0)
    return given


def one_round(contestant: Contestant, on: Stage, plan: Plan) -> tuple[Round, float, float]:
    """Return it, the seconds until the contestant answered, and its megabytes at rest."""
    for attempt in range(AGAIN + 1):
        on.rest()
        with running(contestant, on.url) as served:
            here = msgspec.structs.replace(plan, port=served.port)
            warm(here)
            measured = measure(served, on, here)
        if measured.others < BUSY or attempt == AGAIN:
            break
    return measured, served.start, served.at_rest


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
        print(preamble(given.rounds, plan))
        counts = {each.name: count(each, on) for each in contestants}
        rounds: dict[str, list[Round]] = {each.name: [] for each in contestants}
        for _ in range(given.rounds):
            for each in contestants:
                measured, _, _ = one_round(each, on, plan)
                rounds[each.name].append(measured)
        print(journey_table(rounds, counts))


if __name__ == "__main__":
    main()
