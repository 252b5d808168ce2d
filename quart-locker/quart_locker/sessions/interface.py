"""How the sections travel: one cookie each, read on first use, sent when changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from datetime import UTC, datetime
from inspect import signature
from typing import Any, Unpack
from weakref import WeakKeyDictionary

from quart import Quart, Response, current_app
from quart.globals import app_ctx
from quart.sessions import SessionInterface
from quart.wrappers import BaseRequestWebsocket
from werkzeug.wrappers import Response as WerkzeugResponse

from quart_locker.errors import Misconfigured

from .cookies import Clock, Opened, Refusal, SectionCookie
from .jar import Jar, SessionTooLarge
from .model import Section, Session
from .policy import (
    Policy,
    SessionOptions,
    check_options,
    check_sections,
    read_config,
    read_policy,
    snapshot,
)

ABOUT_THE_BODY = ("Content-Length", "Content-Range", "ETag", "Last-Modified", "Location")

logger = logging.getLogger(__name__)


class SectionedSessions(SessionInterface):
    """Quart's session interface for `Session`: a cookie for each of the ``sections``.

    What the cookies are like is said by ``options`` (see `SessionOptions`) or by ``app.config``,
    which is checked when the application starts; `Misconfigured` says what is wrong. One of these
    may serve several applications, each as its own configuration says.

    Opening does nothing at all: a session that nobody reads costs nothing, and nothing in it
    can fail where Quart would skip the teardown of what the request has taken.
    """

    def __init__(
        self,
        app: Quart | None = None,
        *,
        sections: Collection[str] = (),
        clock: Clock = time.time,
        **options: Unpack[SessionOptions],
    ) -> None:
        check_options(options)
        self.sections = check_sections(sections)
        self._clock = clock
        self._options = options
        self._jars: WeakKeyDictionary[Quart, tuple[tuple[Any, ...], Jar]] = WeakKeyDictionary()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Quart) -> None:
        """Make this the application's session interface, and its start depend on the settings.

        Raises `Misconfigured` where another of these is that already.
        """
        present: Any = app.session_interface
        if isinstance(present, SectionedSessions) and present is not self:
            raise Misconfigured(
                "This application has a session in sections already: declare all sections in one."
            )
        app.session_interface = self  # type: ignore[assignment]

        @app.before_serving
        async def check() -> None:
            self.jar(app)

    def jar(self, app: Quart) -> Jar:
        """Return how this application's sections travel; raises `Misconfigured`."""
        kept = self._jars.get(app)
        if kept is None or read_config(app.config) != kept[0]:
            made = Jar(read_policy(app, self._options), self.sections, self._clock)
            kept = self._jars[app] = (snapshot(app), made)
        return kept[1]

    def cookie(self, name: str) -> SectionCookie:
        """Return how a section of the current application travels."""
        return self.jar(_current_app()).cookies[name]

    def fits(self, name: str, value: Any) -> bool:
        """Return whether a declared section with this value would go into a cookie."""
        return self.jar(_current_app()).fits(name, value)

    def is_detached(self, request: BaseRequestWebsocket) -> bool:  # noqa: ARG002
        """Return whether a request's session is empty and not kept. For subclasses.

        Such as one that brings a token: the cookies beside it aren't meant.
        """
        return False

    def note_old_key(self) -> None:
        """Take note that a cookie was read that an older key had signed. For subclasses."""

    def note_refused(self, name: str, why: Refusal) -> None:
        """Take note that a section's cookie came in and counts for nothing. For subclasses."""

    def note_sent(self, name: str, size: int) -> None:
        """Take note that a section was sent, in so many bytes. For subclasses."""

    def get_expiration_time(self, app: Quart, session: Any) -> datetime | None:
        idle = self._policy(app).idle
        return datetime.fromtimestamp(self._clock() + idle, UTC) if session.permanent else None

    def should_set_cookie(self, app: Quart, session: Any) -> bool:
        return session.modified or bool(self.jar(app).due(session, ()))

    def get_cookie_name(self, app: Quart) -> str:
        return self._policy(app).name

    def get_cookie_domain(self, app: Quart) -> str | None:
        return self._policy(app).domain

    def get_cookie_path(self, app: Quart) -> str:
        return self._policy(app).path

    def get_cookie_secure(self, app: Quart) -> bool:
        return self._policy(app).secure

    def get_cookie_httponly(self, app: Quart) -> bool:
        return self._policy(app).httponly

    def get_cookie_samesite(self, app: Quart) -> str:
        return self._policy(app).samesite

    def get_cookie_partitioned(self, app: Quart) -> bool:
        return self._policy(app).partitioned

    def _policy(self, app: Quart) -> Policy:
        return self.jar(app).policy

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> Session:
        if self.is_detached(request):
            return Session(lambda _: Section(None), self.sections, detached=True)

        jar: Jar | None = None

        def read(name: str) -> Section:
            nonlocal jar
            jar = jar or self.jar(app)
            cookie = jar.cookies[name]
            value = request.cookies.get(cookie.name)
            if not value:
                return Section(None)
            found = cookie.examine(value)
            if not isinstance(found, Opened):
                self.note_refused(name, found)
                return Section(None)
            if found.old_key:
                self.note_old_key()
            return Section(found)

        return Session(read, self.sections)

    async def save_session(
        self,
        app: Quart,
        session: Any,
        response: Response | WerkzeugResponse | None,
    ) -> None:
        """Send the sections that changed, and those alone."""
        if response is None:
            if session.modified:
                logger.error("a session changed in a websocket, where no cookie can be sent")
            return
        if session.touched:
            if not session.detached:
                await self._send(app, session, response)
            response.vary.add("Cookie")
            # An answer that depends on who asks must not be kept by anything in between, nor shown
            # by the back button after logging out.
            response.headers.setdefault("Cache-Control", "no-store")
        if "Set-Cookie" in response.headers and "no-store" not in response.cache_control:
            # The view has no say here: another client that got this answer would get the cookie.
            response.headers["Cache-Control"] = "no-store"

    async def _send(
        self, app: Quart, session: Session, response: Response | WerkzeugResponse
    ) -> None:
        if session.discarded:
            return
        try:
            changed = session.checked_changes()
            jar = self.jar(app)
            texts = {
                name: changed[name] if name in changed else session.text(name)
                for name in jar.due(session, changed)
            }
            headers = {name: jar.header(name, session, text) for name, text in texts.items()}
        except (SessionTooLarge, TypeError) as error:
            # Either all sections are written or none: those that belong together must not part.
            session.discard()
            await _replace(response, await app.make_response(await _handle(app, error)))
            return
        for name, header in headers.items():
            self.note_sent(name, len(header))
            response.headers.add("Set-Cookie", header)


def _current_app() -> Quart:
    # Its type says so in some versions of what is below and not in others.
    proxy: Any = current_app
    app: Quart = proxy._get_current_object()  # noqa: SLF001
    return app


async def _handle(app: Quart, error: Exception) -> Any:
    """Return what the application's own handlers, or Quart, answer to an error."""
    # Quart 0.23 wants the context as well.
    context = [app_ctx._get_current_object()]  # noqa: SLF001
    handle: Any = app.handle_user_exception
    return await handle(*context[: len(signature(handle).parameters) - 1], error)


async def _replace(
    response: Response | WerkzeugResponse, answer: Response | WerkzeugResponse
) -> None:
    """Make the response what the application's own handler said of an error.

    Quart has passed the place where it asks the handlers; what it does with an error that is
    raised now leaves none but the handler for 500.
    """
    data = await answer.get_data() if isinstance(answer, Response) else answer.get_data()
    for name in {*answer.headers.keys(), *ABOUT_THE_BODY}:
        response.headers.pop(name, None)
    response.headers.extend(answer.headers)
    response.status_code = answer.status_code
    response.set_data(data)
