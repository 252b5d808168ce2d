"""The cookies of one application's session, made and read by its policy."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from werkzeug.exceptions import InternalServerError
from werkzeug.http import dump_cookie

from .cookies import Clock, Opened, SectionCookie
from .model import BASE, Session, pack
from .policy import Policy

SALT = "cookie-session"
"""Flask's salt; the sections' salts are derived from it, so no cookie passes for another."""


class SessionTooLarge(InternalServerError):
    """A ``section`` became too large for a cookie, of which it takes ``size`` bytes.

    It is raised when the session is saved, and nothing of that request's session is sent.
    """

    def __init__(self, name: str, size: int, limit: int) -> None:
        super().__init__(
            f"The session's section {name!r} takes {size} bytes, and browsers keep "
            f"{limit} of a cookie. Keep the content in the database and its id here."
        )
        self.section = name
        self.size = size


class Jar:
    """How each section travels."""

    def __init__(self, policy: Policy, sections: Collection[str], clock: Clock) -> None:
        self.policy = policy
        self._clock = clock
        self.cookies = {BASE: self._cookie(policy.name, SALT, policy.idle)}
        for name in sections:
            self.cookies[name] = self._cookie(
                f"{policy.name}-{name}", f"{SALT}.{name}", policy.section_idle
            )

    def _cookie(self, name: str, salt: str, idle: int) -> SectionCookie:
        policy = self.policy
        return SectionCookie(
            name,
            salt,
            policy.keys,
            policy.digest,
            idle=idle,
            lifetime=policy.lifetime,
            clock=self._clock,
        )

    def due(self, session: Session, changed: Collection[str]) -> list[str]:
        """Return the sections to be sent: those that changed, and those to be signed anew."""
        return [
            name
            for name, section in session.sections.items()
            if name in changed or (section.opened and self._is_old(section.opened))
        ]

    def _is_old(self, opened: Opened) -> bool:
        refresh = self.policy.refresh
        return opened.old_key or (refresh is not None and self._clock() - opened.signed >= refresh)

    def header(self, name: str, session: Session, text: str | None) -> str:
        """Return the ``Set-Cookie`` of a section with this `Session.text`.

        Raises `SessionTooLarge`.
        """
        if text is None:
            return self._dump(name, "", 0)
        cookie = self.cookies[name]
        if session.sections[name].born is None:
            content = session.content(name)
            value = cookie.sign(content if name == BASE else pack(content), int(self._clock()))
        else:
            value = cookie.sign_text(text)
        # Sections outlive a closed browser; the base section does if it was asked to.
        keep = name != BASE or session.permanent
        lifetime = self.policy.idle if name == BASE else self.policy.lifetime
        header = self._dump(name, value, lifetime if keep else None)
        if len(header) > self.policy.max_size:
            # The browser would drop it without a word, and the section with it.
            raise SessionTooLarge(name, len(header), self.policy.max_size)
        return header

    def fits(self, name: str, value: Any) -> bool:
        """Return whether a declared section with this value would go into a cookie."""
        signed = self.cookies[name].sign(pack(value), int(self._clock()))
        return len(self._dump(name, signed, self.policy.lifetime)) <= self.policy.max_size

    def _dump(self, name: str, value: str, max_age: int | None) -> str:
        policy = self.policy
        return dump_cookie(
            self.cookies[name].name,
            value,
            max_age=max_age,
            path=policy.path,
            domain=policy.domain,
            secure=policy.secure,
            httponly=policy.httponly,
            samesite=policy.samesite,
            partitioned=policy.partitioned,
            max_size=0,
        )
