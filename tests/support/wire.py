"""Clients that send what no library would, byte by byte."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset

from service.pages.assets import FILES
from tests.support.serving import Served
from tests.support.shopping import API

WITHIN = 20.0
"""Seconds for anything to come."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HTTP2_SETTINGS = "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"
HTTP2_UPGRADE = f"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n{HTTP2_SETTINGS}"
Fields = list[tuple[bytes, bytes]]


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Return a frame (RFC 9113, 4.1)."""
    return (
        len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
    )


SETTINGS = frame(4)
WINDOW_0 = frame(4, payload=b"\x00\x04\x00\x00\x00\x00")


@contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", served.port), WITHIN)) as connection:
        yield connection


def head(served: Served, method: str, path: str, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{served.port}", *more, "", ""]
    return "\r\n".join(lines).encode("latin1")


def exchange(served: Served, data: bytes) -> bytes:
    """Send, and return all that comes until the server closes."""
    with connected(served) as connection:
        connection.sendall(data)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """Read until the server closes; raises `TimeoutError` if it doesn't."""
    answer = b""
    try:
        while data := connection.recv(65_536):
            answer += data
    except ConnectionResetError:
        pass
    return answer


def await_closed(connection: socket.socket) -> float:
    """Return how many seconds it took; raises `TimeoutError` if the server doesn't close."""
    began = time.monotonic()
    read_all(connection)
    return time.monotonic() - began


class Http2:
    """A client that sends the header fields it is told to, whatever they are."""

    def __init__(self, connection: socket.socket, host: str) -> None:
        self.socket = connection
        self.host = host.encode()
        self.state = H2Connection(
            H2Configuration(
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.state.initiate_connection()
        self.events: list[Event] = []
        self.closed = False

    def fields(self, method: bytes = b"GET", path: bytes = b"/livez", *more: bytes) -> Fields:
        return [
            (b":method", method),
            (b":scheme", b"http"),
            (b":authority", self.host),
            (b":path", path),
        ]

    def ask(self, stream: int, fields: Fields, *, end: bool = True) -> None:
        self.state.send_headers(stream, fields, end_stream=end)

    def flush(self) -> None:
        try:
            self.socket.sendall(self.state.data_to_send())
        except ConnectionError:
            self.closed = True

    def read(self, until: Callable[[], bool]) -> None:
        """Read on until that is so, or the server closes."""
        self.flush()
        while not self.closed and not until():
            try:
                data = self.socket.recv(65_536)
            except ConnectionResetError:
                data = b""
            if not data:
                self.closed = True
                return
            for event in self.state.receive_data(data):
                self.events.append(event)
                if isinstance(event, DataReceived) and event.flow_controlled_length:
                    self.state.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
            self.flush()

    def answer(self, stream: int) -> int | str:
        """Return the status of a whole answer, ``reset``, or ``none`` if the server closed."""

        def ended() -> list[Event]:
            kinds = (StreamEnded, StreamReset)
            return [e for e in self.events if isinstance(e, kinds) and e.stream_id == stream]

        self.read(lambda: bool(ended()))
        for event in self.events:
            if isinstance(event, ResponseReceived) and event.stream_id == stream:
                status = int(dict(event.headers)[b":status"])
                return status if ended() else "none"
        return "reset" if ended() else "none"


@contextmanager
def speaking_http2(served: Served) -> Iterator[Http2]:
    with connected(served) as connection:
        yield Http2(connection, f"127.0.0.1:{served.port}")


LARGE = f"/static/{next(name for name in FILES if 'htmx' in name)}"
"""A large answer, 52 KB, that is little work: eight are more than the kernel keeps."""


def asks(served: Served, streams: int) -> bytes:
    """Return requests for `LARGE` by HTTP/2, from a client that has no room for an answer."""
    state = H2Connection(H2Configuration(header_encoding=None))
    state.local_settings.initial_window_size = 0
    state.initiate_connection()
    for stream in range(1, 2 * streams, 2):
        state.send_headers(
            stream,
            [
                (b":method", b"GET"),
                (b":scheme", b"http"),
                (b":authority", f"127.0.0.1:{served.port}".encode()),
                (b":path", LARGE.encode()),
            ],
            end_stream=True,
        )
    return state.data_to_send()


NEVER_ENDING: dict[str, Callable[[Served], bytes]] = {
    "silence": lambda served: b"",
    "half a head": lambda served: head(served, "GET", "/livez")[:-2],
    "no body": lambda served: head(served, "POST", f"{API}/session", "Content-Length: 9"),
    "unread answers": lambda served: head(served, "GET", LARGE) * 8,
    "HTTP/2 preface": lambda served: PREFACE + SETTINGS,
    "pings": lambda served: PREFACE + SETTINGS + frame(6, payload=bytes(8)) * 9,
    "window 0": lambda served: asks(served, 4),
    "half a head by HTTP/2": lambda served: PREFACE + SETTINGS + frame(1, 1, 1, b"\x82"),
    "no body by HTTP/2": lambda served: asks(served, 0) + frame(1, 4, 1, b"\x83\x86\x84"),
}
"""What a client sends that then waits for good."""


def never_end(served: Served, name: str) -> socket.socket:
    """Open such a connection; whoever calls closes it."""
    connection = socket.socket()
    # So small that an answer doesn't end in the kernel's buffers.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(WITHIN)
    connection.connect(("127.0.0.1", served.port))
    connection.sendall(NEVER_ENDING[name](served))
    return connection
