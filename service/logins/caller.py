"""Who asks: the login, or the token, that the request presents."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import cast
from uuid import UUID

from quart import g, session
from quart_auth import current_user

from quart_locker import incoming
from service.errors import Forbidden, LockerError, Unauthenticated
from service.sessions import TokenRequest

from .model import NOT_VALID, PresentedLogin
from .tokens import Scope

logger = logging.getLogger(__name__)


def presented_login() -> PresentedLogin:
    """Return the login, or the token, that this request presents; see `PresentedLogin`.

    It is read once for each request; of a token it knows whether that was checked. What changes
    the login in the session calls `forget_presented_login`. Raises `Unauthenticated` for what can't
    be a token of ours.
    """
    received = cast("TokenRequest", incoming())
    # One app context may see several requests, in tests and in websockets.
    kept: tuple[object, PresentedLogin] | None = g.get("presented_login")
    if kept is None or kept[0] is not received.headers:
        token = received.bearer_token
        presented = (
            PresentedLogin.from_session(session)
            if token is None
            else PresentedLogin.from_token(token)
        )
        kept = g.presented_login = (received.headers, presented)
    return kept[1]


def forget_presented_login() -> None:
    """Have the login read anew, as the session has another now, or none."""
    g.pop("presented_login", None)


@asynccontextmanager
async def checked_token(scope: Scope, *, allowed: bool, by_view: bool) -> AsyncIterator[None]:
    """Around a view of the API: check the request's token, if it has one, and what it may do.

    ``scope`` is what it needs, ``allowed`` whether tokens may at all. With ``by_view`` the view's
    own statement looks the token up; one that forgets answers nobody as if they were a guest.
    Raises `Unauthenticated`: an invalid token is never a guest (http-api, "Conventions"). Raises
    `Forbidden` for a valid one that lacks the scope.
    """
    # Probes and scrapers may send a token of their own, and must not need the database.
    received = cast("TokenRequest", incoming())
    if received.bearer_token is None or not received.path.startswith("/api/"):
        yield
        return
    token = presented_login()
    permitted = allowed and scope in (token.scopes or ())
    if not (by_view and permitted):
        token.require(found=await current_user.is_authenticated)
    if not permitted:
        raise Forbidden("This token may not do that.")
    try:
        yield
    except LockerError as error:
        if not token.checked and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            # A caller whose token is invalid is told so, and nothing else that is wrong.
            token.require(found=await current_user.is_authenticated)
        raise
    if not token.checked:
        logger.error("a view left a token unchecked", extra={"endpoint": received.endpoint})
        raise Unauthenticated(NOT_VALID)


def current_account_id() -> UUID:
    """Return the signed-in caller's account, once the caller has been checked."""
    return UUID(current_user.auth_id)
