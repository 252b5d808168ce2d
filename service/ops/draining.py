"""Whether the service is about to stop, which `/readyz` tells before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart

_KEY = "locker.draining"


def start_draining(app: Quart) -> None:
    """Let the service say that it isn't ready, for good; it goes on serving."""
    app.extensions[_KEY] = True


def is_draining(app: Quart) -> bool:
    return _KEY in app.extensions
