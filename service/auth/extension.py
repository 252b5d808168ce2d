"""The bridge between quart-auth's interface and the session.

quart-auth's own cookie lasts a year, logs in again after logging out, and ignores what the
session does; so only its interface is used here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from quart import request, session
from quart_auth import Action, AuthUser, QuartAuth

from service import clock
from service.database import run
from service.errors import Unauthenticated
from service.sessions import Claim, Session, bearer_token, select_login

if TYPE_CHECKING:
    from quart import Response

USER_KEYS = ("user_id", "username", "login")
"""What a login keeps in the base section; logging out removes these."""


class Shopper(AuthUser):
    """The caller. A guest has no ``auth_id``.

    ``await is_authenticated`` looks the login up, once for each request (one indexed read);
    a login that has ended makes a guest.
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
            caller = claim()
            self._valid = bool(caller) and await run(
                lambda db: select_login(db, caller, clock.now())
            )
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
    """Return whom this request says it comes from; see `Claim`."""
    return Claim.of(session)


async def check_token() -> None:
    """Refuse an invalid token; it must not fall back to a guest (http-api, "Conventions")."""
    if bearer_token(request.headers) is not None:
        raise Unauthenticated("The token is not valid.")
