"""All connections of a server: how many, for how long, and how they end."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest

from hypercorn.typing import WorkerContext
from prometheus_client.core import Metric

from service.metrics import count, counts, gauge, gauges

from .notices import Notices
from .server import Connection

logger = logging.getLogger(__name__)

SWEEP = 1.0
"""Seconds between two looks at all connections; bounds are kept to that."""
MOST_HELD = 16 << 20
"""Bytes of answers that may wait for their clients, all connections together."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What connections may take; times are seconds.

    ``connections`` don't count newcomers, who may be as many again. ``idle`` is for a connection
    without a request, ``head`` for the head of a request from its first byte, ``send`` for a client
    that takes nothing of its answer. ``drain`` and ``stop`` count from the order to stop: then
    connections are cut off, then the process ends.
    """

    connections: int
    idle: float
    head: float
    send: float
    drain: float
    stop: float
    plain_http2: bool


class Connections:
    """Knows every connection, and ends those that have no right to stay."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._open: set[Connection] = set()
        self._notices = Notices()
        self.ended = Counter[str]()
        self.accepted = 0
        self._overseer: asyncio.Task[None] | None = None
        self._watchdog: threading.Timer | None = None

    @property
    def room(self) -> int:
        """How many more connections there may be."""
        return self.bounds.connections - len(self._open)

    def admit(self, newcomer: Connection) -> bool:
        """Take in a connection, if need be in the place of another; whether there was room."""
        if self._overseer is None:
            self._overseer = newcomer.loop.create_task(self._oversee(newcomer.context))
        self._open.add(newcomer)
        self.accepted += 1
        self._make_room(newcomer.loop.time())
        return newcomer in self._open

    def discard(self, connection: Connection) -> None:
        self._open.discard(connection)

    def end(self, connection: Connection, cause: str, error: BaseException | None = None) -> None:
        """Cut a connection off, and count why."""
        self.discard(connection)
        self.note(cause, error)
        connection.abort()

    def note(self, cause: str, error: BaseException | None = None) -> None:
        """Count what came of a client's doing, or of a mistake of ours."""
        self.ended[cause] += 1
        self._notices.add(cause, error)

    def metrics(self) -> Iterator[Metric]:
        """Return how connections stand, and how many have come and gone."""
        # One that has ended may be there still, until its tasks have.
        states = Counter({"new": 0, "working": 0, "idle": 0})
        for connection in self._open:
            if not connection.has_asked:
                states["new"] += 1
            else:
                states["working" if connection.is_working else "idle"] += 1
        yield gauges("locker_connections", "Clients' connections.", "state", states)
        yield gauge("locker_max_connections", "LOCKER_MAX_CONNECTIONS.", self.bounds.connections)
        yield count("locker_connections_accepted", "Connections that came in.", self.accepted)
        yield counts(
            "locker_connections_ended",
            "Connections that were cut off, and why: full is for others to have room.",
            "cause",
            self.ended,
        )

    def close(self) -> None:
        """Watch no longer: the server has ended."""
        if self._overseer:
            self._overseer.cancel()
        if self._watchdog:
            self._watchdog.cancel()

    def _make_room(self, now: float) -> None:
        """End those who have to go for the others.

        Newcomers take nobody's place until their first request is here or overdue: else a crowd
        that comes all at once would shut out the shoppers who come with it. Newcomers and others
        together are at most twice as many as there may be; beyond that the newcomer goes who has
        waited longest.
        """
        most = self.bounds.connections
        if len(self._open) <= most:
            return
        newcomers = [connection for connection in self._open if connection.is_newcomer(now)]
        excess = len(self._open) - len(newcomers) - most
        if excess > 0:
            others = self._open.difference(newcomers)
            idle = [connection for connection in others if not connection.is_working]
            for connection in nsmallest(excess, idle, key=lambda other: other.standing(now)):
                self.end(connection, "full")
        excess = len(self._open) - 2 * most
        for connection in nsmallest(excess, newcomers, key=lambda newcomer: newcomer.began):
            self.end(connection, "full")

    async def _oversee(self, context: WorkerContext) -> None:
        """Look at all of them each second, and once told to stop, bring them to an end."""
        loop = asyncio.get_running_loop()
        while not context.terminated.is_set():
            await _wait_within(SWEEP, context)
            self._sweep(loop.time(), self.bounds.idle)
        # The last resort runs in a thread, because something unknown may keep the loop busy.
        self._watchdog = threading.Timer(self.bounds.stop, _end_process)
        self._watchdog.daemon = True
        self._watchdog.start()
        # Python 3.12 and later wait for connections without a bound; and Hypercorn's own bound
        # cancels tasks of an HTTP/2 stream that then wait for others which are gone.
        cut = loop.time() + max(0.0, self.bounds.drain - SWEEP)
        while (left := cut - loop.time()) > 0:
            self._sweep(loop.time(), 0.0)
            await asyncio.sleep(min(SWEEP, left))
        for connection in list(self._open):
            self.end(connection, "stopping")

    def _sweep(self, now: float, idle: float) -> None:
        """End what waits too long, and what waits longest while all together hold too much."""
        waiting: list[tuple[float, int, Connection]] = []
        for connection in list(self._open):
            since, head_since = connection.waits_since(now), connection.protocol.head_since
            rests_since = connection.rests_since()
            if now - since > self.bounds.send:
                self.end(connection, "unread answer")
            elif head_since is not None and now - head_since > self.bounds.head:
                self.end(connection, "slow head")
            elif rests_since is not None and now - rests_since >= idle:
                connection.close_at_rest()
            elif connection.held:
                waiting.append((since, connection.held, connection))
        excess = sum(held for _, held, _ in waiting) - MOST_HELD
        for _, held, connection in sorted(waiting, key=lambda entry: entry[0]):
            if excess <= 0:
                break
            excess -= held
            self.end(connection, "unread answers, all together")
        self._make_room(now)
        self._notices.say()


async def _wait_within(seconds: float, context: WorkerContext) -> None:
    try:
        async with asyncio.timeout(seconds):
            await context.terminated.wait()
    except TimeoutError:
        pass


def _end_process() -> None:
    logger.error("still not stopped; ending the process")
    logging.shutdown()  # what is left of the log is written; an exit of this kind sees to nothing
    os._exit(0)
