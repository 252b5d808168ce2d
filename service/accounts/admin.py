"""What an operator can do with accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from service import audit, clock
from service.audit import Event, Operator
from service.database import Connection
from service.errors import Conflict, Invalid, NotFound
from service.logins import revoke_all, revoke_operators_tokens

from . import admin_queries, queries
from .actions import check
from .foreign import is_foreign
from .model import Account, KnownAccount, Role, check_email, check_username, key
from .passwords import Hasher


class IsOperator(Conflict):
    code, title = "is_operator", "The account is an operator's, changed at the command line alone"


@dataclass(frozen=True, slots=True)
class AccountPage:
    """A part of the list; ``next`` is the name or address after which it goes on."""

    accounts: tuple[KnownAccount, ...]
    next: str | None


async def create_account(
    db: Connection, username: str, email: str, password: str, hasher: Hasher
) -> Account:
    """Make an account; raises as `actions.register` does."""
    name, email = await check(hasher, username, email, password)
    password_hash = await hasher.accept(password, name)
    async with audit.recorded(db) as record:
        account = await queries.insert_account(db, name, email, password_hash, clock.now())
        await record.store(_event("registered", account.id))
    return account


async def import_account(db: Connection, username: str, email: str, password_hash: str) -> Account:
    """Make an account with the hash that another application made of its password.

    Its first login puts a hash of ours in the place of that one. Raises `Invalid`,
    `UsernameTaken`, `EmailTaken`.
    """
    name, address = check_username(username), check_email(email)
    if not is_foreign(password_hash):
        message = "The hash is none of werkzeug's scrypt or pbkdf2, or takes too long to check."
        raise Invalid("password_hash", message, "bad_format")
    async with audit.recorded(db) as record:
        account = await queries.insert_account(db, name, address, password_hash, clock.now())
        await record.store(_event("registered", account.id))
    return account


async def set_password(
    db: Connection, account_id: UUID, password: str, hasher: Hasher
) -> KnownAccount:
    """Set a password and revoke every login and token; raises `NotFound`, `WeakPassword`."""
    account = (await show(db, account_id)).account
    password_hash = await hasher.accept(password, account.username)
    async with audit.recorded(db) as record:
        await queries.update_password(db, account.id, password_hash)
        await revoke_all(db, account.id, clock.now())
        await record.store(_event("password_changed", account.id))
    return await show(db, account_id)


async def find(
    db: Connection,
    text: str = "",
    *,
    limit: int,
    after: str = "",
    disabled: bool = False,
    role: Role | None = None,
) -> AccountPage:
    """Return accounts by what begins so: the user name, or the e-mail address if it has an ``@``.

    An id finds its account. With ``disabled`` only such, with a ``role`` only who has it.
    """
    text = text.strip()
    if account_id := _read_id(text):
        known = await admin_queries.select_known_by_id(db, account_id)
        return AccountPage((known,) if known else (), None)
    by: Literal["username", "email"] = "email" if "@" in text else "username"
    found = await admin_queries.select_page(
        db, by, key(text), after=key(after), disabled=disabled, role=role, limit=limit + 1
    )
    shown = tuple(found[:limit])
    return AccountPage(shown, getattr(shown[-1].account, by) if len(found) > limit else None)


async def show(db: Connection, account_id: UUID) -> KnownAccount:
    """Return an account, disabled or not; raises `NotFound`."""
    known = await admin_queries.select_known_by_id(db, account_id)
    if known is None:
        raise NotFound
    return known


async def disable(db: Connection, account_id: UUID, operator: Operator) -> KnownAccount:
    """Disable an account, revoking its logins and tokens; raises `NotFound`, `IsOperator`.

    One that is disabled stays so since when it was.
    """
    async with audit.recorded(db) as record:
        known, now = await _lock(db, account_id, operator), clock.now()
        if known.disabled_at is None:
            await admin_queries.update_disabled(db, account_id, now)
            await revoke_all(db, account_id, now)
            await record.store(operator.event("account_disabled", now, account_id=account_id))
            known = replace(known, disabled_at=now)
    return known


async def enable(db: Connection, account_id: UUID, operator: Operator) -> KnownAccount:
    """Let a disabled account log in again; raises `NotFound`, `IsOperator`.

    Logins and tokens that were revoked stay so.
    """
    async with audit.recorded(db) as record:
        known = await _lock(db, account_id, operator)
        if known.disabled_at:
            await admin_queries.update_disabled(db, account_id, None)
            event = operator.event("account_enabled", clock.now(), account_id=account_id)
            await record.store(event)
    return replace(known, disabled_at=None)


async def revoke_all_logins(db: Connection, account_id: UUID, operator: Operator) -> int:
    """Revoke an account's logins and tokens; returns how many. Raises `NotFound`, `IsOperator`."""
    async with audit.recorded(db) as record:
        await _lock(db, account_id, operator)
        now = clock.now()
        revoked = await revoke_all(db, account_id, now)
        await record.store(operator.event("all_logins_ended", now, account_id=account_id))
        return revoked


async def delete(db: Connection, account_id: UUID, operator: Operator) -> None:
    """Delete an account as its owner can; raises `NotFound`, `IsOperator`."""
    async with audit.recorded(db) as record:
        await _lock(db, account_id, operator)
        now = clock.now()
        await queries.delete_account(db, account_id, now)
        await record.store(operator.event("account_deleted", now, account_id=account_id))


async def set_role(
    db: Connection, account_id: UUID, role: Role | None, operator: Operator
) -> KnownAccount:
    """Give an account a role, or take it; raises `NotFound`, `IsOperator`.

    Without the role its tokens with the scope `admin` are revoked; its logins stay, as a
    shopper's.
    """
    async with audit.recorded(db) as record:
        known, now = await _lock(db, account_id, operator), clock.now()
        if await admin_queries.update_role(db, account_id, role):
            if role is None:
                await revoke_operators_tokens(db, account_id, now)
            kind: audit.EventKind = "role_given" if role else "role_taken"
            await record.store(operator.event(kind, now, account_id=account_id))
    return replace(known, role=role)


async def _lock(db: Connection, account_id: UUID, operator: Operator) -> KnownAccount:
    """Return an account that stays as it is until the commit.

    Operators have no power over each other: at the command line alone is there any over them.
    """
    known = await admin_queries.select_known_by_id(db, account_id, lock=True)
    if known is None:
        raise NotFound
    if known.role and operator != audit.COMMAND_LINE:
        raise IsOperator
    return known


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _event(kind: audit.EventKind, account_id: UUID) -> Event:
    return Event(kind, clock.now(), audit.OPERATOR, account_id)
