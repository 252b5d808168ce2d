"""The one place the time is read, so that tests can set it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the time in UTC. Call it as ``clock.now()``: a test replaces the attribute."""
    return datetime.now(UTC)
