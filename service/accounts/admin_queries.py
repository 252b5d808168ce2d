"""What an operator reads and changes of accounts, disabled ones as well."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Literal
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


SELECT_KNOWN_BY_ID = Statement(f"select {COLUMNS} from accounts where id = :account_id")
LOCK_KNOWN = Statement(f"select {COLUMNS} from accounts where id = :account_id for no key update")


async def select_known_by_id(
    db: Connection, account_id: UUID, *, lock: bool = False
) -> KnownAccount | None:
    """Return the account of this id; ``lock`` keeps it as it is until the commit."""
    statement = LOCK_KNOWN if lock else SELECT_KNOWN_BY_ID
    row = await db.fetchrow(*statement(account_id=account_id))
    return _known(row) if row else None


Ordering = Literal["username", "email"]


@cache
def _select_page(by: Ordering) -> Statement:
    # The bound behind what begins so is the last character there is.
    return Statement(
        f"""
        select {COLUMNS} from accounts
        where {by}_key collate "C" > :after
            and {by}_key collate "C" between :beginning and :beginning || chr(1114111)
            and (disabled_at is not null or not :disabled)
            and (role = :role or :role::text is null)
        order by {by}_key collate "C" limit :limit
        """
    )


async def select_page(
    db: Connection,
    by: Ordering,
    beginning: str,
    *,
    after: str,
    disabled: bool,
    role: Role | None,
    limit: int,
) -> list[KnownAccount]:
    """Return accounts in the order of their names or addresses, ``after`` one, that begin so."""
    rows = await db.fetch(
        *_select_page(by)(
            beginning=beginning, after=after, disabled=disabled, role=role, limit=limit
        )
    )
    return [_known(row) for row in rows]


UPDATE_DISABLED = Statement("update accounts set disabled_at = :at where id = :account_id")


async def update_disabled(db: Connection, account_id: UUID, at: datetime | None) -> None:
    """Let nobody in any more, since then; with None its owner again."""
    await db.execute(*UPDATE_DISABLED(account_id=account_id, at=at))


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
