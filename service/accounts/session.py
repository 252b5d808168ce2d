"""What a view does with an account, for the browser that asks: the action, and its session.

The API and the pages do the same here; they differ in how they read and answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast
from uuid import UUID

from msgspec import UNSET, UnsetType
from quart import Response, after_this_request, session
from quart_auth import login_user
from werkzeug.wrappers import Response as WerkzeugResponse

from quart_locker import Session
from service import clock, logins
from service.carts import CartOwner
from service.carts.session import (
    cart_policy,
    current_cart_owner,
    forget_account_cart,
    merge_window,
    remember_cart,
)
from service.database import Connection, run
from service.errors import Unauthenticated
from service.http.requests import request_source
from service.logins import (
    CurrentUser,
    Device,
    NewLogin,
    NewToken,
    PresentedLogin,
    current_account_id,
    forget_presented_login,
    new_api_token,
    new_token,
    presented_login,
)
from service.logins import forget_login as drop_login
from service.preferences import Choices, fill
from service.preferences.session import read_guest_choices
from service.services import get_service
from service.sessions import read_section, write_section
from service.settings import Settings
from service.throttling import Throttle

from . import actions, changes, queries
from .api_types import DeletionInput, EmailInput, LoginInput, PasswordInput, RegistrationInput
from .login import Browser, LoggedIn, LoginPolicy
from .model import Account, Credentials
from .passwords import Hasher

Within = Callable[[Connection, LoggedIn], Awaitable[None]]


async def log_in_browser(data: LoginInput) -> LoggedIn:
    """Log this browser in; raises as `actions.log_in`."""
    logged_in = await actions.log_in(
        get_service(Hasher),
        get_service(Throttle),
        data.username,
        data.password,
        browser=_app() if data.token else _browser(),
        policy=LoginPolicy.of(
            get_service(Settings), cart_policy(), remember=data.remember, token=_new_token(data)
        ),
    )
    _begin(logged_in, remember=data.remember)
    return logged_in


async def find_new_devices(logged_in: LoggedIn) -> list[str]:
    """Return on what other devices the account was first logged in to since it was on this one."""
    began = logged_in.session
    if began is None or began.used_before is None:
        return []
    return await run(
        logins.select_new_devices, logged_in.account.id, began.device, began.used_before
    )


async def register_browser(
    data: RegistrationInput,
    within: Within | None = None,
    *,
    marketing_emails: bool | UnsetType = UNSET,
) -> LoggedIn:
    """Register, and log this browser in; raises as `actions.register`.

    What the form says of mail that advertises counts, and not what this browser said before.
    """
    browser = _app() if data.token else _browser()
    said = Choices(marketing_emails=marketing_emails)
    browser = replace(browser, choices=fill(said, browser.choices))
    logged_in = await actions.register(
        get_service(Hasher),
        get_service(Throttle),
        data.username,
        data.email,
        data.password,
        browser=browser,
        policy=LoginPolicy.of(
            get_service(Settings), cart_policy(), remember=False, token=_new_token(data)
        ),
        within=within,
    )
    _begin(logged_in, remember=False)
    return logged_in


async def log_out_browser() -> None:
    """Log this browser out, whether or not it was logged in."""
    forget_login(was_valid=await revoke_own_login())


async def revoke_own_login() -> bool:
    """Revoke this browser's login, and leave its session as it is; returns whether it was valid."""
    presented = presented_login()
    if not presented:
        return False
    return await run(logins.revoke_presented, presented, request_source(), merge_window())


async def revoke_login(login_id: UUID) -> bool:
    """Revoke a login of the caller's account; returns whether it was this browser's: a log out.

    Raises `NotFound` where the account has none such.
    """
    own = presented_login().token_hash
    revoked = await run(
        logins.revoke_one,
        "login_ended",
        current_account_id(),
        login_id,
        request_source(),
        own=own,
        merge_window=merge_window(),
    )
    if revoked == own:
        forget_login()
    return revoked == own


