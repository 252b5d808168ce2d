"""Registering, logging in and out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from service import audit, carts, clock, metrics
from service.audit import Event, Source
from service.database import Conflicted, Connection, release_db, run
from service.errors import FieldError, Invalid, WeakPassword, WrongCredentials, WrongPassword
from service.logins import LoginStart, NewLogin, NewToken, make_token, new_token
from service.metrics import outcome
from service.throttling import Throttle, ThrottleResult, count_attempt

from . import login_queries, queries
from .login import Browser, BrowserLogin, LoggedIn, LoginPolicy, MadeToken
from .model import Account, check_email, check_username, key
from .passwords import Hasher


async def raise_if_throttled(
    counted: ThrottleResult, source: Source, account_id: UUID | None
) -> None:
    """Raise `TooManyAttempts` if the attempt was refused.

    Every refusal is logged, and the first of a window is stored.
    """
    now = clock.now()
    refusal = counted.refusal(now)
    if refusal is None:
        return
    event = Event("throttled", now, source, account_id)
    if counted.first:
        await run(audit.record, event)
    else:
        audit.log(event)
    raise refusal


async def check(hasher: Hasher, username: str, email: str, password: str) -> tuple[str, str]:
    """Return name and address as they are kept, or raise `Invalid` with all that is wrong.

    Of the password too, which is judged again when it is hashed if the rest is right.
    """
    name = address = ""
    errors: list[FieldError] = []
    try:
        name = check_username(username)
    except Invalid as error:
        errors += error.errors
    try:
        address = check_email(email)
    except Invalid as error:
        errors += error.errors
    if errors:
        try:
            await hasher.judge(password, name)
        except WeakPassword as error:
            errors += error.errors
        raise Invalid.of(errors)
    return name, address


async def register(
    hasher: Hasher,
    throttle: Throttle,
    username: str,
    email: str,
    password: str,
    *,
    browser: Browser,
    policy: LoginPolicy,
    within: Callable[[Connection, LoggedIn], Awaitable[None]] | None = None,
) -> LoggedIn:
    """Make an account and log in, in one transaction, in which ``within`` is awaited last.

    Raises `Invalid`, `WeakPassword`, `TooManyAttempts`, `UsernameTaken`, `EmailTaken`, and
    `Unauthenticated` for a cart's token that isn't valid. Holds no connection while it hashes.
    """
    async with hasher.place(browser.holder):
        name, email = await check(hasher, username, email, password)
        attempt = throttle.attempt("register", key(name), browser.source.ip)
        await raise_if_throttled(
            await run(count_attempt, attempt, clock.now()), browser.source, None
        )
        release_db()
        password_hash = await hasher.accept(password, name, known=browser.holder.known)

    async def store(db: Connection) -> LoggedIn:
        async with audit.recorded(db) as record:
            account = await queries.insert_account(db, name, email, password_hash, clock.now())
            verified = login_queries.Verified(account, password_hash)
            logged_in = await _start(db, record, verified, browser, policy, "registered", lock=True)
            if within:
                await within(db, logged_in)
            return logged_in

    return await run(store)


async def log_in(
    hasher: Hasher,
    throttle: Throttle,
    name: str,
    password: str,
    *,
    browser: Browser,
    policy: LoginPolicy,
) -> LoggedIn:
    """Log in by user name or e-mail address; raises `WrongCredentials`, `TooManyAttempts`.

    `TokenLimit` where an app has too many tokens, `Unauthenticated` for a cart's token that isn't
    valid.

    One statement starts the login and moves the guest's cart; where the cart changes meanwhile, one
    transaction that holds its lock. Holds no connection while it checks the password, which takes
    as long for a name that nobody has.
    """
    with outcome(metrics.logins, "succeeded"):
        async with hasher.place(browser.holder):
            verified = await _verify(hasher, throttle, name, password, browser)

        async def start(db: Connection) -> LoggedIn:
            if not policy.token:
                try:
                    async with audit.recorded(db, transaction=False) as record:
                        return await _start(
                            db, record, verified, browser, policy, "logged_in", lock=False
                        )
                except Conflicted:
                    pass
            async with audit.recorded(db) as record:
                # The account is locked before its cart, as by everyone.
                if not await queries.lock_account(db, verified.account.id, verified.password_hash):
                    raise WrongCredentials
                return await _start(db, record, verified, browser, policy, "logged_in", lock=True)

        return await run(start)


async def _verify(
    hasher: Hasher, throttle: Throttle, name: str, password: str, browser: Browser
) -> login_queries.Verified:
    source, device = browser.source, browser.device
    attempt = throttle.attempt("login", key(name), source.ip, device.token_hash if device else None)
    found = await run(login_queries.count_login, name, attempt, device, clock.now())
    counted, credentials = found.counted, found.credentials
    owner = credentials.account.id if credentials else None
    if not counted.spare:
        await raise_if_throttled(counted, source, owner)
    release_db()
    right = await hasher.verify(
        credentials.password_hash if credentials else None, password, known=browser.holder.known
    )
    # A guess beyond the limits is refused, right or not, as if the device weren't known: only one
    # on which this very account logged in before goes on.
    refusal = counted.refusal(clock.now())
    if credentials is None or not right or (refusal and not found.known_device):
        failed = Event("login_failed", clock.now(), source, owner)
        await run(audit.record, failed)
        raise refusal or WrongCredentials
    stored = credentials.password_hash
    return login_queries.Verified(
        credentials.account,
        stored,
        fresh_hash=await hasher.rehash(password) if hasher.is_outdated(stored) else None,
        refunded=attempt.refundable(counted.keys),
    )


async def _start(
    db: Connection,
    record: audit.Record,
    verified: login_queries.Verified,
    browser: Browser,
    policy: LoginPolicy,
    kind: audit.EventKind,
    *,
    lock: bool,
) -> LoggedIn:
    """Log in whoever is verified. With ``lock`` within the caller's transaction.

    Raises `Conflicted` where the cart has changed between reading and writing it.
    """
    account, cart_owner = verified.account, browser.cart_owner
    made = start = None
    if policy.token:
        made = await _make_token(db, record, verified, browser, policy.token, kind)
    else:
        start = _login_start(verified, browser, policy, kind)
    if kind == "registered" and await _is_lost(db, browser, account):
        # What the browser remembers of the lost account's cart is this account's.
        cart_owner = cart_owner.for_account(account.id)
    merge = await carts.read_merge(db, account.id, cart_owner, policy.cart, lock=lock)
    started = await login_queries.settle_login(
        db, verified, start, merge, browser.choices, clock.now()
    )
    session = None
    if start and started:
        record.note(start.event)
        session = BrowserLogin(start.login.token, started.device, started.used_before)
    return LoggedIn(account, session, made, merge.loaded, merge.receipt)


def _login_start(
    verified: login_queries.Verified, browser: Browser, policy: LoginPolicy, kind: audit.EventKind
) -> LoginStart:
    now = clock.now()
    login = NewLogin(
        token=new_token(),
        account_id=verified.account.id,
        now=now,
        idle=policy.idle,
        expires_at=now + policy.lifetime,
        user_agent=browser.source.user_agent,
        ip=browser.source.ip,
    )
    return LoginStart(
        login,
        Event(kind, now, browser.source, verified.account.id, login.id),
        previous=browser.cart_owner.presented,
        device=browser.device,
        merge_window=policy.cart.merge_window,
    )


async def _make_token(
    db: Connection,
    record: audit.Record,
    verified: login_queries.Verified,
    browser: Browser,
    token: NewToken,
    kind: audit.EventKind,
) -> MadeToken:
    if kind == "registered":
        await record.store(Event(kind, clock.now(), browser.source, verified.account.id))
    event = Event("token_made", clock.now(), browser.source, verified.account.id, token.id)
    try:
        made = await make_token(db, verified.password_hash, token, event)
    except WrongPassword:
        # The account was changed while the password was checked, as in `settle_login`.
        raise WrongCredentials from None
    record.note(event)
    return MadeToken(made, token.text)


async def _is_lost(db: Connection, browser: Browser, account: Account) -> bool:
    """Return whether the database lost the account that this browser was logged in to.

    Its name is free again, and its owner didn't delete it.
    """
    old = browser.cart_owner.presented.account_id
    return (
        old is not None
        and browser.username == account.username
        and not await queries.is_deleted(db, old)
    )
