"""Who asks: the login, or the token, that the request presents."""

from __future__ import annotations

import logging
from uuid import UUID

from quart import g, request, session
from quart_auth import current_user

from quart_locker import incoming
from service.errors import Forbidden, Unauthenticated
from service.sessions import bearer_token

from .model import NOT_VALID, PresentedLogin
from .tokens import Scope

logger = logging.getLogger(__name__)


def presented_login() -> PresentedLogin:
    """Return the login, or the token, that this request presents; see `PresentedLogin`.

    Of a token always the same one, which knows whether it was checked. Raises `Unauthenticated`
    for what can't be a token of ours.
    """
    headers = incoming().headers
    token = bearer_token(headers)
    if token is None:
        # Anew each time: a request that logs in or out changes it.
        return PresentedLogin.from_session(session)
    # One app context may see several requests, in tests and in websockets.
    kept: tuple[object, PresentedLogin] | None = g.get("presented_token")
    if kept is None or kept[0] is not headers:
        kept = g.presented_token = (headers, PresentedLogin.from_token(token))
    return kept[1]


def _token() -> PresentedLogin | None:
    """Return the token of a request to the API, if it has one."""
    # Probes and scrapers may send a token of their own, and must not need the database.
    if not request.path.startswith("/api/") or bearer_token(request.headers) is None:
        return None
    return presented_login()


async def check_token(scope: Scope, *, allowed: bool, by_view: bool = False) -> None:
    """Check the request's token, if it has one, and whether it may do this.

    ``scope`` is what it needs, ``allowed`` whether tokens may at all; with ``by_view`` the view's
    own statement looks the token up, see `refuse_unchecked_token`. Raises `Unauthenticated`: an
    invalid token is never a guest (http-api, "Conventions"). Raises `Forbidden` for a valid one
    that lacks the scope.
    """
    token = _token()
    if token is None:
        return
    permitted = allowed and scope in (token.scopes or ())
    if by_view and permitted:
        return
    if not token.checked:
        token.require(found=await current_user.is_authenticated)
    if not permitted:
        raise Forbidden("This token may not do that.")


def refuse_unchecked_token() -> None:
    """Raise `Unauthenticated` if the request's token was checked by nobody.

    A view that promised to, and forgot, must not answer an invalid token as if it were a guest.
    """
    token = _token()
    if token is not None and not token.checked:
        logger.error("a view left a token unchecked", extra={"endpoint": request.endpoint})
        raise Unauthenticated(NOT_VALID)


def current_account_id() -> UUID:
    """Return the signed-in caller's account, once the caller has been checked."""
    return UUID(current_user.auth_id)
