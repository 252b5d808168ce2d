"""Logging in and out, and registering, as pages; and what every page shows of who is there."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from quart import Blueprint, Response, session
from werkzeug.wrappers import Response as WerkzeugResponse

from service.database import run
from service.errors import Invalid, LockerError, WrongCredentials
from service.logins import presented_login
from service.pages import (
    PageContext,
    back,
    field_errors,
    flash,
    keep_receipt,
    local_path,
    name_device,
    page,
    receive_form,
    render,
)
from service.preferences import Preferences
from service.preferences.session import read_guest_choices

from . import queries
from .api_types import LoginInput, RegistrationInput
from .login import LoggedIn
from .model import EmailTaken, UsernameTaken
from .session import (
    find_new_devices,
    log_in_browser,
    log_out_browser,
    look_up_session,
    register_browser,
)

blueprint = Blueprint("account_pages", __name__)

FIELDS = ("username", "email", "password")
"""Of the forms, in their order."""


class NextQuery(msgspec.Struct, frozen=True):
    """Where to go on afterwards."""

    next: str = "/"


class LoginForm(LoginInput):
    """Who logs in, and where to go on."""

    next: str = "/"


class RegistrationForm(RegistrationInput):
    """A new account, whether it wants mail that advertises, and where to go on."""

    next: str = "/"
    marketing_emails: bool = False


@blueprint.get("/login")
@page(query=NextQuery)
async def show_login(query: NextQuery) -> Response:
    """Show the way in."""
    return await _form("login", {"next": query.next})


@blueprint.post("/login")
@page()
async def post_login() -> Response | WerkzeugResponse:
    """Log in, and show what became of the cart from before."""
    form = await receive_form()
    try:
        data = form.read(LoginForm)
        logged_in = await log_in_browser(data)
    except WrongCredentials as error:
        return await _form(
            "login", form.entered, error=error, errors={"password": f"{error.title}."}
        )
    except Invalid as error:
        return await _form("login", form.entered, error=error, errors=field_errors(error))
    for user_agent in await find_new_devices(logged_in):
        text = f"Your account was logged in to on a new device: {name_device(user_agent)}."
        flash(f"{text} If that wasn't you, change your password on your account's page.", "problem")
    return _go_on("Welcome back", logged_in, data.next)


@blueprint.get("/register")
@page(query=NextQuery)
async def show_register(query: NextQuery) -> Response:
    """Show what an account takes."""
    # Nobody has said yes who has not ticked it, here or among the preferences.
    wants = read_guest_choices().marketing_emails is True
    return await _form(
        "register", {"next": query.next, "marketing_emails": "true" if wants else ""}
    )


@blueprint.post("/register")
@page()
async def post_register() -> Response | WerkzeugResponse:
    """Register, and log in."""
    form = await receive_form()
    try:
        data = form.read(RegistrationForm)
        logged_in = await _register(data)
    except UsernameTaken as error:
        return await _form(
            "register", form.entered, error=error, errors={"username": f"{error.title}."}
        )
    except EmailTaken as error:
        return await _form(
            "register", form.entered, error=error, errors={"email": f"{error.title}."}
        )
    except Invalid as error:
        return await _form("register", form.entered, error=error, errors=field_errors(error))
    return _go_on("Welcome", logged_in, data.next)


@blueprint.post("/logout")
@page()
async def post_logout() -> WerkzeugResponse:
    """Log out."""
    await log_out_browser()
    flash("You are logged out. Your cart waits for you.")
    return back("/")


async def load_page_context() -> PageContext:
    """Return who looks, in one statement, or in none for a guest who never had a cart."""
    username, quantity, choices = None, 0, read_guest_choices()
    if presented_login() or "cart" in session:
        state = await look_up_session()
        username = state.account.username if state.account else None
        quantity, choices = state.cart_quantity, state.choices or choices
    chosen = Preferences(**choices.chosen())
    return PageContext(
        username,
        chosen.theme,
        chosen.locale,
        chosen.page_size,
        quantity,
        knows_cart="cart" in session,
    )


async def _form(
    name: str,
    values: dict[str, str],
    *,
    error: LockerError | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    errors = errors or {}
    return await render(
        f"accounts/{name}.html",
        error.status if error else 200,
        next=local_path(values.get("next", "/")),
        values=values,
        errors=errors,
        focus=next((field for field in FIELDS if field in errors), ""),
    )


async def _register(data: RegistrationForm) -> LoggedIn:
    """Register; a second click, which finds the account made by the first, logs in.

    Raises as `register_browser`.
    """
    try:
        return await register_browser(data, marketing_emails=data.marketing_emails)
    except (UsernameTaken, EmailTaken):
        if await run(queries.select_registered, data.username, data.email):
            with suppress(WrongCredentials):
                return await log_in_browser(LoginInput(data.username, data.password))
        raise


def _go_on(greeting: str, logged_in: LoggedIn, following: str) -> WerkzeugResponse:
    """Greet, and lead on; with a receipt where two carts met or something got lost."""
    receipt, cart = logged_in.receipt, logged_in.loaded.cart
    text = f"{greeting}, {logged_in.account.username}."
    came = [line for line in receipt if line.quantity]
    met = len(cart.lines) > len(came) or any(line.account_quantity for line in receipt)
    if receipt and (met or any(line.outcome in {"capped", "dropped"} for line in receipt)):
        titles = {line.offer.sku: line.offer.title for line in cart.lines}
        keep_receipt(
            [
                (
                    titles.get(line.sku, line.sku),
                    line.guest_quantity,
                    line.account_quantity,
                    line.quantity,
                    line.outcome,
                )
                for line in receipt
            ]
        )
    elif came:
        count = sum(line.quantity for line in came)
        text += f" {count} item{'s' if count != 1 else ''} came along in your cart."
    flash(text)
    return back(following)
