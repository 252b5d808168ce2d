"""What its owner can change about an account. Each asks for the password once more."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from service import audit, clock
from service.audit import Event, Source
from service.database import Connection, release_db, run
from service.errors import WrongPassword
from service.logins import Device, PresentedLogin, new_token, renew_login, revoke_all
from service.throttling import Throttle, refund

from . import queries
from .actions import raise_if_throttled
from .model import Account, Credentials, check_email
from .passwords import Hasher
from .waiting import Holder


async def confirm_password(
    hasher: Hasher, throttle: Throttle, account_id: UUID, password: str, source: Source
) -> Credentials:
    """Check the current password; raises `WrongPassword`, `TooManyAttempts`.

    It is throttled, so that a stranger at an open browser can't guess there without an end.
    """
    attempt = throttle.attempt("password", str(account_id), source.ip)
    async with hasher.place(Holder(str(account_id), known=True)):
        counted, credentials = await run(queries.count_password, account_id, attempt, clock.now())
        await raise_if_throttled(counted, source, account_id)
        release_db()
        right = await hasher.verify(
            credentials.password_hash if credentials else None, password, known=True
        )
    if credentials is None or not right:
        event = Event("password_refused", clock.now(), source, account_id)
        await run(audit.record, event)
        raise WrongPassword
    await run(refund, attempt, counted)
    release_db()
    return credentials


async def change_password(
    hasher: Hasher,
    credentials: Credentials,
    password: str,
    presented: PresentedLogin,
    device: Device | None,
    source: Source,
    merge_window: timedelta,
) -> str:
    """Set a password, and revoke every other login and every token; raises `WeakPassword`.

    No other device is known any more. Requests that began with the old token may be under way for
    the ``merge_window``.

    Returns the token that the caller's own login has from now on: what was stolen along with
    the old password is worth nothing (OWASP ASVS 5.0, 7.2.4).
    """
    account = credentials.account
    async with hasher.place(Holder(str(account.id), known=True)):
        password_hash = await hasher.accept(password, account.username, known=True)
    token = new_token()
    own_login = presented.token_hash if presented.account_id else None

    async def store(db: Connection) -> None:
        async with audit.recorded(db) as record:
            await _lock(db, credentials)
            await queries.update_password(db, account.id, password_hash)
            await revoke_all(
                db,
                account.id,
                clock.now(),
                but=own_login,
                device=device.token_hash if device else None,
            )
            await renew_login(db, presented, token, clock.now(), merge_window)
            await record.store(Event("password_changed", clock.now(), source, account.id))

    await run(store)
    return token


async def change_email(credentials: Credentials, email: str, source: Source) -> Account:
    """Set the e-mail address; raises `Invalid`, `EmailTaken`."""
    address = check_email(email)

    async def store(db: Connection) -> Account:
        async with audit.recorded(db) as record:
            await _lock(db, credentials)
            account = await queries.update_email(db, credentials.account.id, address)
            await record.store(Event("email_changed", clock.now(), source, account.id))
            return account

    return await run(store)


async def delete_account(credentials: Credentials, source: Source) -> None:
    """Delete the account, with all it has but its orders, which stay without the person."""

    async def store(db: Connection) -> None:
        account_id = credentials.account.id
        async with audit.recorded(db) as record:
            await _lock(db, credentials)
            await queries.delete_account(db, account_id, clock.now())
            await record.store(Event("account_deleted", clock.now(), source, account_id))

    await run(store)


async def _lock(db: Connection, credentials: Credentials) -> None:
    if not await queries.lock_account(db, credentials.account.id, credentials.password_hash):
        # Another request has changed the password since it was checked.
        raise WrongPassword
