"""What its owner can do with an account's logins and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from service import audit, clock
from service.audit import Event
from service.errors import NotFound
from service.idempotency import KeyReused

from . import queries
from .model import TokenLimit

if TYPE_CHECKING:
    from uuid import UUID

    from service.audit import Source
    from service.database import Connection

    from .model import NewToken, Token


async def make_token(
    db: Connection, account_id: UUID, new: NewToken, source: Source
) -> tuple[Token, Event]:
    """Make a token; returns it with what to log once it is committed.

    Raises `TokenLimit`, and `KeyReused` for one that was made before.
    """
    now = clock.now()
    async with db.transaction():
        try:
            token = await queries.insert_token(db, account_id, new, now)
        except asyncpg.UniqueViolationError:
            # Made under this key, but longer ago than keys are remembered.
            raise KeyReused from None
        if token is None:
            raise TokenLimit
        event = Event("token_made", now, source, account_id, token.id)
        await audit.insert_event(db, event)
    return token, event


async def end(
    db: Connection, kind: queries.Ended, account_id: UUID, login_id: UUID, source: Source
) -> bytes:
    """End a login or a token; returns its hash. Raises `NotFound` if the account has none such."""
    now = clock.now()
    async with db.transaction():
        ended = await queries.end_one(db, kind, account_id, now, login_id)
        if ended is None:
            raise NotFound
        event = Event(kind, now, source, account_id, login_id)
        await audit.insert_event(db, event)
    audit.log(event)
    return ended


async def end_others(
    db: Connection, account_id: UUID, current: bytes | None, source: Source
) -> None:
    """End the account's logins but this one; tokens stay."""
    now = clock.now()
    async with db.transaction():
        await queries.end_others(db, account_id, now, current)
        event = Event("other_logins_ended", now, source, account_id)
        await audit.insert_event(db, event)
    audit.log(event)
