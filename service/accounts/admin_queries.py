"""What an operator reads and changes of accounts, disabled ones as well."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from asyncpg import Record

from service.database import Connection
from service.statements import Statement

from .model import Account, KnownAccount, Role, key

COLUMNS = "id, username, email, created_at, disabled_at, role"

SELECT_KNOWN = Statement(
    f"select {COLUMNS} from accounts where username_key = :name or email_key = :name"
)


async def select_known(db: Connection, name: str) -> KnownAccount | None:
    """Return the account of this user name or e-mail address."""
    row = await db.fetchrow(*SELECT_KNOWN(name=key(name)))
    return _known(row) if row else None


SELECT_PAGE = Statement(
    f"""
    select {COLUMNS} from accounts
    where username_key > :after and (disabled_at is not null or not :disabled)
        and (role = :role or :role::text is null)
    order by username_key limit :limit
    """
)


async def select_page(
    db: Connection, *, after: str = "", disabled: bool = False, role: Role | None = None, limit: int
) -> list[KnownAccount]:
    """Return accounts by name, those ``after`` a user name.

    With ``disabled`` only such, with a ``role`` only those that have it.
    """
    rows = await db.fetch(*SELECT_PAGE(after=key(after), disabled=disabled, role=role, limit=limit))
    return [_known(row) for row in rows]


DISABLE_ACCOUNT = Statement("update accounts set disabled_at = :now where id = :account_id")


async def disable_account(db: Connection, account_id: UUID, now: datetime) -> None:
    """Let nobody in any more."""
    await db.execute(*DISABLE_ACCOUNT(account_id=account_id, now=now))


ENABLE_ACCOUNT = Statement("update accounts set disabled_at = null where id = :account_id")


async def enable_account(db: Connection, account_id: UUID) -> None:
    """Let its owner in again."""
    await db.execute(*ENABLE_ACCOUNT(account_id=account_id))


UPDATE_ROLE = Statement(
    "update accounts set role = :role where id = :account_id and role is distinct from :role"
    " returning true"
)


async def update_role(db: Connection, account_id: UUID, role: Role | None) -> bool:
    """Store what an account may do for the shop; returns whether that is a change."""
    return bool(await db.fetchval(*UPDATE_ROLE(account_id=account_id, role=role)))


def _known(row: Record) -> KnownAccount:
    account = Account(row["id"], row["username"], row["email"], row["created_at"])
    return KnownAccount(account, row["disabled_at"], row["role"])
