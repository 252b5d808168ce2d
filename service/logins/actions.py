"""What its owner can do with an account's logins and tokens, and an operator with tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

import asyncpg

from service import audit, clock
from service.audit import Event, Operator, Source
from service.database import Connection
from service.errors import NotFound

from . import revoke_queries, token_queries
from .devices import Device
from .model import IssuedToken, NewToken, NoOperator, PresentedLogin, Token, TokenExists


async def make_token(db: Connection, password_hash: str, new: NewToken, event: Event) -> Token:
    """Make a token, for an account whose password was checked against this hash.

    The event names both, and is to be logged once this is committed. Raises `WrongPassword` if
    the password was changed since, `TokenLimit`, and `TokenExists`.
    """
    try:
        return await token_queries.insert_token(db, password_hash, new, event)
    except asyncpg.UniqueViolationError:
        raise TokenExists from None


async def revoke_presented(
    db: Connection, presented: PresentedLogin, source: Source, merge_window: timedelta
) -> bool:
    """Log the browser out that presents this login; returns whether it was valid until now.

    The log out is over once ``merge_window`` has passed.
    """
    event = Event("logged_out", clock.now(), source, presented.account_id)
    revoked = await revoke_queries.revoke_presented(db, presented, event, merge_window)
    if revoked:
        audit.log(replace(event, login_id=revoked))
    return revoked is not None


async def revoke_one(
    db: Connection,
    kind: Literal["login_ended", "token_ended"],
    account_id: UUID,
    login_id: UUID,
    source: Source,
    *,
    own: bytes | None = None,
    merge_window: timedelta = timedelta(0),
) -> bytes:
    """Revoke a login or a token; returns its hash. Raises `NotFound` if the account has none such.

    Where it is one's ``own``, that is a log out.
    """
    event = Event(kind, clock.now(), source, account_id, login_id)
    revoked = await revoke_queries.revoke_one(db, event, own, merge_window)
    if revoked is None:
        raise NotFound
    audit.log(event)
    return revoked


async def revoke_others(
    db: Connection,
    account_id: UUID,
    source: Source,
    *,
    current: bytes | None = None,
    device: Device | None = None,
    tokens: bool,
) -> int:
    """Revoke the account's logins but this one, and its tokens if asked to.

    It is known on this device alone from then on. Returns how many tokens stay.
    """
    event = Event("other_logins_ended", clock.now(), source, account_id)
    known = device.token_hash if device else None
    stay = await revoke_queries.revoke_others(db, event, current, known, tokens=tokens)
    audit.log(event)
    return stay


async def issue_token(
    db: Connection, account_id: UUID, new: NewToken, operator: Operator
) -> IssuedToken:
    """Make a token for an account, without its password.

    Raises `NoOperator` for one that can't log in, or that asks for `admin` without the role.
    """
    now = clock.now()
    async with audit.recorded(db) as record:
        issued = await token_queries.issue_token(db, account_id, new, now)
        if issued is None:
            raise NoOperator
        made = operator.event("token_made", now, account_id=account_id, scopes=new.scopes)
        await record.store(replace(made, login_id=new.id))
    return issued


async def revoke_token(db: Connection, token_id: UUID, operator: Operator) -> None:
    """Revoke a token, whosoever it is; raises `NotFound`."""
    now = clock.now()
    async with audit.recorded(db) as record:
        account_id = await token_queries.revoke_token(db, token_id, now)
        if account_id is None:
            raise NotFound
        ended = operator.event("token_ended", now, account_id=account_id)
        await record.store(replace(ended, login_id=token_id))
