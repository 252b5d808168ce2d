"""A request that is to be refused anyhow keeps its connection only while there is room."""

from __future__ import annotations

from typing import Any

from hypercorn.protocol.http_stream import HTTPStream
from quart import request

_OFFER = "locker.give_way"
_TAKEN = "locker.gives_way"


def offer(scope: Any) -> None:
    """Let the application say that this request gives way.

    By a function, which stays the same one however deeply the scope is copied on its way in.
    """
    extensions = scope.setdefault("extensions", {})

    def take() -> None:
        extensions[_TAKEN] = {}

    extensions[_OFFER] = take


def give_way() -> None:
    """Let this request's connection be closed for another, where connections are full."""
    scope: Any = request.scope
    take = scope.get("extensions", {}).get(_OFFER)
    if take:
        take()


def gives_way(stream: HTTPStream) -> bool:
    """Return whether `give_way` was called for its request."""
    return _TAKEN in stream.scope["extensions"]
