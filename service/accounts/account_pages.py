"""The account, as a page: the person, the password, the logins and the tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta
from quart import Blueprint, Response, session
from werkzeug.wrappers import Response as WerkzeugResponse

from service import audit, clock, logins
from service.database import run
from service.errors import Conflict, Invalid, LockerError, WrongPassword
from service.http.endpoints import Caller, Input
from service.http.requests import request_source
from service.logins import (
    LONGEST_LABEL,
    LONGEST_LIFE,
    NewToken,
    Scope,
    TokenExists,
    TokenLimit,
    current_account_id,
    new_api_token,
    presented_login,
)
from service.pages import (
    SentForm,
    back,
    field_errors,
    flash,
    keep_secret,
    new_key,
    page,
    receive_form,
    render,
    take_secret,
)

from .api_types import DeletionInput, EmailInput, Password, PasswordInput
from .session import (
    change_own_email,
    change_own_password,
    confirm_password,
    delete_own_account,
    find_account,
    log_out_browser,
    revoke_login,
)

blueprint = Blueprint("account_page", __name__)

PARTS = ("logins", "password", "email", "tokens", "delete")
"""Of the page, by the ids that addresses and messages name."""
FORMS = ("email", "password", "token", "delete")
FIELDS = ("name", "expires_in_days", "email", "current_password", "new_password", "password")
"""Of the forms, in their order."""
SCOPES: dict[str, tuple[Scope, ...]] = {"read": ("read",), "read and write": ("read", "write")}


class TokenForm(Input):
    """A token to make."""

    name: Annotated[str, Meta(min_length=1, max_length=LONGEST_LABEL)]
    expires_in_days: Annotated[int, Meta(ge=1, le=LONGEST_LIFE)]
    scopes: Literal["read", "read and write"]
    current_password: Password
    key: Annotated[str, Meta(max_length=64)] = ""


class EndingForm(Input):
    """What ends beside the logins."""

    tokens: Literal["", "end"] = ""


@blueprint.get("/account")
@page(Caller.SIGNED_IN)
async def show_account() -> Response:
    """Show the account."""
    return await _show()


@blueprint.post("/account/email")
@page(Caller.SIGNED_IN)
async def post_email() -> Response | WerkzeugResponse:
    """Change the e-mail address."""
    form = await receive_form()
    try:
        await change_own_email(form.read(EmailInput))
    except (Invalid, WrongPassword, Conflict) as error:
        return await _show("email", form, error)
    flash("Your e-mail address is changed.", place="email")
    return back("/account")


@blueprint.post("/account/password")
@page(Caller.SIGNED_IN)
async def post_password() -> Response | WerkzeugResponse:
    """Change the password; every other login and token ends."""
    form = await receive_form()
    try:
        await change_own_password(form.read(PasswordInput))
    except (Invalid, WrongPassword) as error:
        return await _show("password", form, error)
    flash("Your password is changed, and you are logged out everywhere else.", place="password")
    return back("/account")


@blueprint.post("/account/delete")
@page(Caller.SIGNED_IN)
async def post_delete() -> Response | WerkzeugResponse:
    """Delete the account."""
    form = await receive_form()
    try:
        await delete_own_account(form.read(DeletionInput))
    except (Invalid, WrongPassword) as error:
        return await _show("delete", form, error)
    flash("Your account is deleted. Farewell.")
    return back("/")


@blueprint.post("/account/logins/<uuid:login_id>/end")
@page(Caller.SIGNED_IN)
async def post_end_login(login_id: UUID) -> WerkzeugResponse:
    """Log out there; of this browser's own login, here."""
    if await revoke_login(login_id):
        flash("You are logged out.")
        return back("/")
    flash("That device is logged out.", place="logins")
    return back("/account")


@blueprint.post("/account/logins/end")
@page(Caller.SIGNED_IN, form=EndingForm)
async def post_end_logins(data: EndingForm) -> WerkzeugResponse:
    """Log out everywhere, here included."""
    current, tokens = presented_login().token_hash, bool(data.tokens)
    stay = await run(
        logins.revoke_others, current_account_id(), request_source(), current=current, tokens=tokens
    )
    await log_out_browser()
    flash("You are logged out everywhere." + (f" Tokens that still work: {stay}." if stay else ""))
    return back("/")


@blueprint.post("/account/tokens")
@page(Caller.SIGNED_IN)
async def post_token() -> Response | WerkzeugResponse:
    """Make a token, which the next page shows this once; two clicks make one."""
    form = await receive_form()
    try:
        data = form.read(TokenForm)
        scopes = SCOPES[data.scopes]
        # The same form makes the same token, which can't be stored a second time.
        request = f"{data.key} {data.name} {data.scopes} {data.expires_in_days}".encode()
        text = new_api_token(scopes, (session["login"], request) if data.key else None)
        new = NewToken(text, data.name, scopes, timedelta(days=data.expires_in_days))
        credentials = await confirm_password(data.current_password)
        owner = credentials.account.id
        event = audit.Event("token_made", clock.now(), request_source(), owner, new.id)
        await run(logins.make_token, credentials.password_hash, new, event)
        audit.log(event)
    except TokenExists:
        pass
    except (Invalid, WrongPassword, TokenLimit) as error:
        return await _show("token", form, error)
    keep_secret(text)
    return back("/account")


@blueprint.post("/account/tokens/<uuid:token_id>/end")
@page(Caller.SIGNED_IN)
async def post_end_token(token_id: UUID) -> WerkzeugResponse:
    """End a token."""
    await run(logins.revoke_one, "token_ended", current_account_id(), token_id, request_source())
    flash("That token is revoked: it is no longer good for anything.", place="tokens")
    return back("/account")


@blueprint.get(f"/account/<any({', '.join(PARTS)}):part>")
@page(Caller.SIGNED_IN)
async def show_part(part: str) -> WerkzeugResponse:
    """Lead from the address of a form that was sent to its place on the page."""
    return back(f"/account#{part}")


async def _show(
    part: str = "", form: SentForm | None = None, error: LockerError | None = None
) -> Response:
    owner, now, current = current_account_id(), clock.now(), presented_login().token_hash
    errors = field_errors(error) if error else {}
    match error:
        case WrongPassword():
            errors = {"current_password": f"{error.title}."}
        case Conflict():
            errors = {"email" if part == "email" else "name": f"{error.title}."}
    return await render(
        "accounts/account.html",
        error.status if error else 200,
        places=PARTS,
        account=await find_account(),
        logins=await run(logins.select_logins, owner, now, current),
        tokens=await run(logins.select_tokens, owner, now),
        errors={each: errors if each == part else {} for each in FORMS},
        focus={part: next((field for field in FIELDS if field in errors), "")},
        values={each: form.entered if form and each == part else {} for each in FORMS},
        made=take_secret(),
        key=new_key(),
    )
