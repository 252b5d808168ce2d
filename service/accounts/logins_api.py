"""Logins and tokens of the account, over HTTP (http-api, "Account")."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, session

from service import audit, clock, logins
from service.database import Connection, run
from service.errors import NotFound, TooManyAttempts, WrongPassword
from service.http.endpoints import Caller, Input, Moment, Output, answer, no_content, operation
from service.http.idempotency import KeyReused
from service.http.idempotency.once import KEY_HEADER, Once, read_key
from service.http.requests import request_source
from service.logins import (
    NewToken,
    Token,
    TokenExists,
    TokenLimit,
    current_account_id,
    new_api_token,
    presented_login,
)

from .api_types import NewTokenOutput, TokenInput, TokenOutput, new_token_output
from .session import confirm_password, current_device, revoke_login

blueprint = Blueprint("access", __name__)
# The tag in the document, after which generated clients name a module.


class ActiveLoginOutput(Output):
    """A login. `last_seen_at` is exact to the minute; `current` is the one that asks.

    `new_device`: the account had not been logged in to on this device.
    """

    id: UUID
    created_at: Moment
    last_seen_at: Moment
    user_agent: str
    ip: str
    new_device: bool
    current: bool


class LoginsOutput(Output):
    """The logins that are valid, the last used first."""

    sessions: list[ActiveLoginOutput]


class EndingQuery(Input):
    """What ends beside the other logins."""

    tokens: Annotated[bool, Meta(description="Whether tokens end, too.")] = False


class TokenListOutput(Output):
    """The tokens that are valid, the newest first."""

    tokens: list[TokenOutput]


@blueprint.get("/account/sessions")
@operation(Caller.SIGNED_IN, answers={200: LoginsOutput})
async def list_logins() -> Response:
    """List the account's logins, with device and address."""
    current = presented_login().token_hash
    found = await run(logins.select_logins, current_account_id(), clock.now(), current)
    return answer(msgspec.convert({"sessions": found}, LoginsOutput, from_attributes=True))


@blueprint.delete("/account/sessions/<uuid:login_id>")
@operation(Caller.SIGNED_IN, answers={204: None}, errors=(NotFound,))
async def end_login(login_id: UUID) -> Response:
    """End a login. Its own end is a log out."""
    await revoke_login(login_id)
    return no_content()


@blueprint.delete("/account/sessions")
@operation(Caller.SIGNED_IN, query=EndingQuery, answers={204: None})
async def end_logins(query: EndingQuery) -> Response:
    """End every login but this one. Tokens stay, unless they are to end too."""
    current = presented_login().token_hash
    await run(
        logins.revoke_others,
        current_account_id(),
        request_source(),
        current=current,
        device=current_device(),
        tokens=query.tokens,
    )
    return no_content()


@blueprint.get("/account/tokens")
@operation(Caller.SIGNED_IN, answers={200: TokenListOutput})
async def list_tokens() -> Response:
    """List the account's tokens."""
    tokens = await run(logins.select_tokens, current_account_id(), clock.now())
    return answer(msgspec.convert({"tokens": tokens}, TokenListOutput, from_attributes=True))


@blueprint.post("/account/tokens")
@operation(
    Caller.SIGNED_IN,
    body=TokenInput,
    answers={201: NewTokenOutput},
    errors=(WrongPassword, TooManyAttempts, TokenLimit, KeyReused),
    headers=KEY_HEADER,
    tokens=False,
)
async def create_token(data: TokenInput) -> Response:
    """Make a token. This answer alone shows it.

    It takes the password, as a token outlasts the login that makes it. A token can't make
    another, or it could outlive its own end.
    """
    # The password is taken out before the request's digest is made: nothing of it is kept.
    password, data = data.current_password, msgspec.structs.replace(data, current_password="")
    # A repeat has to show the token again, which is stored nowhere: so the same login and the
    # same request make the same one.
    key = read_key(data)
    seed = (session["login"], key.text.encode() + key.fingerprint) if key else None
    credentials = await confirm_password(password)
    scopes = tuple(sorted(set(data.scopes)))
    text = new_api_token(scopes, seed)
    new = NewToken(text, data.name, scopes, timedelta(days=data.expires_in_days))
    event = audit.Event("token_made", clock.now(), request_source(), credentials.account.id, new.id)
    once = Once(data, to_response=partial(_show_token, text=text), secret_fields={"token": text})
    made, response = await once.run(_make_token, credentials.password_hash, new, event)
    if made:
        audit.log(event)
    return response


@blueprint.delete("/account/tokens/<uuid:token_id>")
@operation(Caller.SIGNED_IN, answers={204: None}, errors=(NotFound,))
async def end_token(token_id: UUID) -> Response:
    """End a token."""
    await run(logins.revoke_one, "token_ended", current_account_id(), token_id, request_source())
    return no_content()


async def _make_token(
    db: Connection, password_hash: str, new: NewToken, event: audit.Event
) -> Token:
    try:
        return await logins.make_token(db, password_hash, new, event)
    except TokenExists:
        # This key has made the token before, but longer ago than keys are remembered.
        raise KeyReused from None


def _show_token(made: Token, text: str) -> Response:
    return answer(new_token_output(made, text), 201)
