"""One client's connection, from accept to close."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from socket import SO_LINGER, SO_SNDBUF, SOL_SOCKET
from typing import TYPE_CHECKING, Any  # noqa: TID251 - the registry knows these, and they know it

from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H2ProtocolAssumedError
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from .http1 import Http1
from .http2 import Http2

if TYPE_CHECKING:
    from .registry import Connections

LEAST_TAKEN = 16_384
"""Bytes of an answer that count as progress; a byte now and then doesn't."""
MOST_BUFFERED = 32_768
"""Bytes written that the kernel has no room for, beyond which an answer waits."""
MOST_IN_KERNEL = 131_072
"""Bytes that the kernel may take over: left to itself it keeps 4 MiB for a client that reads
nothing, and nobody can tell that it doesn't. Enough for 10 Mbit/s over 100 ms."""
NEWCOMER = 1.0
"""Seconds in which nobody is called idle: for a request to come after its connection, and a body
after its head."""
RESET = struct.pack("ii", 1, 0)
"""Linger not at all (socket(7))."""
ABORTED_WITHIN = 1.0
"""Seconds for the tasks of a connection that was cut off to end by themselves."""


class Connection(TCPServer):
    """Hypercorn's, with an end to every wait, and with our protocols."""

    protocol: Conversation  # type: ignore[assignment]

    def __init__(self, connections: Connections, *args: Any) -> None:
        super().__init__(*args)
        self.connections = connections
        self.protocol = Conversation(self)
        self.began = self.active = self._progressed = self.loop.time()
        self.has_asked = False
        self._is_at_rest = True
        self._taken = 0
        self._task: asyncio.Task[Any] | None = None
        self._aborting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the connection to its end; raises nothing but a cancellation from outside.

        An error here would end Hypercorn's wait for the other connections, and the process with 1.
        """
        self._task = asyncio.current_task()
        self.writer.transport.set_write_buffer_limits(MOST_BUFFERED)
        try:
            socket = self.writer.get_extra_info("socket")
            socket.setsockopt(SOL_SOCKET, SO_SNDBUF, MOST_IN_KERNEL)
            if self.connections.admit(self):
                await self._converse()
        except asyncio.CancelledError:
            if self._aborting is None:
                raise
        except OSError:
            pass
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - as said above
            self.connections.end(self, "failed", error)
        finally:
            await self._close()
            self.connections.discard(self)

    async def _converse(self) -> None:
        async with Tasks(self) as tasks:
            self._task_group = tasks
            await self.protocol.begin(tasks)
            await self._read_data()

    async def protocol_send(self, event: Event) -> None:
        """Do what a protocol asks for; what it says of idleness tells when a request came.

        Hypercorn begins and ends tasks for that, with each request; here all connections are looked
        at together.
        """
        if isinstance(event, Updated):
            self.active = self.loop.time()
            self.has_asked = self.has_asked or not event.idle
            self._is_at_rest = event.idle
        else:
            await super().protocol_send(event)

    def rests_since(self) -> float | None:
        """Return since when it has had nothing to do; None while it has."""
        return self.active if self._is_at_rest else None

    def close_at_rest(self) -> None:
        """Close it as one that was idle for too long, or is when the server stops."""
        self._is_at_rest = False
        self._closing = self.loop.create_task(self._initiate_server_close())

    @property
    def held(self) -> int:
        """Bytes of answers that wait for the client."""
        return self._buffered + self.protocol.held

    @property
    def is_working(self) -> bool:
        """Whether the application is at work for it, so that nobody waits for the client."""
        return self.protocol.is_working and not self.held

    def is_newcomer(self, now: float) -> bool:
        """Whether its first request may still be on its way."""
        return not self.has_asked and now - self.began < NEWCOMER

    def standing(self, now: float) -> tuple[int, float]:
        """Return what is compared where one has to go: the least, and of equals the idlest.

        Who never asked for anything comes first; then who is being waited for in the middle of
        something; then who had an answer and may ask again, which costs its client least; last who
        has only just begun to ask.
        """
        if not self.has_asked:
            rank = 0
        elif self.protocol.is_idle and not self.held:
            rank = 2
        else:
            rank = 3 if now - self.active < NEWCOMER else 1
        return rank, self.active

    @property
    def _buffered(self) -> int:
        return self.writer.transport.get_write_buffer_size()

    def waits_since(self, now: float) -> float:
        """Return since when it waits for the client to take some of an answer, looking ``now``."""
        taken = self.protocol.sent - self._buffered
        if taken - self._taken >= LEAST_TAKEN or not self.held:
            self._taken, self._progressed = taken, now
        return self._progressed

    def abort(self) -> None:
        """Cut the connection off, whatever is still to be sent."""
        if self.held:
            # Without a reset the kernel would keep what it has taken over, and wait for the client.
            socket = self.writer.get_extra_info("socket")
            with suppress(OSError):  # closed already, though its tasks have not seen it
                socket.setsockopt(SOL_SOCKET, SO_LINGER, RESET)
        self.writer.transport.abort()
        if self._aborting is None:
            self._aborting = self.loop.create_task(self._abort())

    async def _abort(self) -> None:
        """See to it that no task of the connection stays behind."""
        # The streams are closed first: a task that is cancelled would send an answer on an open
        # one, and wait for good until the client takes it.
        await self.protocol.handle(Closed())
        if self._task and not self._task.done():
            await asyncio.wait([self._task], timeout=ABORTED_WITHIN)
            self._task.cancel()


class Conversation:
    """The protocol that a connection speaks; it may change once, from HTTP/1.1 to HTTP/2."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._protocol: Http1 | Http2 | None = None

    async def begin(self, tasks: TaskGroup) -> None:
        """Speak what was agreed on with TLS, or HTTP/1.1."""
        connection = self._connection
        socket = connection.writer.get_extra_info("socket")
        tls = connection.writer.get_extra_info("ssl_object")
        self._about = (
            connection.app,
            connection.config,
            connection.context,
            tasks,
            ConnectionState(connection.state),
            tls is not None,
            parse_socket_addr(socket.family, socket.getpeername()),
            parse_socket_addr(socket.family, socket.getsockname()),
            connection.protocol_send,
        )
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            self._protocol = Http2(*self._about)
        else:
            plain_http2 = tls is None and connection.connections.bounds.plain_http2
            self._protocol = Http1(*self._about, may_change=plain_http2)
        await self._protocol.initiate()

    async def handle(self, event: Event) -> None:
        """Hand on what has arrived.

        A mistake of the client that nobody foresaw ends its connection, and in an orderly way: an
        exception would cancel what the others on it wait for, and their answers would never end.
        """
        if self._protocol is None:
            return
        try:
            await self._protocol.handle(event)
        except H2ProtocolAssumedError as error:
            self._connection.has_asked = False
            self._protocol = Http2(*self._about)
            await self._protocol.initiate()
            await self.handle(RawData(error.data))
        except Exception as error:  # noqa: BLE001 - as said above
            self._connection.connections.end(self._connection, "failed", error)

    @property
    def head_since(self) -> float | None:
        """When the head began whose end is still to come."""
        return self._protocol.head_since if self._protocol else None

    @property
    def held(self) -> int:
        """Bytes of answers that the protocol keeps until the client allows for them."""
        return self._protocol.held if self._protocol else 0

    @property
    def sent(self) -> int:
        """Bytes of answers that were sent so far."""
        return self._protocol.sent if self._protocol else 0

    @property
    def is_working(self) -> bool:
        return self._protocol is not None and self._protocol.is_working

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, in either direction."""
        return self._protocol is not None and self._protocol.is_idle


class Tasks(TaskGroup):
    """A connection's tasks, none of which takes the others with it when it fails."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.loop)
        self._connection = connection

    def spawn(self, func: Callable[..., Any], *args: Any) -> None:
        self._task_group.create_task(self._shield(func, *args))

    async def _shield(self, func: Callable[..., Any], *args: Any) -> None:
        try:
            await func(*args)
        except BaseExceptionGroup as error:
            # The application failed as its client left at a bad moment, and its stream is closed.
            self._connection.connections.note("a request failed", error)
        except Exception as error:  # noqa: BLE001 - of the protocol; what it sends is uncertain now
            self._connection.connections.end(self._connection, "failed", error)
