"""Is it alive, is it ready (http-api, "Operations"). Neither touches the session."""

from __future__ import annotations

import asyncio
from typing import Literal

import asyncpg
from quart import Blueprint, Response, current_app

from service.database import PoolerFound, get_db, is_writable
from service.errors import LockerError, Unavailable
from service.http.endpoints import Caller, Output, answer, operation
from service.migrations import is_current

from .draining import is_draining

blueprint = Blueprint("ops", __name__)

READY_WITHIN = 1.0
"""Seconds for the database to answer. Kubernetes gives up on a probe after one by default, and
then doesn't see the reason."""


class Status(Output, frozen=True):
    """It is."""

    status: Literal["ok"] = "ok"


@blueprint.get("/livez")
@operation(Caller.ANYONE, answers={200: Status})
async def check_liveness() -> Response:
    """Say that the service answers.

    It asks nothing of the database, which a restart of the service wouldn't help.
    """
    return answer(Status(), Cache_Control="no-store")


@blueprint.get("/readyz")
@operation(Caller.ANYONE, answers={200: Status}, errors=(Unavailable,))
async def check_readiness() -> Response:
    """Say whether to send requests here.

    503 while the database is away or read-only or its schema out of date, and from the moment the
    service is told to stop.
    """
    if is_draining(current_app):
        raise Unavailable("The service is about to stop.", retry_after=1)
    try:
        async with asyncio.timeout(READY_WITHIN):
            db = await get_db()
            writable = await is_writable(db)
            current = await is_current(db)
    except (
        *(OSError, TimeoutError, LockerError),
        *(asyncpg.PostgresError, asyncpg.InterfaceError),
    ) as error:
        away = "The database can't be reached."
        if isinstance(error.__cause__, PoolerFound):
            away = "A pooler is in front of the database: see LOCKER_PGBOUNCER."
        raise Unavailable(away, retry_after=1) from None
    if not writable:
        raise Unavailable("The database is read-only.", retry_after=1)
    if not current:
        raise Unavailable("The database is to be migrated first.", retry_after=1)
    return answer(Status(), Cache_Control="no-store")
