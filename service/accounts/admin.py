"""What an operator can do with an account, by its user name or e-mail address."""

from __future__ import annotations

from uuid import UUID

from service import audit, clock
from service.audit import Event, Operator
from service.database import Connection
from service.errors import Invalid
from service.logins import revoke_all, revoke_operators_tokens

from . import admin_queries, queries
from .actions import check
from .foreign import is_foreign
from .model import Account, Role, check_email, check_username
from .passwords import Hasher


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


async def set_password(db: Connection, name: str, password: str, hasher: Hasher) -> bool:
    """Set a password and revoke every login and token; returns False for no such account."""
    credentials = await queries.select_credentials(db, name)
    if credentials is None:
        return False
    account = credentials.account
    password_hash = await hasher.accept(password, account.username)
    async with audit.recorded(db) as record:
        await queries.update_password(db, account.id, password_hash)
        await revoke_all(db, account.id, clock.now())
        await record.store(_event("password_changed", account.id))
    return True


async def disable(db: Connection, name: str) -> bool:
    """Disable an account, revoking its logins and tokens; returns False if there is no such one.

    One that is disabled stays so since when it was.
    """
    known = await admin_queries.select_known(db, name)
    if known is None:
        return False
    if known.disabled_at is None:
        account_id = known.account.id
        async with audit.recorded(db) as record:
            await admin_queries.disable_account(db, account_id, clock.now())
            await revoke_all(db, account_id, clock.now())
            await record.store(_event("account_disabled", account_id))
    return True


async def enable(db: Connection, name: str) -> bool:
    """Let a disabled account log in again; returns False if there is no such one.

    Logins and tokens that were revoked stay so.
    """
    known = await admin_queries.select_known(db, name)
    if known is None:
        return False
    if known.disabled_at:
        async with audit.recorded(db) as record:
            await admin_queries.enable_account(db, known.account.id)
            await record.store(_event("account_enabled", known.account.id))
    return True


async def set_role(db: Connection, name: str, role: Role | None, operator: Operator) -> bool:
    """Give an account a role, or take it; returns False if there is no such account.

    Without the role its tokens with the scope `admin` are revoked; its logins stay, as a
    shopper's.
    """
    known = await admin_queries.select_known(db, name)
    if known is None:
        return False
    now, account_id = clock.now(), known.account.id
    async with audit.recorded(db) as record:
        if await admin_queries.update_role(db, account_id, role):
            if role is None:
                await revoke_operators_tokens(db, account_id, now)
            kind: audit.EventKind = "role_given" if role else "role_taken"
            await record.store(operator.event(kind, now, account_id=account_id))
    return True


async def revoke_all_logins(db: Connection, name: str) -> int | None:
    """Revoke an account's logins and tokens; returns how many, or None for no such account."""
    credentials = await queries.select_credentials(db, name)
    if credentials is None:
        return None
    async with audit.recorded(db) as record:
        revoked = await revoke_all(db, credentials.account.id, clock.now())
        await record.store(_event("all_logins_ended", credentials.account.id))
    return revoked


def _event(kind: audit.EventKind, account_id: UUID) -> Event:
    return Event(kind, clock.now(), audit.OPERATOR, account_id)
