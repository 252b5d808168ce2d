"""What is counted, for `/metrics`. Counts are this process's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from .errors import LockerError

requests = Histogram(
    "locker_request_seconds",
    "Time to answer a request, before the first byte is sent.",
    ["method", "route", "status"],
)
statements = Counter(
    "locker_statements", "Statements that requests sent to the database.", ["method", "route"]
)
round_trips = Counter(
    "locker_round_trips",
    "Answers of the database that requests waited for: to statements, and around transactions.",
    ["method", "route"],
)
logins = Counter(
    "locker_logins", "Log ins: succeeded, or why not: an error's code, or failed.", ["outcome"]
)
throttled = Counter(
    "locker_throttled", "Attempts beyond the limits of LOCKER_THROTTLE_….", ["action"]
)
cart_adds = Counter("locker_cart_adds", "Times that something was added to a cart.")
cart_merges = Counter("locker_cart_merges", "Guests' carts that joined an account's.")
cart_late_lines = Counter(
    "locker_cart_late_lines",
    "Lines added to a guest's cart after it had joined an account's, which followed.",
)
carts_healed = Counter(
    "locker_carts_healed", "Carts that got lines back which the database had lost."
)
cart_healed_lines = Counter(
    "locker_cart_healed_lines", "Lines of carts that were lost, or smaller, and put back."
)
orders = Counter(
    "locker_orders",
    "Orders: placed, repeated (there was one), cancelled, fulfilled (each part), or why not: an "
    "error's code, or failed.",
    ["outcome"],
)
standby_reads = Counter(
    "locker_standby_reads",
    "Lists and searches where there is a standby, by who answered: standby, or primary.",
    ["server"],
)
hash_seconds = Histogram(
    "locker_hash_seconds", "Time of a password's hash or check, the wait for it included."
)
hash_refused = Counter(
    "locker_hash_refused", "Log ins and the like that found no place in the line for a hash."
)
webhook_seconds = Histogram(
    "locker_webhook_seconds",
    "Time of attempts to deliver an event, by what came of them: delivered, pending (it is tried "
    "again), or dead.",
    ["webhook", "outcome"],
)
section_bytes = Histogram(
    "locker_section_bytes",
    "Size of a section's cookie when it is sent, name and attributes included.",
    ["section"],
    buckets=(128, 256, 512, 1024, 2048, 3072, 4093),
)
sections_refused = Counter(
    "locker_sections_refused",
    "Cookies of sections that came in and count for nothing, and why.",
    ["section", "reason"],
)
old_key_uses = Counter(
    "locker_old_key_uses",
    "Cookies read that an older key had signed. While it grows, that key can't go.",
)

log_lines_dropped = Counter(
    "locker_log_lines_dropped", "Lines of the log that nobody took in time, so that they are lost."
)

_Count = Callable[[float], None]
_of_request: dict[tuple[str, str, int], tuple[_Count, _Count, _Count]] = {}
"""How each kind of request is counted, as finding that takes longer than counting."""


def count_request(
    method: str, route: str, status: int, seconds: float, asked: tuple[int, int]
) -> None:
    """Count a request, with its statements and round trips. Each ``route`` is kept for good."""
    kind = method, route, status
    ways = _of_request.get(kind)
    if ways is None:
        ways = _of_request[kind] = (
            requests.labels(*kind).observe,
            statements.labels(method, route).inc,
            round_trips.labels(method, route).inc,
        )
    ways[0](seconds)
    if asked[1]:
        ways[1](asked[0])
        ways[2](asked[1])


@dataclass(slots=True)
class Outcome:
    """What comes of something."""

    name: str


@contextmanager
def outcome(counter: Counter, success: str) -> Iterator[Outcome]:
    """Count what comes of the block: success, which it may name, an error's code, or failed."""
    reached = Outcome(success)
    try:
        yield reached
    except LockerError as error:
        counter.labels(error.code).inc()
        raise
    except Exception:
        counter.labels("failed").inc()
        raise
    counter.labels(reached.name).inc()


class State:
    """How an application stands, read off when somebody asks."""

    def __init__(self) -> None:
        self._sources: list[Callable[[], Iterable[Metric]]] = []
        self._asked: list[Callable[[], Awaitable[Iterable[Metric]]]] = []

    def add(self, source: Callable[[], Iterable[Metric]]) -> None:
        self._sources.append(source)

    def add_asked(self, source: Callable[[], Awaitable[Iterable[Metric]]]) -> None:
        """Take in what has to be asked for elsewhere, and may take a moment."""
        self._asked.append(source)

    async def read(self) -> Readout:
        """Read it off, at one moment and in the event loop, and then ask for what has to be.

        So what asking takes of the pool is not among what is told of the pool.
        """
        own = [metric for source in self._sources for metric in source()]
        return Readout(own + [metric for source in self._asked for metric in await source()])


@dataclass(frozen=True, slots=True)
class Readout:
    """How an application stood at one moment; what is counted is read as it is collected."""

    state: list[Metric]

    def collect(self) -> Iterator[Metric]:
        """Return everything there is to know, what is counted included; in any thread."""
        yield from REGISTRY.collect()
        yield from self.state


def gauge(name: str, doc: str, value: float) -> Metric:
    return GaugeMetricFamily(name, doc, value)


def gauges(name: str, doc: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return a gauge for each value of the label."""
    family = GaugeMetricFamily(name, doc, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def count(name: str, doc: str, value: float) -> Metric:
    return CounterMetricFamily(name, doc, value)


def counts(name: str, doc: str, label: str, values: Mapping[str, int]) -> Metric:
    """Return a counter for each value of the label."""
    family = CounterMetricFamily(name, doc, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def summary(name: str, doc: str, times: int, total: float) -> Metric:
    return SummaryMetricFamily(name, doc, times, total)
