"""When the last requests of this process held a connection. Only there while the page is on."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import asyncpg
from quart import Quart, Response, g, request

from service.database import Pool, Pooled

KEPT = 14

UNSEEN = {
    "static",
    "show_document",
    "show_docs",
    "show_guide",
    "ops.check_liveness",
    "ops.check_readiness",
}
"""Endpoints that would only push the interesting ones out."""


@dataclass(slots=True)
class Hold:
    """A connection that was taken; ``until`` is None as long as it is held. Times in seconds."""

    backend: int
    since: float
    until: float | None = None


@dataclass(slots=True)
class WatchedVisit:
    """A request: by its route, which has nothing of the visitor's in it."""

    method: str
    route: str
    started: float
    ended: float | None = None
    status: int | None = None
    statements: int = 0
    holds: list[Hold] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    """The hooks that found this visit's flag in `g`, in order."""

    def count(self, _: object) -> None:
        self.statements += 1


class Watch:
    """Notes the requests of one app, as the pool's observer."""

    def __init__(self, app: Quart, pool: Pool) -> None:
        self.visits: deque[WatchedVisit] = deque(maxlen=KEPT)
        pool.observer = self
        app.before_request(self._begin)
        app.after_request(self._end)
        app.teardown_request(self._leave)

    @property
    def last(self) -> WatchedVisit | None:
        """The newest visit that is over."""
        return next(
            (visit for visit in reversed(self.visits) if "teardown_request" in visit.hooks), None
        )

    @property
    def current(self) -> WatchedVisit | None:
        return cast("WatchedVisit | None", g.get("watched"))

    def taken(self, connection: Pooled) -> None:
        visit = self.current
        if visit is not None:
            visit.holds.append(Hold(connection.get_server_pid(), time.perf_counter()))
            connection.add_query_logger(visit.count)

    def given_back(self, connection: Pooled) -> None:
        visit = self.current
        if visit is not None and visit.holds:
            visit.holds[-1].until = time.perf_counter()
            # One that died under the request has been taken away already.
            with suppress(asyncpg.InterfaceError):
                connection.remove_query_logger(visit.count)

    async def _begin(self) -> None:
        if request.endpoint in UNSEEN or request.url_rule is None:
            return
        visit = g.watched = WatchedVisit(request.method, request.url_rule.rule, time.perf_counter())
        visit.hooks.append("before_request")
        self.visits.append(visit)

    async def _end(self, response: Response) -> Response:
        visit = self.current
        if visit is not None:
            visit.status, visit.ended = response.status_code, time.perf_counter()
            visit.hooks.append("after_request")
        return response

    async def _leave(self, _: BaseException | None = None) -> None:
        visit = self.current
        if visit is not None:
            visit.hooks.append("teardown_request")
