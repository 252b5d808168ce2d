"""A request's stream, which hands on what the client sends without a queue in between."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any

from hypercorn.protocol.events import Body, EndBody, Event, StreamClosed
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream

Listener = Callable[[Any], None]
"""What takes each ASGI message that is received; it must not wait."""

_LISTEN = "locker.listen"


class Stream(HTTPStream):
    """Hypercorn's, which an application may listen to instead of having a task that receives."""

    _listener: Listener | None = None

    async def handle(self, event: Event) -> None:
        listener = self._listener
        if listener is None:
            await super().handle(event)
            # Where it waited for room in the queue there may be a listener by now.
            self._empty_queue()
        elif isinstance(event, Body):
            listener({"type": "http.request", "body": bytes(event.data), "more_body": True})
        elif isinstance(event, EndBody):
            listener({"type": "http.request", "body": b"", "more_body": False})
        elif isinstance(event, StreamClosed):
            self._listener = None
            is_early = self.state is not ASGIHTTPState.CLOSED
            await super().handle(event)
            if is_early:
                listener({"type": "http.disconnect"})

    def listen(self, listener: Listener) -> None:
        """Hand on each message, those that wait already first; of the end only if it is early."""
        self._listener = listener
        self._empty_queue()

    def _empty_queue(self) -> None:
        if self._listener is None:
            return
        queue: asyncio.Queue[Any] = self.app_put.__self__  # type: ignore[attr-defined]
        while not queue.empty():
            self._listener(queue.get_nowait())


def offer(scope: Any, send: Any) -> None:
    """Let the application listen, where it is a stream of ours that sends.

    By a function, which stays the same one however deeply the scope is copied on its way in; the
    stream, which has the scope, is not kept by it.
    """
    sender = getattr(send, "__self__", None)
    if not isinstance(sender, Stream):
        return
    known = weakref.ref(sender)

    def begin(listener: Listener) -> None:
        stream = known()
        if stream is not None:
            stream.listen(listener)

    scope.setdefault("extensions", {})[_LISTEN] = begin


def listen(scope: Any, listener: Listener) -> bool:
    """Have the listener told of all that the client sends; False where it must be received."""
    begin = (scope.get("extensions") or {}).get(_LISTEN)
    if begin is None:
        return False
    begin(listener)
    return True
