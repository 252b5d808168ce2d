"""Who stands behind the counter, in tests."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from quart import Quart
from werkzeug.security import generate_password_hash

from service import accounts, logins
from service.audit import COMMAND_LINE
from service.database import Connection, get_db

from .shopping import PASSWORD, new_name


class MadeOperator(NamedTuple):
    """An operator's account and token; ``headers`` are those of a request with it."""

    account: accounts.Account
    token_id: str
    headers: dict[str, str]


async def make_operator(db: Connection) -> MadeOperator:
    """Make an account with the role and a token of it, as an operator does at the command line."""
    name = new_name()
    hashed = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
    account = await accounts.import_account(db, name, f"{name}@example.com", hashed)
    await accounts.set_role(db, account.id, "operator", COMMAND_LINE)
    token = await give_token(db, account, "admin")
    return MadeOperator(account, *token)


async def find_id(db: Connection, name: str) -> UUID:
    """Return the id of the account of this name."""
    known = await accounts.select_known(db, name)
    assert known
    return known.account.id


async def give_token(
    db: Connection, account: accounts.Account, *scopes: logins.Scope
) -> tuple[str, dict[str, str]]:
    """Make a token for an account; returns its id, and the headers of a request with it."""
    text = logins.new_api_token(scopes)
    new = logins.NewToken(text, "the counter's", scopes, timedelta(days=1))
    await logins.issue_token(db, account.id, new, COMMAND_LINE)
    return str(new.id), {"Authorization": f"Bearer {text}"}


async def operator_of(app: Quart) -> MadeOperator:
    """Make an operator of a shop that was started."""
    async with app.app_context():
        return await make_operator(await get_db())
