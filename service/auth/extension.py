"""The bridge between quart-auth's interface and the session.

quart-auth's own cookie lasts a year, logs in again after logging out, and ignores what the
session does; so only its interface is used here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from uuid import UUID

from quart import g, request, session
from quart_auth import Action, AuthUser, QuartAuth, current_user

from service import clock
from service.audit import Source
from service.database import run
from service.errors import Forbidden, Unauthenticated
from service.sessions import (
    LONGEST_USER_AGENT,
    NOT_VALID,
    Claim,
    Session,
    bearer_token,
    select_login,
)

if TYPE_CHECKING:
    from quart import Response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

USER_KEYS = ("user_id", "username", "login")
"""What a login keeps in the base section; logging out removes these."""


class Shopper(AuthUser):
    """The caller. A guest has no ``auth_id``, a token none before it is looked up.

    ``await is_authenticated`` looks the login or token up, once for each request (one indexed
    read); a login that has ended makes a guest.
    """

    def __init__(
        self,
        auth_id: str | None,
        action: Action = Action.PASS,
        *,
        username: str = "",
        token: str = "",
    ) -> None:
        super().__init__(auth_id, action)
        self.username = username
        self.token = token
        # One that is just logging in needs no look-up.
        self._valid: bool | None = True if token else None

    @property
    async def is_authenticated(self) -> bool:
        if self._valid is None:
            self._auth_id = await _find(claim())
            self._valid = self._auth_id is not None
        return self._valid


class SessionAuth(QuartAuth):
    """quart-auth's extension, keeping its state in the session."""

    user_class = Shopper

    def resolve_user(self) -> AuthUser:
        return Shopper(None if bearer_token(request.headers) else session.get("user_id"))

    def login_user(self, user: AuthUser) -> None:
        super().login_user(user)
        shopper = cast("Shopper", user)
        session["user_id"] = shopper.auth_id
        session["username"] = shopper.username
        session["login"] = shopper.token
        _session().permanent = shopper.action is Action.WRITE_PERMANENT
        _session().renew()

    def logout_user(self) -> None:
        super().logout_user()
        for key in USER_KEYS:
            session.pop(key, None)
        _session().permanent = False

    async def after_request(self, response: Response) -> Response:
        """Leave the response alone: the session's own cookie says it all."""
        return response

    async def after_websocket(self, response: Response | None) -> Response | None:
        return response


def _session() -> Session:
    return cast("Session", session)


def claim() -> Claim:
    """Return whom this request says it comes from; see `Claim`.

    Raises `Unauthenticated` for what can't be a token of ours.
    """
    token = bearer_token(request.headers)
    return Claim.of(session) if token is None else Claim.of_token(token)


async def _find(caller: Claim) -> str | None:
    if not caller:
        return None
    account_id = await run(lambda db: select_login(db, caller, clock.now()))
    return str(account_id) if account_id else None


async def check_token(*, allowed: bool, rides_along: bool) -> None:
    """Check the request's token, if it has one, and whether it may do this.

    ``allowed`` is whether tokens may at all; with ``rides_along`` the view's own statement
    looks the token up. Raises `Unauthenticated`: an invalid token is never a guest (http-api,
    "Conventions"). Raises `Forbidden` for a valid one that lacks the scope.
    """
    # Probes and scrapers may send a token of their own, and must not need the database.
    if not request.path.startswith("/api/") or bearer_token(request.headers) is None:
        return
    scopes = claim().scopes or frozenset()
    permitted = allowed and ("read" if request.method in SAFE_METHODS else "write") in scopes
    if permitted and rides_along:
        return
    if not await current_user.is_authenticated:
        raise Unauthenticated(NOT_VALID)
    if not permitted:
        raise Forbidden("This token may not do that.")


def source() -> Source:
    """Return where the request comes from, for the record."""
    agent = "".join(filter(str.isprintable, request.headers.get("User-Agent", "")))
    return Source(request.remote_addr or "", agent[:LONGEST_USER_AGENT], g.request_id)


def account_id() -> UUID:
    """Return the signed-in caller's account, once the caller has been checked."""
    return UUID(current_user.auth_id)
