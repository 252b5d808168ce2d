"""How the sections travel: one cookie each, read on first use, sent when changed."""

from __future__ import annotations

import logging
from inspect import signature
from typing import TYPE_CHECKING, Any

from quart import Response
from quart.globals import app_ctx
from quart.sessions import SessionInterface
from werkzeug.exceptions import InternalServerError
from werkzeug.http import dump_cookie

from service import clock, metrics

from .cookies import BROWSER_LIMIT, SectionCookie
from .logins import bearer_token
from .model import BASE, SECTIONS, Section, Session, pack

if TYPE_CHECKING:
    from collections.abc import Collection

    from quart import Quart
    from quart.wrappers import BaseRequestWebsocket
    from werkzeug.wrappers import Response as WerkzeugResponse

    from service.settings import Settings

ABOUT_THE_BODY = ("Content-Length", "Content-Range", "ETag", "Last-Modified", "Location")

logger = logging.getLogger(__name__)

SALT = "cookie-session"
"""Flask's salt; the sections' salts are derived from it, so no cookie passes for another."""

REFRESH = 86_400
"""Seconds after which a cookie in use is signed anew, to count as used. A shorter idle time
shortens it."""


class SessionTooLarge(InternalServerError):
    """A ``section`` became too large for a cookie, of which it takes ``size`` bytes.

    It is raised when the session is saved, and nothing of that request's session is sent.
    """

    def __init__(self, name: str, size: int) -> None:
        super().__init__(
            f"The session's section {name!r} takes {size} bytes, and browsers keep "
            f"{BROWSER_LIMIT} of a cookie. Keep the content in the database and its id here."
        )
        self.section = name
        self.size = size


class SignedSessions(SessionInterface):
    """Quart's session interface for `Session`.

    Opening does nothing at all: a session that nobody reads costs nothing, and nothing in it
    can fail where Quart would skip the teardown (see ``docs/architecture.md``).
    """

    def __init__(self, settings: Settings, sections: Collection[str] = SECTIONS) -> None:
        self.sections = sections
        self._secure = settings.secure_cookies
        prefix = "__Host-" if settings.secure_cookies else ""
        keys = [settings.secret_key, *settings.secret_key_fallbacks]
        self._remember_lifetime = settings.remember_lifetime
        self._section_lifetime = settings.section_lifetime
        shortest_idle = min(settings.section_idle, settings.remember_lifetime)
        self._refresh = min(REFRESH, shortest_idle // 10)
        self._cookies = {
            BASE: SectionCookie(
                f"{prefix}{BASE}",
                SALT,
                keys,
                settings.session_digest,
                # A login's own, shorter times are kept by its row, which alone can tell
                # when it was last seen.
                idle=settings.remember_lifetime,
                lifetime=settings.section_lifetime,
            )
        }
        for name in sections:
            self._cookies[name] = SectionCookie(
                f"{prefix}{BASE}-{name}",
                f"{SALT}.{name}",
                keys,
                settings.session_digest,
                idle=settings.section_idle,
                lifetime=settings.section_lifetime,
            )

    def cookie(self, name: str) -> SectionCookie:
        """Return how a section travels."""
        return self._cookies[name]

    def get_cookie_name(self, app: Quart) -> str:  # noqa: ARG002
        return self._cookies[BASE].name

    def get_cookie_domain(self, app: Quart) -> None:  # noqa: ARG002
        return None

    def get_cookie_path(self, app: Quart) -> str:  # noqa: ARG002
        return "/"

    def get_cookie_secure(self, app: Quart) -> bool:  # noqa: ARG002
        return self._secure

    def get_cookie_httponly(self, app: Quart) -> bool:  # noqa: ARG002
        return True

    def get_cookie_samesite(self, app: Quart) -> str:  # noqa: ARG002
        return "Lax"

    def get_cookie_partitioned(self, app: Quart) -> bool:  # noqa: ARG002
        return False

    async def open_session(self, app: Quart, request: BaseRequestWebsocket) -> Session:  # noqa: ARG002
        if bearer_token(request.headers) is not None:
            # A token speaks for itself; the cookies beside it must not (http-api).
            return Session(lambda _: Section(None, _seconds()), self.sections, detached=True)

        def read(name: str) -> Section:
            return self._load(self._cookies[name], request.cookies.get(self._cookies[name].name))

        return Session(read, self.sections)

    def _load(self, cookie: SectionCookie, value: str | None) -> Section:
        opened = cookie.open(value) if value else None
        if opened and opened.old_key:
            metrics.old_key_uses.inc()
        return Section(opened, _seconds())

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
        if not session.detached:
            await self._send(app, session, response)
        if session.touched:
            response.vary.add("Cookie")
            # What depends on who asks must not be kept by anything in between, nor shown by
            # the back button after logging out.
            response.headers.setdefault("Cache-Control", "no-store")
        if "Set-Cookie" in response.headers and "no-store" not in response.cache_control:
            # Whatever the view said: whoever else got this answer would get the cookie with it.
            response.headers["Cache-Control"] = "no-store"

    async def _send(
        self, app: Quart, session: Session, response: Response | WerkzeugResponse
    ) -> None:
        if session.discarded:
            return
        try:
            session.check()
            headers = [self._header(name, session) for name in self._due(session)]
        except (SessionTooLarge, TypeError) as error:
            # All or nothing: sections that belong together must not part.
            session.discard()
            await _replace(response, await app.make_response(await _handle(app, error)))
            return
        for header in headers:
            response.headers.add("Set-Cookie", header)

    def _due(self, session: Session) -> list[str]:
        sections = session.sections.items()
        return [name for name, each in sections if session.changed(name) or self._is_due(each)]

    def _is_due(self, section: Section) -> bool:
        opened = section.opened
        return opened is not None and (
            opened.old_key or _seconds() - opened.signed >= self._refresh
        )

    def fits(self, name: str, value: Any) -> bool:
        """Return whether a declared section with this value would go into a cookie."""
        signed = self._cookies[name].sign(pack(value), _seconds())
        return len(self._dump(name, signed, self._section_lifetime)) <= BROWSER_LIMIT

    def _header(self, name: str, session: Session) -> str:
        if not session.holds(name):
            return self._dump(name, "", 0)
        content = session.content(name)
        packed = content if name == BASE else pack(content)
        value = self._cookies[name].sign(packed, session.sections[name].born)
        # Cart and preferences outlive a closed tab; a login does if it was asked to.
        keep = name != BASE or session.permanent
        lifetime = self._remember_lifetime if name == BASE else self._section_lifetime
        header = self._dump(name, value, lifetime if keep else None)
        if len(header) > BROWSER_LIMIT:
            # The browser would drop it without a word, and the section with it.
            raise SessionTooLarge(name, len(header))
        return header

    def _dump(self, name: str, value: str, max_age: int | None) -> str:
        return dump_cookie(
            self._cookies[name].name,
            value,
            max_age=max_age,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
            max_size=0,
        )


async def _handle(app: Quart, error: Exception) -> Any:
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


def _seconds() -> int:
    return int(clock.now().timestamp())
