"""The shop's own sections, which are dictionaries, and have no cookie while they are empty."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec
from quart import current_app, session

from quart_locker import SectionCookie

from .interface import ShopSessions

T = TypeVar("T")


def read_section(name: str) -> dict[str, Any]:
    """Return what a section holds; nothing where it holds something else than a dictionary."""
    content = session.get(name)
    return content if isinstance(content, dict) else {}


def write_section(name: str, content: dict[str, Any]) -> None:
    """Put this into a section, or take the section away where there is nothing to put."""
    if content:
        session[name] = content
    else:
        session.pop(name, None)


def read_as(content: Any, kind: type[T]) -> T | None:
    """Return what a section holds as this type, or None where it holds something else.

    Signed doesn't mean valid: an older version wrote it, or another application that has the key.
    """
    try:
        return msgspec.convert(content, kind)
    except (msgspec.ValidationError, UnicodeEncodeError):
        # The second is for half a surrogate pair among its names.
        return None


def fits(name: str, content: dict[str, Any]) -> bool:
    """Return whether a section with this content would go into a cookie."""
    return _sessions().fits(name, content)


def section_cookie(name: str) -> SectionCookie:
    """Return how a section travels."""
    return _sessions().cookie(name)


def _sessions() -> ShopSessions:
    return cast("ShopSessions", current_app.session_interface)
