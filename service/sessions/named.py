"""The shop's own sections, which are dictionaries, and have no cookie while they are empty."""

from __future__ import annotations

from typing import Any, cast

from quart import current_app, session

from .interface import SignedSessions


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


def fits(name: str, content: dict[str, Any]) -> bool:
    """Return whether a section with this content would go into a cookie."""
    return cast("SignedSessions", current_app.session_interface).fits(name, content)
