"""Logging in and out, and registering, over HTTP (http-api, "Session" and "Account")."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from quart import Blueprint, current_app, session
from quart_auth import login_user, logout_user

from service import clock
from service.auth import Shopper, account_id, claim, source
from service.carts.api import keep, policy, visitor
from service.carts.schema import cart_output, merge_output
from service.database import run
from service.errors import (
    TooManyAttempts,
    Unauthenticated,
    WeakPassword,
    WrongCredentials,
    WrongPassword,
)
from service.idempotency import select_outcome, upsert_outcome
from service.idempotency.api import KEY_HEADER, read_key, replay, to_outcome
from service.preferences import Choices, fill
from service.preferences.api import PreferencesOutput, guest_choices, preferences_output
from service.schemas import Caller, Output, answer, no_content, operation

from . import actions, owner, queries
from .model import EmailTaken, UsernameTaken
from .schema import (
    CartSummaryOutput,
    DeletionInput,
    EmailInput,
    LoginInput,
    LoginOutput,
    PasswordInput,
    RegistrationInput,
    UserOutput,
    user_output,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quart import Response

    from service.database import Connection
    from service.idempotency import Key, Outcome
    from service.settings import Settings
    from service.throttling import Throttle

    from .actions import LoggedIn
    from .model import Account, Credentials
    from .passwords import Hasher

    Within = Callable[[Connection, LoggedIn], Awaitable[None]]

blueprint = Blueprint("accounts", __name__)


class SessionOutput(Output):
    """Who is there, and what this browser's locker holds."""

    authenticated: bool
    user: UserOutput | None
    preferences: PreferencesOutput
    cart: CartSummaryOutput


@blueprint.post("/session")
@operation(
    Caller.ANYONE,
    body=LoginInput,
    answers={200: LoginOutput},
    errors=(WrongCredentials, TooManyAttempts),
    tokens=False,
)
async def post_session(data: LoginInput) -> Response:
    """Log in.

    The guest's cart joins the account's. Whoever is signed in already is logged out first.
    """
    return _answer(await log_in(data), 200)


@blueprint.get("/session")
@operation(Caller.ANYONE, answers={200: SessionOutput}, rides_along=True)
async def show_session() -> Response:
    """Show who is there, their preferences, and how much is in their cart."""
    state = await look_up_session()
    return answer(
        SessionOutput(
            authenticated=state.account is not None,
            user=user_output(state.account) if state.account else None,
            preferences=preferences_output(state.choices or Choices()),
            cart=CartSummaryOutput(state.cart_quantity),
        )
    )


@blueprint.delete("/session")
@operation(Caller.ANYONE, answers={204: None}, tokens=False)
async def delete_session() -> Response:
    """Log out. A cookie saved before no longer logs in."""
    await log_out()
    return no_content()


@blueprint.post("/account")
@operation(
    Caller.ANYONE,
    body=RegistrationInput,
    answers={201: LoginOutput},
    errors=(UsernameTaken, EmailTaken, WeakPassword, TooManyAttempts),
    headers=KEY_HEADER,
    tokens=False,
)
async def post_account(data: RegistrationInput) -> Response:
    """Register, and log in.

    A repeat with the same `Idempotency-Key`, user name, e-mail address and password logs in, and
    gets the first answer again.
    """
    # The scope of the key is the account that it makes. Of the body, name and address are in that
    # account, and the password is checked as at any login: a plain digest of it must not exist.
    key = read_key()

    async def remember(db: Connection, logged_in: LoggedIn) -> None:
        if key:
            outcome = await to_outcome(_answer(logged_in, 201))
            await upsert_outcome(db, logged_in.account.id, key, outcome, clock.now())

    try:
        logged_in = await register(data, remember)
    except (UsernameTaken, EmailTaken):
        again = await _registered(data, key) if key else None
        if again is None:
            raise
        return again
    return _answer(logged_in, 201)


@blueprint.get("/account")
@operation(Caller.SIGNED_IN, answers={200: UserOutput})
async def show_account() -> Response:
    """Show the account."""
    return answer(user_output(await find_account()))


@blueprint.patch("/account")
@operation(
    Caller.SIGNED_IN,
    body=EmailInput,
    answers={200: UserOutput},
    errors=(WrongPassword, TooManyAttempts, EmailTaken),
)
async def patch_account(data: EmailInput) -> Response:
    """Change the e-mail address."""
    return answer(user_output(await change_email(data)))


@blueprint.delete("/account")
@operation(
    Caller.SIGNED_IN,
    body=DeletionInput,
    answers={204: None},
    errors=(WrongPassword, TooManyAttempts),
)
async def delete_account(data: DeletionInput) -> Response:
    """Delete the account. Its orders stay, without the person."""
    await delete(data)
    return no_content()


