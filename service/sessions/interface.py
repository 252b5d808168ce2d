"""The shop's sessions: its sections, its settings, and what it makes of a token."""

from __future__ import annotations

from collections.abc import Collection

from quart.wrappers import BaseRequestWebsocket

from quart_locker import BASE, BROWSER_LIMIT, SectionedSessions
from service import clock, metrics
from service.settings import Settings

from .bearer import TokenRequest

SECTIONS = ("cart", "preferences", "flash", "device", "orders")
"""The shop's: its cart, its choices, the pages' messages, where one logged in before, and which
orders a guest placed."""


class ShopSessions(SectionedSessions):
    """The session interface of the shop."""

    def __init__(self, settings: Settings, sections: Collection[str] = SECTIONS) -> None:
        super().__init__(
            sections=sections,
            clock=lambda: clock.now().timestamp(),
            keys=[settings.secret_key, *settings.secret_key_fallbacks],
            digest=settings.session_digest,
            name=_prefix(settings) + settings.cookie_name,
            path=settings.prefix or "/",
            secure=settings.secure_cookies,
            # Not the operator's to choose; said, so that another word in app.config is refused.
            domain="",
            httponly=True,
            samesite="Lax",
            partitioned=False,
            refresh=True,
            max_size=BROWSER_LIMIT,
            # A login's own, shorter times are in its row, which alone says when it was last seen.
            idle=settings.remember_lifetime,
            section_idle=settings.section_idle,
            lifetime=settings.section_lifetime,
        )

    def is_detached(self, request: BaseRequestWebsocket) -> bool:
        return isinstance(request, TokenRequest) and request.acts_without_session

    def note_old_key(self) -> None:
        metrics.old_key_uses.inc()

    def note_refused(self, name: str, why: str) -> None:
        metrics.sections_refused.labels(_label(name), why).inc()

    def note_sent(self, name: str, size: int) -> None:
        metrics.section_bytes.labels(_label(name)).observe(size)


def _label(section: str) -> str:
    return "login" if section == BASE else section


def _prefix(settings: Settings) -> str:
    """Return what browsers demand the most for (RFC 6265bis, 4.1.3), of what is true here."""
    if not settings.secure_cookies:
        return ""
    return "__Secure-" if settings.prefix else "__Host-"
