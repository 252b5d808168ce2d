"""The bridge between quart-auth's interface and the session.

quart-auth's own cookie lasts a year, logs in again after logging out, and ignores what the
session does; so only its interface is used here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol, cast
from uuid import UUID

from quart import Quart, Response, after_this_request, current_app, g, session
from quart.typing import TestClientProtocol
from quart_auth import Action, AuthUser, QuartAuth
from werkzeug.wrappers import Response as WerkzeugResponse

from quart_locker import Session
from service import clock
from service.database import run

from .caller import forget_presented_login, presented_login
from .model import PresentedLogin
from .queries import select_login

USER_KEYS = ("user_id", "username", "login")
"""What a login keeps in the base section; logging out removes these."""

WRITING = frozenset({Action.WRITE, Action.WRITE_PERMANENT})

BASIC = frozenset({"QUART_AUTH_BASIC_USERNAME", "QUART_AUTH_BASIC_PASSWORD"})
"""What quart-auth's ``basic_auth_required`` asks for, which has no part in logins."""

START_ONE = "Log in with the password, or start a login and pass its token."
NO_TOKENS = (
    "quart-auth's tokens can't be revoked, so nothing here makes or takes them: "
    "tokens for programs are made with POST /api/v1/account/tokens."
)


class CurrentUser(AuthUser):
    """The caller. Nobody has an ``auth_id`` before the login, or the token, was looked up.

    ``await is_authenticated`` looks it up, once for each request (one indexed read); a login
    that has ended makes a guest. One with a ``token`` is just logging in.
    """

    def __init__(
        self,
        auth_id: str | None,
        action: Action = Action.PASS,
        *,
        username: str = "",
        token: str = "",
    ) -> None:
        self.username = username
        self.token = token
        super().__init__(auth_id, action)
        # A user who is just logging in needs no look-up.
        self._valid: bool | None = True if token else None

    @property
    def action(self) -> Action:
        return self._action

    @action.setter
    def action(self, action: Action) -> None:
        if action in WRITING and not self.token:
            raise RuntimeError(
                "A login lasts as long as its row says, so renew_login() can do nothing, and "
                f"login_user() takes no user without a login. {START_ONE}"
            )
        self._action = action

    @property
    def auth_id(self) -> str | None:
        return self._auth_id if self._valid else None

    @property
    async def is_authenticated(self) -> bool:
        if self._valid is None:
            self._auth_id = await _find(presented_login())
            self._valid = self._auth_id is not None
        return self._valid


class Logins(Protocol):
    """What starts and ends the rows behind logins."""

    async def start(self, account_id: UUID) -> CurrentUser:
        """Start a login for an account, for tests; raises `LookupError` where there is none."""
        ...

    async def revoke(self, presented: PresentedLogin) -> None:
        """Revoke the login that was in the session."""
        ...


class SessionAuth(QuartAuth):
    """quart-auth's extension, keeping its state in the session.

    What quart-auth has for its own cookie and tokens is refused where it is given or called.
    """

    user_class = CurrentUser

    def __init__(self, app: Quart, logins: Logins) -> None:
        given = sorted(
            name for name in app.config if name.startswith("QUART_AUTH_") and name not in BASIC
        )
        if given:
            raise RuntimeError(
                f"The login is kept in the session, so {', '.join(given)} mean nothing."
            )
        self._logins = logins
        super().__init__(app)

    def resolve_user(self) -> AuthUser:
        return CurrentUser(None)

    def login_user(self, user: AuthUser) -> None:
        if not isinstance(user, CurrentUser) or not user.token or not user.auth_id:
            raise TypeError(
                f"login_user() takes a CurrentUser with the token of a login. {START_ONE}"
            )
        super().login_user(user)
        session["user_id"] = user.auth_id
        session["username"] = user.username
        session["login"] = user.token
        forget_presented_login()
        kept = _session()
        kept.permanent = user.action is Action.WRITE_PERMANENT
        kept.renew()

    def logout_user(self) -> None:
        """Take the login out of the session, and revoke it before the answer is sent."""
        presented = presented_login()
        if presented.scopes is not None:
            raise RuntimeError("A token is no login: it is revoked, not logged out.")
        self.forget_login()
        if not presented:
            return

        @after_this_request
        async def revoke(response: Response | WerkzeugResponse) -> Response | WerkzeugResponse:
            await self._logins.revoke(presented)
            return response

    def forget_login(self) -> None:
        """Take the login out of the session; it was revoked."""
        super().logout_user()
        for key in USER_KEYS:
            session.pop(key, None)
        forget_presented_login()
        _session().permanent = False

    @asynccontextmanager
    async def authenticated_client(
        self, client: TestClientProtocol, auth_id: str
    ) -> AsyncGenerator[None, None]:
        """Log a test's client in as this account, and out again at the end.

        The application must have been started. Raises `LookupError` for an unknown account.
        """
        async with client.app.app_context():
            user = await self._logins.start(UUID(auth_id))
        async with client.session_transaction() as kept:
            kept["user_id"], kept["username"] = user.auth_id, user.username
            kept["login"] = user.token
        try:
            yield
        finally:
            async with client.session_transaction() as kept:
                presented = PresentedLogin.from_session(kept)
                for key in USER_KEYS:
                    kept.pop(key, None)
            async with client.app.test_request_context("/"):
                g.request_id = "authenticated_client"
                await self._logins.revoke(presented)

    def dump_token(self, auth_id: str, app: Quart | None = None) -> str:  # noqa: ARG002
        raise RuntimeError(NO_TOKENS)

    def load_token(self, token: str, app: Quart | None = None) -> str | None:  # noqa: ARG002
        raise RuntimeError(NO_TOKENS)

    async def after_request(self, response: Response) -> Response:
        """Leave the response alone: the session's own cookie says it all."""
        return response

    async def after_websocket(self, response: Response | None) -> Response | None:
        return response


def forget_login() -> None:
    """Take the login, which was revoked, out of the session."""
    extension = next(each for each in current_app.extensions["QUART_AUTH"] if each.singleton)
    cast("SessionAuth", extension).forget_login()


def _session() -> Session:
    return cast("Session", session)


async def _find(presented: PresentedLogin) -> str | None:
    if not presented:
        return None
    account_id = await run(select_login, presented, clock.now())
    return str(account_id) if account_id else None
