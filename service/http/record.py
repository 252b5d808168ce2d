"""What remains of a request: a line in the log, a count, and of a refusal a row in the audit."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from quart import Quart, g, session
from quart_auth import current_user

from quart_locker import BASE, Session
from service import audit, clock, metrics
from service.database import run
from service.errors import BadHost, CrossSite, Forbidden, LockerError, Unauthenticated
from service.http.requests import BoundedRequest, request_source
from service.logins import presented_login
from service.services import get_service, services_of
from service.standby import tally
from service.tracing import RECORDED, Recorded

logger = logging.getLogger(__name__)

CREDENTIAL_LENGTH = 12
"""Hexadecimal digits of a token's hash: enough to find its row, and of no use for anything else."""
LONGEST_HOST, LONGEST_PATH = 255, 1000
"""Characters; a head has room for a path that would be 60 KB of log."""
REFUSALS, WINDOW = 60, 60
"""So many refusals in so many seconds are recorded by a process; the log has them all."""


class Allowance:
    """So many in each window of time."""

    def __init__(self, count: int, seconds: int) -> None:
        self._count = count
        self._seconds = seconds
        self._began: datetime | None = None
        self._taken = 0

    def take(self) -> bool:
        """Return whether there is one left."""
        now = clock.now()
        if self._began is None or (now - self._began).total_seconds() >= self._seconds:
            self._began, self._taken = now, 0
        self._taken += 1
        return self._taken <= self._count


def init_app(app: Quart) -> None:
    """Keep count of the refusals that were recorded."""
    services_of(app).add(Allowance(REFUSALS, WINDOW))


def note(error: LockerError) -> None:
    """Remember what this request is answered with."""
    g.error = error


async def record(request: BoundedRequest, status: int) -> None:
    """Log and count the request, and record that it was refused.

    The path goes into the log as a value, so a line break in it forges nothing, and not at all
    into the counts, where each would be kept for good.
    """
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    rule = request.url_rule
    method, route = (request.method, rule.rule) if rule else ("-", "-")
    metrics.count_request(method, route, status, seconds, tally())
    error: LockerError | None = g.get("error")
    code = error.code if error else None
    recorded: Recorded | None = request.scope.get(RECORDED)  # type: ignore[assignment]
    if recorded is not None:
        recorded.note(rule.rule if rule else None, g.request_id, code)
    line = {
        "method": request.method,
        "path": request.path[:LONGEST_PATH],
        "route": route,
        "status": status,
        "code": code,
        "host": _host(request) if isinstance(error, BadHost) else None,
        "milliseconds": round(seconds * 1000, 1),
        "ip": request.remote_addr,
        "request_id": g.request_id,
        **_caller(request),
    }
    logger.info("request", extra={key: value for key, value in line.items() if value is not None})
    # A view that asks for a password records a wrong one by itself.
    if isinstance(error, Forbidden | CrossSite):
        await _record_refusal(request)


def _host(request: BoundedRequest) -> str:
    return request.headers.get("Host", "")[:LONGEST_HOST]


def _caller(request: BoundedRequest) -> dict[str, Any]:
    """Return who asked, as far as this request was asked to show it.

    What the signed session says is said even where that login has ended. Nothing is looked up,
    and a session that nobody opened stays closed.
    """
    if request.bearer_token is None:
        visit = cast("Session", session)
        if BASE not in visit.sections:
            return {}
    try:
        presented = presented_login()
    except Unauthenticated:
        return {}
    if presented.token_hash is None:
        return {}
    return {
        "account_id": _account_id()
        or (str(presented.account_id) if presented.account_id else None),
        "credential": presented.token_hash.hex()[:CREDENTIAL_LENGTH],
    }


def _account_id() -> str | None:
    account_id: str | None = current_user.auth_id
    return account_id


async def _record_refusal(request: BoundedRequest) -> None:
    allowance = get_service(Allowance)
    if not allowance.take():
        return
    account_id = _account_id() if request.bearer_token is not None else None
    event = audit.Event(
        "refused",
        clock.now(),
        request_source(),
        account_id=UUID(account_id) if account_id else None,
    )
    try:
        await run(audit.record, event)
    except Exception:
        # The client is refused all the same, and the log has the request.
        logger.warning("a refusal could not be recorded", exc_info=True)
