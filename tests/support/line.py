"""A line to the database that can be cut, held up and mended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit


class Line:
    """A TCP port on this machine that leads to the database behind ``url``."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        query = parse_qs(parts.query)
        self._host = query.pop("host", [parts.hostname or "localhost"])[0]
        self._port = int(query.pop("port", [str(parts.port or 5432)])[0])
        self._parts, self._query = parts, query
        self._server: asyncio.Server | None = None
        self._own_port = 0
        self._flowing = asyncio.Event()
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._flowing.set()
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    @property
    def url(self) -> str:
        """The database's URL, by this line."""
        user = self._parts.netloc.rpartition("@")[0]
        netloc = f"{user}@127.0.0.1:{self._own_port}"
        return self._parts._replace(
            netloc=netloc, query=urlencode(self._query, doseq=True)
        ).geturl()

    async def cut(self) -> None:
        """End every connection, and refuse new ones."""
        assert self._server
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        self._flowing.set()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def mend(self) -> None:
        """Let connections in again."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self._own_port)
        self._own_port = self._server.sockets[0].getsockname()[1]

    def hold(self) -> None:
        """Let nothing through any more, and tell nobody: a machine that vanished."""
        self._flowing.clear()

    def watch(self) -> Callable[[bytes], None]:
        """Return what looks at the bytes that a new connection sends."""
        return _ignore

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = f"{self._host}/.s.PGSQL.{self._port}"
        there = await (
            asyncio.open_unix_connection(path)
            if self._host.startswith("/")
            else asyncio.open_connection(self._host, self._port)
        )
        for pump in (
            self._pump(reader, there[1], self.watch()),
            self._pump(there[0], writer, _ignore),
        ):
            task = asyncio.create_task(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        watch: Callable[[bytes], None],
    ) -> None:
        self._ends.add(target)
        try:
            while data := await source.read(65_536):
                await self._flowing.wait()
                watch(data)
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            self._ends.discard(target)
            target.close()


def _ignore(_: bytes) -> None:
    """Look at nothing."""