class AccountLogins:
    """The rows behind logins, for quart-auth's own calls."""

    async def start(self, account_id: UUID) -> CurrentUser:
        """Start a login that no password was given for; raises `LookupError`."""
        now, settings, token = clock.now(), get_service(Settings), new_token()
        login = NewLogin(
            token,
            account_id,
            now,
            timedelta(seconds=settings.login_idle),
            now + timedelta(seconds=settings.login_lifetime),
            "",
            "",
        )
        username = await run(logins.start_without_password, login)
        if username is None:
            raise LookupError(f"There is no account {account_id} that may log in.")
        return CurrentUser(str(account_id), username=username, token=token)

    async def revoke(self, presented: PresentedLogin) -> None:
        """Revoke the login that was in the session, and leave the account its cart."""
        if await run(logins.revoke_presented, presented, request_source(), merge_window()):
            forget_account_cart()


async def look_up_session() -> queries.SessionState:
    """Return who is there; the choices are filled up with those of this browser."""
    presented, cookie = presented_login(), current_cart_owner().cookie
    state = await run(
        queries.select_session,
        presented,
        cookie.guest_cart_id,
        clock.now(),
        promised=cookie.promised,
        merge_window=merge_window(),
    )
    presented.require(found=state.account is not None)
    return replace(state, choices=fill(state.choices or Choices(), read_guest_choices()))


async def find_account() -> Account:
    """Return the caller's account; raises `Unauthenticated`."""
    presented = presented_login()
    account = await run(queries.select_account, presented, clock.now())
    if account is None:
        raise Unauthenticated
    return account


async def confirm_password(current_password: str) -> Credentials:
    """Check the caller's password; raises as `changes.confirm_password`."""
    return await changes.confirm_password(
        get_service(Hasher),
        get_service(Throttle),
        current_account_id(),
        current_password,
        request_source(),
    )


async def change_own_email(data: EmailInput) -> Account:
    """Change the caller's e-mail address; raises as `changes` does."""
    credentials = await confirm_password(data.current_password)
    return await changes.change_email(credentials, data.email, request_source())


async def delete_own_account(data: DeletionInput) -> None:
    """Delete the caller's account; raises as `changes` does."""
    await changes.delete_account(await confirm_password(data.current_password), request_source())
    forget_login()


async def change_own_password(data: PasswordInput) -> None:
    """Change the caller's password; raises as `changes` does."""
    credentials = await confirm_password(data.current_password)
    session["login"] = await changes.change_password(
        get_service(Hasher),
        credentials,
        data.new_password,
        presented_login(),
        current_device(),
        request_source(),
        merge_window(),
    )
    forget_presented_login()


def forget_login(*, was_valid: bool = True) -> None:
    """Take the login, which has ended, out of the session.

    The guest's cart to come is for a browser whose login ``was_valid`` until now: a saved session
    whose login is over must not get it by logging out once more.
    """
    if presented_login() and was_valid:
        # The account's cart stays with the account, not with the browser.
        forget_account_cart()
        after_this_request(_clear_cache)
    drop_login()


def _clear_cache(response: Response | WerkzeugResponse) -> Response | WerkzeugResponse:
    # The cookies are left out: among them is the id of the guest's cart to come.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _begin(logged_in: LoggedIn, *, remember: bool) -> None:
    """Put the login and its cart into the session; an app's is not to be sent at all."""
    account, began = logged_in.account, logged_in.session
    if began is None:
        cast("Session", session).discard()
        return
    login_user(
        CurrentUser(str(account.id), username=account.username, token=began.token),
        remember=remember,
    )
    write_section("device", began.device.write())
    remember_cart(logged_in.loaded)


def _browser() -> Browser:
    return Browser(
        cart_owner=current_cart_owner(),
        username=session.get("username"),
        choices=read_guest_choices(),
        source=request_source(),
        device=current_device(),
    )


def _app() -> Browser:
    """Return an app, which keeps no cookies; the ones that a browser sends are left alone."""
    owner = CartOwner(PresentedLogin(), token=current_cart_owner().token)
    return Browser(owner, None, Choices(), request_source(), device=None)


def _new_token(data: LoginInput | RegistrationInput) -> NewToken | None:
    wish = data.token
    if wish is None:
        return None
    scopes = tuple(sorted(set(wish.scopes)))
    lifetime = timedelta(days=wish.expires_in_days)
    return NewToken(new_api_token(scopes), wish.name, scopes, lifetime)


def current_device() -> Device | None:
    """Return the device that the request says it comes from."""
    return Device.read(read_section("device"))
