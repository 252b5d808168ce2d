"""What a client says to PostgreSQL, counted on the way: statements and round trips.

It stands between the two as a socket of its own, so all clients are counted alike, whatever they
prepare or send ahead.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

BY_TIME = b"locker catalogue"
"""A connection of this name asks four times a second, whatever is asked of the service."""
_HEAD = 5
"""Bytes before a message's content: its kind, and its length."""


@dataclass(slots=True)
class Counts:
    statements: int = 0
    trips: int = 0

    def see(self, kind: bytes, content: bytes) -> None:
        """Count a message of the client's: Execute, Query, and what waits for an answer."""
        if kind == b"E":
            self.statements += 1
        elif kind == b"Q":
            texts = content.rstrip(b"\0").split(b";")
            self.statements += sum(bool(text.strip()) for text in texts)
        if kind in {b"Q", b"S", b"H"}:
            self.trips += 1


@asynccontextmanager
async def counted(folder: Path, server: Path) -> AsyncIterator[Counts]:
    """Count what goes by the socket in ``folder`` to the one in ``server``."""
    counts = Counts()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(server)
        answers = asyncio.create_task(_copy(far_reader, writer))
        try:
            await _forward(reader, far_writer, counts)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            far_writer.close()
            await answers

    listener = await asyncio.start_unix_server(connected, folder / server.name)
    try:
        yield counts
    finally:
        listener.close()


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counts: Counts
) -> None:
    begun = by_time = False
    while True:
        # What begins a connection, and asks for encryption before, has no kind.
        head = await reader.readexactly(_HEAD if begun else 4)
        (length,) = struct.unpack("!i", head[-4:])
        content = await reader.readexactly(length - 4)
        writer.write(head + content)
        await writer.drain()
        if begun and not by_time:
            counts.see(head[:1], content)
        elif not begun:
            begun = content[:2] == b"\0\3"
            by_time = begun and BY_TIME in content


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
