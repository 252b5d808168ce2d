"""HTTP/2: a stream's fault stays its own, and nothing of it is without a bound."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Any

import h2.events
import h2.exceptions
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Body, EndBody, Request, StreamClosed
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.h2 import BufferCompleteError, H2Protocol, StreamBuffer
from hypercorn.utils import filter_pseudo_headers

from .giving_way import gives_way
from .streams import Stream
from .targets import is_target

PIECE = 16_384
"""Bytes of an answer that a stream has waiting."""
STREAM_HOLDS = 32_768
"""Bytes that a stream takes beside those, about: its tasks, its request."""
SLICE = 4_096
"""Bytes read at once. As frames without content they are some ten milliseconds of work."""
FRAMES = 1_000
"""Frames that a connection may be in advance of what is useful in them."""
FRAMES_PER_SECOND = 100
FRAMES_PER_ANSWER = 20
FRAME_HEAD = 9
"""Bytes (RFC 9113, 4.1)."""
RESET_COSTS = 5
"""Frames; the request was begun for nothing."""

METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
AUTHORITY = re.compile(rb"[!-~]*")


class BadRequest(Exception):
    """Of one stream, which ends with it."""


class Http2(H2Protocol):
    """Hypercorn's; what it does with a client's frames is all here."""

    streams: dict[int, Stream]  # type: ignore[assignment]
    head_since = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # These are Hypercorn's settings, without the offer of WebSockets.
        self.connection.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: self.config.h2_max_concurrent_streams,
                SettingCodes.MAX_HEADER_LIST_SIZE: self.config.h2_max_header_list_size,
            },
        )
        self._unended: set[int] = set()
        self._frames = Frames(self.config.h2_max_inbound_frame_size)
        self._leaving = False
        self.sent = 0

    @property
    def held(self) -> int:
        """Bytes that wait until the client allows for them, with what the waiting itself takes."""
        waiting = [len(buffer.buffer) for buffer in self.stream_buffers.values() if buffer.buffer]
        return sum(waiting) + STREAM_HOLDS * len(waiting)

    @property
    def is_working(self) -> bool:
        """Whether the application has a whole request to answer, and means to."""
        return any(
            stream_id not in self._unended and not gives_way(stream)
            for stream_id, stream in self.streams.items()
        )

    @property
    def is_idle(self) -> bool:
        return not self.streams

    async def initiate(self, *_: Any) -> None:
        await super().initiate()
        await self.send(Updated(idle=True))

    async def handle(self, event: Event) -> None:
        if not isinstance(event, RawData):
            await super().handle(event)
            for buffer in list(self.stream_buffers.values()):
                await buffer.close()
            return
        for start in range(0, len(event.data), SLICE):
            if self.closed or self._leaving:
                return
            piece = event.data[start : start + SLICE]
            try:
                events = self.connection.receive_data(piece)
            except h2.exceptions.ProtocolError:
                await self._leave()
                return
            excess = self._frames.excess(piece)
            if excess is not None:
                self.connection.close_connection(excess)
                await self._leave()
                return
            await self._handle_events(events)
            await asyncio.sleep(0)

    async def _leave(self) -> None:
        self._leaving = True
        await self._flush()
        await self.send(Closed())

    async def _handle_events(self, events: list[h2.events.Event]) -> None:
        """Act on what has arrived; priorities, which RFC 9113 deprecates, are not heeded."""
        for event in events:
            match event:
                case h2.events.RequestReceived():
                    await self._begin(event)
                case h2.events.DataReceived():
                    await self._take(event)
                case h2.events.StreamEnded():
                    self._unended.discard(event.stream_id)
                    if event.stream_id in self.streams:
                        await self.streams[event.stream_id].handle(EndBody(event.stream_id))
                case h2.events.StreamReset():
                    await self._drop(event.stream_id)
                case h2.events.WindowUpdated():
                    await self._window_updated(event.stream_id)
                case h2.events.RemoteSettingsChanged():
                    await self._window_updated(None)
                case h2.events.ConnectionTerminated():
                    await self._leave()
                    return
        await self._flush()

    async def _take(self, event: h2.events.DataReceived) -> None:
        if event.data and event.stream_id in self.streams:
            await self.streams[event.stream_id].handle(Body(event.stream_id, event.data))
        with suppress(h2.exceptions.ProtocolError):
            # What came for a stream that is over counts too, as its connection's window is shared.
            self.connection.acknowledge_received_data(
                event.flow_controlled_length or 0, event.stream_id
            )

    async def _drop(self, stream_id: int) -> None:
        self._frames.take(RESET_COSTS)
        self._unended.discard(stream_id)
        await self._close_stream(stream_id)
        await self._window_updated(stream_id)
        if not self.streams:
            await self.send(Updated(idle=True))

    async def _begin(self, event: h2.events.RequestReceived) -> None:
        if self.context.terminated.is_set():
            # With this code a client may send the request again, to another process.
            self.connection.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)
            return
        if event.stream_ended is None:
            self._unended.add(event.stream_id)
        try:
            await self._create_stream(event)
        except BadRequest:
            self.connection.send_headers(event.stream_id, [(b":status", b"400")], end_stream=True)
            self._stop_reading(event.stream_id)
        else:
            await self.send(Updated(idle=False))

    async def _create_stream(self, request: h2.events.RequestReceived) -> None:
        """Hand the request to the application.

        Raises `BadRequest` where a pseudo-header field has what HTTP/1.1 couldn't have: the rest
        reads it as ASCII.
        """
        id_, given = request.stream_id, request.headers
        fields = {bytes(name): bytes(value) for name, value in given if name[:1] == b":"}
        # CONNECT without `:protocol` has no path.
        method, target = fields[b":method"], fields.get(b":path", b"")
        if not (
            METHOD.fullmatch(method)
            and AUTHORITY.fullmatch(fields.get(b":authority", b""))
            and is_target(method, target)
        ):
            raise BadRequest
        self.streams[id_] = Stream(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            id_,
        )
        self.stream_buffers[id_] = Buffer(self.context.event_class)
        self.priority.insert_stream(id_)
        self.priority.block(id_)
        await self.streams[id_].handle(
            Request(
                stream_id=id_,
                headers=filter_pseudo_headers(given),
                http_version="2",
                method=method.decode("ascii").upper(),
                raw_path=target,
                state=self.connection_state,
            )
        )
        self.keep_alive_requests += 1
        await self.context.mark_request()

    async def stream_send(self, event: StreamEvent) -> None:
        """Send; of a body no more at once than may wait for the client."""
        if isinstance(event, Body):
            for start in range(0, len(event.data), PIECE):
                if event.stream_id not in self.streams:
                    return  # reset, or the client has gone
                await super().stream_send(Body(event.stream_id, event.data[start : start + PIECE]))
            return
        if isinstance(event, StreamClosed) and event.stream_id in self.streams:
            self._frames.give(FRAMES_PER_ANSWER)
        await super().stream_send(event)

    async def _send_data(self, stream_id: int) -> None:
        buffer = self.stream_buffers.get(stream_id)
        if buffer is None:
            self.priority.block(stream_id)
            return
        before = len(buffer.buffer)
        await super()._send_data(stream_id)
        self.sent += before - len(buffer.buffer)
        if stream_id not in self.stream_buffers:
            self._stop_reading(stream_id)

    def _stop_reading(self, stream_id: int) -> None:
        """Tell a client whose request was answered before its end to send no more of it."""
        if stream_id in self._unended:
            self._unended.discard(stream_id)
            with suppress(h2.exceptions.ProtocolError):
                self.connection.reset_stream(stream_id, ErrorCodes.NO_ERROR)


class Buffer(StreamBuffer):
    """Hypercorn's buffer, which hands all it has to a client that has no room for any of it."""

    async def push(self, data: bytes) -> None:
        """Add to what is to be sent, and wait until there is room for more."""
        if self._complete:
            raise BufferCompleteError
        self.buffer.extend(data)
        await self._is_empty.clear()
        while len(self.buffer) >= PIECE and not self._complete:
            await self._paused.clear()
            await self._paused.wait()