@blueprint.put("/account/password")
@operation(
    Caller.SIGNED_IN,
    body=PasswordInput,
    answers={204: None},
    errors=(WrongPassword, TooManyAttempts, WeakPassword),
)
async def put_password(data: PasswordInput) -> Response:
    """Change the password. Every other login, and every token, ends."""
    await change_password(data)
    return no_content()


async def log_in(data: LoginInput) -> LoggedIn:
    """Log this browser in; raises as `actions.log_in`."""
    logged_in = await actions.log_in(
        _hasher(),
        _throttle(),
        data.username,
        data.password,
        browser=_browser(),
        policy=actions.LoginPolicy.of(_settings(), policy(), remember=data.remember),
    )
    _begin(logged_in, remember=data.remember)
    return logged_in


async def register(data: RegistrationInput, within: Within | None = None) -> LoggedIn:
    """Register, and log this browser in; raises as `actions.register`."""
    logged_in = await actions.register(
        _hasher(),
        _throttle(),
        data.username,
        data.email,
        data.password,
        browser=_browser(),
        policy=actions.LoginPolicy.of(_settings(), policy(), remember=False),
        within=within,
    )
    _begin(logged_in, remember=False)
    return logged_in


async def log_out() -> None:
    """Log this browser out, whether or not it was logged in."""
    await end_login()
    forget_login()


async def end_login() -> None:
    """End this browser's login, and leave its session as it is."""
    caller = claim()
    if caller:
        await run(lambda db: actions.log_out(db, caller, source()))


async def look_up_session() -> queries.SessionState:
    """Return who is there; the choices are filled up with those of this browser."""
    caller, guest_cart, now = claim(), visitor().remembered.guest_cart, clock.now()
    state = await run(lambda db: queries.select_session(db, caller, guest_cart, now))
    return replace(state, choices=fill(state.choices or Choices(), guest_choices()))


async def find_account() -> Account:
    """Return the caller's account; raises `Unauthenticated`."""
    caller = claim()
    account = await run(lambda db: queries.select_account(db, caller, clock.now()))
    if account is None:
        raise Unauthenticated
    return account


async def change_email(data: EmailInput) -> Account:
    """Change the caller's e-mail address; raises as `owner` does."""
    credentials = await _confirm(data.current_password)
    return await owner.change_email(credentials, data.email, source())


async def delete(data: DeletionInput) -> None:
    """Delete the caller's account; raises as `owner` does."""
    await owner.delete(await _confirm(data.current_password), source())
    forget_login()


async def change_password(data: PasswordInput) -> None:
    """Change the caller's password; raises as `owner` does."""
    credentials = await _confirm(data.current_password)
    session["login"] = await owner.change_password(
        _hasher(), credentials, data.new_password, claim(), source()
    )


def forget_login() -> None:
    """Take the login, which has ended, out of the session."""
    if claim():
        # The account's cart stays with the account, not with the browser.
        session["cart"] = visitor().remembered.after_logout().write()
    logout_user()


async def _confirm(current_password: str) -> Credentials:
    return await owner.confirm(_hasher(), _throttle(), account_id(), current_password, source())


async def _registered(data: RegistrationInput, key: Key) -> Response | None:
    """Return the answer that this registration has had, if it has, and log in."""

    async def find(db: Connection) -> Outcome | None:
        account_id = await queries.select_registered(db, data.username, data.email)
        return await select_outcome(db, account_id, key, clock.now()) if account_id else None

    outcome = await run(find)
    if outcome is None:
        return None
    try:
        await log_in(LoginInput(data.username, data.password))
    except WrongCredentials:
        return None
    return replay(outcome)


def _begin(logged_in: LoggedIn, *, remember: bool) -> None:
    """Put the login and its cart into the session."""
    account = logged_in.account
    login_user(
        Shopper(str(account.id), username=account.username, token=logged_in.token),
        remember=remember,
    )
    keep(logged_in.opened)


def _answer(logged_in: LoggedIn, status: int) -> Response:
    return answer(
        LoginOutput(
            user_output(logged_in.account),
            cart_output(logged_in.opened.cart, _settings().currency),
            merge_output(logged_in.receipt),
        ),
        status,
    )


def _browser() -> actions.Browser:
    return actions.Browser(
        visitor=visitor(),
        username=session.get("username"),
        choices=guest_choices(),
        source=source(),
    )


def _settings() -> Settings:
    return cast("Settings", current_app.extensions["locker.settings"])


def _hasher() -> Hasher:
    return cast("Hasher", current_app.extensions["locker.hasher"])


def _throttle() -> Throttle:
    return cast("Throttle", current_app.extensions["locker.throttle"])
