"""A request that is to be refused anyhow keeps its connection only while there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

if TYPE_CHECKING:
    from hypercorn.protocol.http_stream import HTTPStream

_GIVES_WAY = "locker.gives_way"


def give_way() -> None:
    """Let this request's connection be closed for another, where connections are full."""
    # The server's own, also where the scope has been copied; not every server has one.
    request.scope.get("extensions", {})[_GIVES_WAY] = {}


def gives_way(stream: HTTPStream) -> bool:
    """Return whether `give_way` was called for its request."""
    return _GIVES_WAY in stream.scope["extensions"]
