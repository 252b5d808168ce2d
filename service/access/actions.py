"""What its owner can do with an account's logins and tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import asyncpg

from service import audit, clock
from service.audit import Event
from service.errors import NotFound
from service.http.idempotency import KeyReused

from . import queries

if TYPE_CHECKING:
    from uuid import UUID

    from service.accounts import Credentials
    from service.audit import Source
    from service.database import Connection
    from service.sessions import Device

    from .model import NewToken, Token


async def make_token(
    db: Connection, credentials: Credentials, new: NewToken, source: Source
) -> tuple[Token, Event]:
    """Make a token; returns it with what to log once it is committed.

    Raises `WrongPassword` if that was changed since it was checked, `TokenLimit`, and
    `KeyReused` for one that was made before.
    """
    event = Event("token_made", clock.now(), source, credentials.account.id)
    try:
        token = await queries.insert_token(db, credentials, new, event)
    except asyncpg.UniqueViolationError:
        # Made under this key, but longer ago than keys are remembered.
        raise KeyReused from None
    return token, replace(event, login_id=token.id)


async def end(
    db: Connection,
    kind: Literal["login_ended", "token_ended"],
    account_id: UUID,
    login_id: UUID,
    source: Source,
    *,
    own: bytes | None = None,
    late: timedelta = timedelta(0),
) -> bytes:
    """End a login or a token; returns its hash. Raises `NotFound` if the account has none such.

    Where it is one's ``own``, that is a log out.
    """
    event = Event(kind, clock.now(), source, account_id, login_id)
    ended = await queries.end_one(db, account_id, login_id, event, own, late)
    if ended is None:
        raise NotFound
    audit.log(event)
    return ended


async def end_others(
    db: Connection,
    account_id: UUID,
    source: Source,
    *,
    current: bytes | None = None,
    device: Device | None = None,
    tokens: bool,
) -> int:
    """End the account's logins but this one, and its tokens if asked to.

    It is known on this device alone from then on. Returns how many tokens stay.
    """
    event = Event("other_logins_ended", clock.now(), source, account_id)
    known = device.token_hash if device else None
    stay = await queries.end_others(db, account_id, current, known, event, tokens=tokens)
    audit.log(event)
    return stay
