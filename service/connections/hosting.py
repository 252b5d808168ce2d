"""Where Hypercorn hosts the service, its connections are ours."""

from __future__ import annotations

import asyncio
import logging
import selectors
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import hypercorn.asyncio.run
from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from quart import Quart

from service.metrics import State
from service.settings import Settings

from . import giving_way, streams
from .notices import OncePerMinute
from .registry import Bounds, Connections
from .server import Connection

Application = Callable[[Any, Any, Any], Awaitable[None]]

_HOSTED: WeakKeyDictionary[Config, Connections] = WeakKeyDictionary()
"""Ours, by the configuration of their server."""

FEWEST_HANDSHAKES = 32
"""Of TLS, under way at once however many connections there are already."""
ACCEPTED_AT_ONCE = 4
ACCEPT_FAILED = OncePerMinute("socket.accept() out of system resource")
"""asyncio logs it each second."""


def init_app(app: Quart, settings: Settings, state: State | None = None) -> None:
    """Wait for Hypercorn to start the application, and bound its connections then.

    They are told of in ``state``.
    """
    app.asgi_app = _Hosted(app.asgi_app, settings, state)  # type: ignore[method-assign]


class _Hosted:
    """The application, which sees at its start who hosts it."""

    def __init__(self, app: Application, settings: Settings, state: State | None) -> None:
        self._app = app
        self._settings = settings
        self._state = state

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        host = getattr(receive, "__self__", None)
        if scope["type"] == "http":
            giving_way.offer(scope)
            streams.offer(scope, send)
        if scope["type"] != "lifespan" or not isinstance(host, Lifespan):
            await self._app(scope, receive, send)
            return
        connections = _take_over(host, self._settings)
        if self._state:
            self._state.add(connections.metrics)
        try:
            await self._app(scope, receive, send)
        finally:
            connections.close()


def _take_over(host: Lifespan, settings: Settings) -> Connections:
    """Have this server's connections made by us; any number of times.

    Its configuration is handed to each of its connections and is what they are known by, so
    another server in this process keeps what it had.
    """
    connections = Connections(
        Bounds(
            connections=settings.max_connections,
            idle=host.config.keep_alive_timeout,
            head=settings.body_timeout,
            send=settings.send_timeout,
            drain=host.config.graceful_timeout,
            stop=host.config.graceful_timeout + host.config.shutdown_timeout,
            plain_http2=settings.http2,
        )
    )
    _HOSTED[host.config] = connections
    hypercorn.asyncio.run.TCPServer = _connect  # type: ignore[assignment, attr-defined]
    logging.getLogger("asyncio").addFilter(ACCEPT_FAILED)
    loop = asyncio.get_running_loop()
    _accept_few(loop)
    bound_handshakes(loop, connections)
    return connections


def _accept_few(loop: asyncio.AbstractEventLoop) -> None:
    """Have asyncio accept a few connections in each turn of the loop, not as many as may wait.

    So that hardly more come in before one is closed for them; and where there is no descriptor
    left, asyncio logs a line for each that may wait, and tries again for each a second later,
    until the loop has no time for anything else. A few, and not one: behind a crowd that asks
    much, whose turns are long, a shopper would wait for as many turns as the crowd has members.
    """
    accept = getattr(loop, "_accept_connection", None)
    if accept is None or isinstance(accept, _AcceptFew):
        return  # another loop than asyncio's own, or done already
    loop._accept_connection = _AcceptFew(accept, loop._selector)  # type: ignore[attr-defined]  # noqa: SLF001


class _AcceptFew:
    def __init__(self, accept: Callable[..., None], selector: selectors.BaseSelector) -> None:
        self._accept = accept
        self._selector = selector

    def __call__(
        self, factory: Any, sock: Any, tls: Any, server: Any, _backlog: int, *more: Any
    ) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            self._accept(factory, sock, tls, server, 1, *more)
            # Without a descriptor left asyncio stops listening for a second.
            if sock.fileno() not in self._selector.get_map():
                return


def bound_handshakes(loop: asyncio.AbstractEventLoop, connections: Connections) -> None:
    """Have those that don't get on with TLS make room as well: asyncio counts them nowhere."""
    accept = getattr(loop, "_accept_connection2", None)
    if accept is None or isinstance(accept, _AcceptBounded):
        return
    loop._accept_connection2 = _AcceptBounded(accept, connections)  # type: ignore[attr-defined]  # noqa: SLF001


class _AcceptBounded:
    def __init__(self, accept: Callable[..., Awaitable[None]], connections: Connections) -> None:
        self._accept = accept
        self._connections = connections
        self._under_way: dict[asyncio.Task[Any] | None, None] = {}

    async def __call__(
        self, factory: Any, sock: Any, extra: Any, tls: Any = None, *more: Any
    ) -> None:
        if tls is None:
            await self._accept(factory, sock, extra, tls, *more)
            return
        if len(self._under_way) >= max(self._connections.room, FEWEST_HANDSHAKES):
            self._end_oldest()
        task = asyncio.current_task()
        self._under_way[task] = None
        try:
            await self._accept(factory, sock, extra, tls, *more)
        finally:
            self._under_way.pop(task, None)

    def _end_oldest(self) -> None:
        oldest = next(iter(self._under_way))
        del self._under_way[oldest]
        if oldest:
            oldest.cancel()
        self._connections.note("full, in the middle of a TLS handshake")


def _connect(app: Any, loop: asyncio.AbstractEventLoop, config: Any, context: Any, state: Any,
             reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> TCPServer:  # fmt: skip
    connections = _HOSTED.get(config)
    make = partial(Connection, connections) if connections else TCPServer
    return make(app, loop, config, context, state, reader, writer)
