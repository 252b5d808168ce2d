"""What one app context needs to take at most one connection, and none after its end."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

import asyncpg
import quart.globals
from asyncpg.pool import PoolConnectionProxy
from quart import g, has_request_context, has_websocket_context, request, websocket
from quart.globals import app_ctx
from quart.wrappers import BaseRequestWebsocket

from .counting import NOTHING, Tally, tally_of

PRESERVED = "_quart._preserve_context"
"""How a test client that is used with ``async with`` marks the contexts it keeps (Quart 0.22)."""


class Visit:
    """One context's: ``connection`` is what it holds."""

    def __init__(self, owner: object) -> None:
        self.lock = asyncio.Lock()
        self.over = False
        self.connection: PoolConnectionProxy[asyncpg.Record] | None = None
        self.given_back = NOTHING
        self._at_first: Tally | None = None
        self.is_kept_by_a_test = _is_kept_by_a_test()
        self._owner = weakref.ref(owner)
        # Quart 0.22 lets the copy of a context share its `g`; their connections are two.
        self._copies: weakref.WeakKeyDictionary[Any, Visit] = weakref.WeakKeyDictionary()

    def take(self, connection: PoolConnectionProxy[asyncpg.Record]) -> None:
        self.connection = connection
        self._at_first = tally_of(connection)

    def give_back(self) -> PoolConnectionProxy[asyncpg.Record] | None:
        """Return what it held, to be released."""
        self.given_back = self.tally()
        connection, self.connection = self.connection, None
        return connection

    def tally(self) -> Tally:
        """Return what was asked of all its connections so far."""
        before, first = self.given_back, self._at_first
        now = tally_of(self.connection)
        if first is None or now is None:
            return before
        return Tally(
            before.statements + now.statements - first.statements,
            before.round_trips + now.round_trips - first.round_trips,
        )

    def check(self) -> None:
        if self.over:
            raise RuntimeError("This app context has ended, and its connection with it.")

    def of(self, owner: object) -> Visit:
        """Return the visit of this context, which has the same `g`."""
        own = self._owner() is owner
        visit = self if own else self._copies.setdefault(owner, Visit(owner))
        if visit.over and getattr(owner, "_cv_tokens", None):
            # A function that was decorated with a copy was called again: one copy for all calls.
            visit.over = False
        return visit


def current_visit(name: str) -> Visit:
    """Return the visit of the current context, which ``g`` keeps under this name."""
    owner = _current_context()
    first: Visit | None = g.get(name)
    if first is None:
        first = Visit(owner)
        setattr(g, name, first)
    return first.of(owner)


def is_copy() -> bool:
    """Return whether the request's context is a copy, with whose end no app context ends."""
    return _current_context() is not app_ctx._get_current_object()  # noqa: SLF001


def _current_context() -> object:
    """Return the app context, or the copy of a request's context that has none of its own.

    Quart 0.23 gives each copy an app context; 0.22 has kinds of contexts, and one that was
    pushed where there is an app context notes that it has brought none.
    """
    for kind in ("_cv_request", "_cv_websocket"):
        variable = vars(quart.globals).get(kind)
        context = variable.get(None) if variable is not None else None
        if context is not None and context._cv_tokens and context._cv_tokens[-1][1] is None:  # noqa: SLF001
            return context
    return app_ctx._get_current_object()  # noqa: SLF001


def _is_kept_by_a_test() -> bool:
    if has_request_context():
        return bool(request.scope.get(PRESERVED))
    return has_websocket_context() and bool(websocket.scope.get(PRESERVED))


def incoming() -> BaseRequestWebsocket:
    """Return the request, or the WebSocket, of the current context.

    It is the thing itself: each question to `quart.request` costs a look-up of the context.
    """
    proxy: Any = request if has_request_context() else websocket
    found: BaseRequestWebsocket = proxy._get_current_object()  # noqa: SLF001
    return found
