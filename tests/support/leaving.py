"""Clients that leave at random moments, and others that don't, over HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Self

import h2.config
import h2.connection
import h2.errors
import h2.events

PATHS = ("/slow", "/slow", "/stream", "/api/v1/cart", "/api/v1/products")


def patience(random: Random) -> float:
    """Return the seconds that a client stays: some leave at once, some after their answer."""
    return random.lognormvariate(-4.6, 1.2)  # half of them within 10 ms


class Http1:
    """A connection for each request, as browsers do that hang up."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def get(self, path: str) -> int:
        """Return the status of the answer, once it has come whole."""
        reader, writer = await self._ask(path)
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1])

    async def leave(self, random: Random) -> None:
        """Ask, now and then with a body that never comes whole, and hang up."""
        _, writer = await self._ask(random.choice(PATHS), half_a_body=random.random() < 0.2)
        await asyncio.sleep(patience(random))
        if random.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()

    async def _ask(
        self, path: str, *, half_a_body: bool = False
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        method, body = ("POST", "half") if half_a_body else ("GET", "")
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Length: {2 * len(body)}\r\n\r\n{body}".encode()
        )
        return reader, writer


class Http2:
    """A connection with many requests at once; each ends with its status, or when reset."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration())
        self._statuses: dict[int, asyncio.Future[int]] = {}

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> Self:
        self._h2.initiate_connection()
        self._flush()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()
        await self._reading

    async def get(self, path: str) -> int:
        """Return the status of the answer, once it has come whole; 0 if it never does."""
        return await self._statuses[self._ask(path)]

    async def leave(self, random: Random) -> None:
        """Ask, and reset the stream."""
        stream = self._ask(random.choice(PATHS))
        await asyncio.sleep(patience(random))
        if not self._statuses[stream].done():
            self._h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
            self._flush()
            self._statuses[stream].cancel()

    def _ask(self, path: str) -> int:
        stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(
            stream,
            [
                (":method", "GET"),
                (":path", path),
                (":scheme", "http"),
                (":authority", "localhost"),
            ],
            end_stream=True,
        )
        self._statuses[stream] = asyncio.get_running_loop().create_future()
        self._flush()
        return stream

    def _flush(self) -> None:
        self._writer.write(self._h2.data_to_send())

    async def _read(self) -> None:
        statuses: dict[int, int] = {}
        try:
            while data := await self._reader.read(65_536):
                for event in self._h2.receive_data(data):
                    match event:
                        case h2.events.ResponseReceived(stream_id=stream, headers=headers):
                            statuses[stream] = int(dict(headers)[b":status"])
                        case h2.events.DataReceived(stream_id=stream):
                            self._h2.acknowledge_received_data(event.flow_controlled_length, stream)
                        case h2.events.StreamEnded(stream_id=stream):
                            self._end(stream, statuses[stream])
                        case h2.events.StreamReset(stream_id=stream):
                            self._end(stream, 0)
                self._flush()
        except ConnectionError:
            pass
        for stream in self._statuses:
            self._end(stream, 0)

    def _end(self, stream: int, status: int) -> None:
        if not self._statuses[stream].done():
            self._statuses[stream].set_result(status)