class Frames:
    """Counts a client's frames: too long, or more than its requests can account for."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._left = float(FRAMES)
        self._since = asyncio.get_running_loop().time()
        self._head = bytearray()
        self._payload = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

    def excess(self, data: bytes) -> ErrorCodes | None:
        """Count the frames that begin in what has arrived; return what is wrong with them.

        One too long counts as soon as it says so: h2 itself would first receive all of it, up to
        16 MiB.
        """
        now = asyncio.get_running_loop().time()
        self.give((now - self._since) * FRAMES_PER_SECOND)
        self._since = now
        self.take(self._count(data))
        if self._payload > self._longest:
            return ErrorCodes.FRAME_SIZE_ERROR
        return ErrorCodes.ENHANCE_YOUR_CALM if self._left < 0 else None

    def give(self, frames: float) -> None:
        self._left = min(self._left + frames, FRAMES)

    def take(self, frames: int) -> None:
        self._left -= frames

    def _count(self, data: bytes) -> int:
        """Return how many heads of frames end in it (RFC 9113, 4.1)."""
        frames = at = 0
        while at < len(data):
            if self._payload:
                step = min(self._payload, len(data) - at)
                self._payload -= step
            else:
                step = min(FRAME_HEAD - len(self._head), len(data) - at)
                self._head += data[at : at + step]
                if len(self._head) == FRAME_HEAD:
                    frames += 1
                    self._payload = int.from_bytes(self._head[:3], "big")
                    self._head.clear()
            at += step
        return frames
