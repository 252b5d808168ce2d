"""What one can do with an account: register, log in, log out; and what an operator can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from service import carts, clock
from service.database import release_db, run
from service.errors import WrongCredentials
from service.sessions import NewLogin, end_logins, new_token

from . import queries
from .model import Account, check_password, check_username

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.carts import MergedLine, Opened, Visitor
    from service.database import Connection
    from service.preferences import Choices
    from service.settings import Settings

    from .passwords import Hasher


@dataclass(frozen=True, slots=True)
class Browser:
    """What a login takes over from the browser it comes from."""

    visitor: Visitor
    username: str | None
    choices: Choices
    user_agent: str
    ip: str


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """How long a login lasts, and how the guest's cart joins the account's."""

    idle: timedelta
    lifetime: timedelta
    cart: carts.Policy

    @classmethod
    def of(cls, settings: Settings, cart: carts.Policy, *, remember: bool) -> LoginPolicy:
        idle, lifetime = (
            (settings.remember_idle, settings.remember_lifetime)
            if remember
            else (settings.login_idle, settings.login_lifetime)
        )
        return cls(timedelta(seconds=idle), timedelta(seconds=lifetime), cart)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login that has begun; ``token`` goes into the session and nowhere else."""

    account: Account
    token: str
    opened: Opened
    receipt: tuple[MergedLine, ...]


async def register(
    hasher: Hasher,
    username: str,
    email: str,
    password: str,
    *,
    browser: Browser,
    policy: LoginPolicy,
    within: Callable[[Connection, LoggedIn], Awaitable[None]] | None = None,
) -> LoggedIn:
    """Make an account and log in, in one transaction, in which ``within`` is awaited last.

    Raises `Invalid`, `WeakPassword`, `UsernameTaken`, `EmailTaken`. Holds no connection while
    it hashes.
    """
    name = check_username(username)
    check_password(password, name)
    password_hash = await hasher.hash(password)

    async def store(db: Connection) -> LoggedIn:
        async with db.transaction():
            account = await queries.insert_account(db, name, email, password_hash, clock.now())
            logged_in = await _start(db, account, _known(browser, account), policy, None)
            if within:
                await within(db, logged_in)
            return logged_in

    return await run(store)


def _known(browser: Browser, account: Account) -> Browser:
    """Return the browser, and what it remembers of an account that the database lost as this one's.

    It was signed in under a name that is free again.
    """
    if browser.username != account.username:
        return browser
    visitor = browser.visitor.as_account(account.id)
    return replace(browser, visitor=visitor)


async def log_in(
    hasher: Hasher, name: str, password: str, *, browser: Browser, policy: LoginPolicy
) -> LoggedIn:
    """Log in by user name or e-mail address; raises `WrongCredentials`.

    One transaction starts the login and moves the guest's cart. Holds no connection while it
    checks the password, which takes as long for a name that nobody has.
    """
    credentials = await run(lambda db: queries.select_credentials(db, name))
    release_db()
    stored = credentials.password_hash if credentials else None
    right = await hasher.verify(stored, password)
    if credentials is None or not right:
        raise WrongCredentials
    fresh = await hasher.hash(password) if hasher.is_outdated(credentials.password_hash) else None

    async def start(db: Connection) -> LoggedIn:
        async with db.transaction():
            return await _start(db, credentials.account, browser, policy, fresh)

    return await run(start)


async def _start(
    db: Connection,
    account: Account,
    browser: Browser,
    policy: LoginPolicy,
    password_hash: str | None,
) -> LoggedIn:
    now = clock.now()
    login = NewLogin(
        token=new_token(),
        account_id=account.id,
        now=now,
        idle=policy.idle,
        expires_at=now + policy.lifetime,
        user_agent=browser.user_agent,
        ip=browser.ip,
    )
    await queries.start_login(
        db,
        login,
        previous=browser.visitor.claim,
        choices=browser.choices,
        password_hash=password_hash,
    )
    opened, receipt = await carts.merge(db, account.id, browser.visitor, policy.cart)
    return LoggedIn(account, login.token, opened, receipt)


async def create_account(
    db: Connection, username: str, email: str, password: str, hasher: Hasher
) -> Account:
    """Make an account, as an operator does; raises as `register` does."""
    name = check_username(username)
    check_password(password, name)
    return await queries.insert_account(db, name, email, await hasher.hash(password), clock.now())


async def change_password(db: Connection, username: str, password: str, hasher: Hasher) -> bool:
    """Set a password and end every login; returns False if there is no such account."""
    credentials = await queries.select_credentials(db, username)
    if credentials is None:
        return False
    check_password(password, credentials.account.username)
    password_hash = await hasher.hash(password)
    await queries.update_password(db, credentials.account.id, password_hash, clock.now())
    return True


async def disable(db: Connection, username: str) -> bool:
    """Disable an account and end its logins; returns False if there is no such account."""
    credentials = await queries.select_credentials(db, username)
    if credentials is None:
        return False
    await queries.disable_account(db, credentials.account.id, clock.now())
    return True


async def end_all_logins(db: Connection, username: str) -> int | None:
    """End every login of an account; returns how many, or None if there is no such account."""
    credentials = await queries.select_credentials(db, username)
    if credentials is None:
        return None
    return await end_logins(db, credentials.account.id, clock.now())
