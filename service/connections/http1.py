"""HTTP/1.1: no upgrade of any kind, and answers in pieces."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import h11
from hypercorn.asyncio.worker_context import EventWrapper
from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import Body, Request, StreamClosed
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h11 import STREAM_ID, H2ProtocolAssumedError, H11Protocol
from hypercorn.typing import H11SendableEvent

from .giving_way import gives_way
from .streams import Stream
from .targets import is_target

PIECE = 32_768
"""Bytes of an answer written at once; no more than that waits in memory for the client."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\n"
VERSIONS = {b"1.0", b"1.1"}
BAD_REQUEST, VERSION_NOT_SUPPORTED = 400, 505


class ClientGone(Exception):
    """There is no next request to wait for."""


class Http1(H11Protocol):
    """Hypercorn's, but that nothing a client asks for makes it speak anything else.

    ``may_change`` lets HTTP/2 begin with the very first request, by prior knowledge.
    """

    connection: h11.Connection  # it never becomes a WebSocket
    stream: Stream | None

    def __init__(self, *args: Any, may_change: bool) -> None:
        super().__init__(*args)
        self.can_read = self._turn = _Turn()
        self._may_change = may_change
        self.head_since: float | None = None
        self.sent = 0
        self._head = b""

    @property
    def held(self) -> int:
        """Nothing: what is sent is with the transport."""
        return 0

    @property
    def is_working(self) -> bool:
        """Whether the application has a whole request to answer, and means to."""
        return (
            self.stream is not None
            and self.connection.their_state is not h11.SEND_BODY
            and not gives_way(self.stream)
        )

    @property
    def is_idle(self) -> bool:
        return self.stream is None and self.head_since is None

    async def handle(self, event: Event) -> None:
        if isinstance(event, Closed):
            await self._turn.give_up()
        elif isinstance(event, RawData) and event.data and self.is_idle:
            self.head_since = asyncio.get_running_loop().time()
        with suppress(ClientGone):
            await super().handle(event)

    async def _check_protocol(self, event: h11.Request) -> None:
        """Take no heed of ``Upgrade: h2c``, which RFC 9113 has done away with.

        Through a proxy that passes it on it is a tunnel: the proxy's rules no longer hold, and
        what it says of the client is the client's to say.
        """
        first = self.keep_alive_requests == 0 and self._may_change
        if first and (event.method, event.target, event.http_version) == (b"PRI", b"*", b"2.0"):
            raise H2ProtocolAssumedError(PREFACE + self.connection.trailing_data[0])

    async def _create_stream(self, request: h11.Request) -> None:
        """Hand the request to the application; a WebSocket handshake is one like any other."""
        self.head_since = None
        if request.http_version not in VERSIONS:
            await self._refuse(VERSION_NOT_SUPPORTED)
            return
        if not is_target(request.method, request.target):
            await self._refuse(BAD_REQUEST)
            return
        self.stream = Stream(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
        )
        await self.stream.handle(
            Request(
                stream_id=STREAM_ID,
                headers=list(request.headers),
                http_version=request.http_version.decode(),
                method=request.method.decode("ascii").upper(),
                raw_path=request.target,
                state=self.connection_state,
            )
        )
        self.keep_alive_requests += 1
        await self.context.mark_request()

    async def _refuse(self, status: int) -> None:
        await self._send_error_response(status)
        await self.send(Closed())

    async def stream_send(self, event: StreamEvent) -> None:
        """Send; of a body no more at once than may wait for the client."""
        if isinstance(event, Body):
            for start in range(0, len(event.data), PIECE):
                await self._send_piece(event.data[start : start + PIECE])
        elif self.stream is not None:
            if isinstance(event, StreamClosed):
                await self._write()
            await super().stream_send(event)

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        """Send; the head of an answer together with the beginning of its body.

        An answer begins with its body's first event (ASGI, "Response Start").
        """
        try:
            data = self.connection.send(event) or b""
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            return
        if isinstance(event, h11.Response):
            self._head = data
        else:
            await self._write(data)

    async def _write(self, data: bytes = b"") -> None:
        """Write it behind the head that waits, if there is anything to write."""
        data, self._head = self._head + data, b""
        if data:
            await self.send(RawData(data))

    async def _send_piece(self, piece: bytes) -> None:
        # Once the client has gone there is no stream, and no sense in the rest.
        if self.stream is not None:
            self.sent += len(piece)
            await super().stream_send(Body(STREAM_ID, piece))


class _Turn(EventWrapper):
    """When the next request's turn has come; never, once the client has gone."""

    def __init__(self) -> None:
        super().__init__()
        self._gone = False

    async def give_up(self) -> None:
        self._gone = True
        await self.set()

    async def wait(self) -> None:
        await super().wait()
        if self._gone:
            raise ClientGone
