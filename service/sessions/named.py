"""The shop's own sections, which are dictionaries, and have no cookie while they are empty."""

from __future__ import annotations

from typing import Any

from quart import session


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
