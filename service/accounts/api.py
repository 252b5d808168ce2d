"""Logging in and out, and registering, over HTTP (http-api, "Session" and "Account")."""

from __future__ import annotations

import msgspec
from quart import Blueprint, Response

from service import clock
from service.carts.api_types import CART_TOKEN, cart_output, merge_output
from service.database import Connection, run
from service.errors import (
    TooManyAttempts,
    WeakPassword,
    WrongCredentials,
    WrongPassword,
)
from service.http.endpoints import Caller, Output, answer, no_content, operation
from service.http.idempotency import Key, StoredAnswer, select_answer, upsert_answer
from service.http.idempotency.once import KEY_HEADER, read_key, replay, to_stored
from service.logins import TokenLimit
from service.preferences import Choices
from service.preferences.api_types import PreferencesOutput, preferences_output

from . import queries
from .api_types import (
    CartSummaryOutput,
    DeletionInput,
    EmailInput,
    LoginInput,
    LoginOutput,
    NewTokenOutput,
    PasswordInput,
    RegistrationInput,
    UserOutput,
    new_token_output,
    user_output,
)
from .login import LoggedIn
from .model import EmailTaken, UsernameTaken
from .session import (
    change_own_email,
    change_own_password,
    delete_own_account,
    find_account,
    log_in_browser,
    log_out_browser,
    look_up_session,
    register_browser,
)

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
    errors=(WrongCredentials, TooManyAttempts, TokenLimit),
    headers=CART_TOKEN,
    tokens=False,
)
async def log_in(data: LoginInput) -> Response:
    """Log in.

    The guest's cart joins the account's. A login that the browser had is ended.
    """
    return _answer(await log_in_browser(data), 200)


@blueprint.get("/session")
@operation(Caller.ANYONE, answers={200: SessionOutput}, checks_token_itself=True)
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
async def log_out() -> Response:
    """Log out. A cookie saved before no longer logs in."""
    await log_out_browser()
    return no_content()


@blueprint.post("/account")
@operation(
    Caller.ANYONE,
    body=RegistrationInput,
    answers={201: LoginOutput},
    errors=(UsernameTaken, EmailTaken, WeakPassword, TooManyAttempts),
    headers={**KEY_HEADER, **CART_TOKEN},
    tokens=False,
)
async def register(data: RegistrationInput) -> Response:
    """Register, and log in.

    A repeat with the same `Idempotency-Key`, user name, e-mail address and password logs in, and
    gets the first answer again.
    """
    # The scope of the key is the account that the request makes. The body isn't part of the key:
    # name and address are in that account, and the password is checked as at any login, since a
    # plain digest of it must not exist.
    key = read_key()

    async def remember(db: Connection, logged_in: LoggedIn) -> None:
        if key:
            # The answer is stored without its token, and a repeat gets another.
            stored = (await to_stored(_answer(logged_in, 201))).without_members({"token"})
            await upsert_answer(db, logged_in.account.id, key, stored, clock.now())

    try:
        logged_in = await register_browser(data, remember)
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
async def change_email(data: EmailInput) -> Response:
    """Change the e-mail address."""
    return answer(user_output(await change_own_email(data)))


@blueprint.delete("/account")
@operation(
    Caller.SIGNED_IN,
    body=DeletionInput,
    answers={204: None},
    errors=(WrongPassword, TooManyAttempts),
)
async def delete_account(data: DeletionInput) -> Response:
    """Delete the account. Its orders stay, without the person."""
    await delete_own_account(data)
    return no_content()


@blueprint.put("/account/password")
@operation(
    Caller.SIGNED_IN,
    body=PasswordInput,
    answers={204: None},
    errors=(WrongPassword, TooManyAttempts, WeakPassword),
)
async def change_password(data: PasswordInput) -> Response:
    """Change the password. Every other login, and every token, ends."""
    await change_own_password(data)
    return no_content()


async def _registered(data: RegistrationInput, key: Key) -> Response | None:
    """Return the answer that this registration has had, if it has, and log in."""

    async def find(db: Connection) -> StoredAnswer | None:
        account_id = await queries.select_registered(db, data.username, data.email)
        return await select_answer(db, account_id, key, clock.now()) if account_id else None

    stored = await run(find)
    if stored is None:
        return None
    try:
        logged_in = await log_in_browser(LoginInput(data.username, data.password, token=data.token))
    except WrongCredentials:
        return None
    token = _token_output(logged_in)
    if token:
        stored = stored.with_members({"token": msgspec.to_builtins(token)})
    return replay(stored)


def _answer(logged_in: LoggedIn, status: int) -> Response:
    return answer(
        LoginOutput(
            user_output(logged_in.account),
            cart_output(logged_in.loaded),
            merge_output(logged_in.receipt),
            _token_output(logged_in),
        ),
        status,
    )


def _token_output(logged_in: LoggedIn) -> NewTokenOutput | None:
    made = logged_in.token
    return new_token_output(made.token, made.text) if made else None
