"""A TCP proxy that cuts connections where it hurts: around a request, or around a commit."""

from __future__ import annotations

import asyncio
import random
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

Connect = Callable[[], Awaitable[tuple[StreamReader, StreamWriter]]]

REQUEST_CUTS = ("before it is sent", "after it is sent", "before the answer", "in the answer")
COMMIT_CUTS = ("before the commit", "during the commit", "after the commit")
COMMIT = b"COMMIT;"
"""How asyncpg ends a transaction."""


@dataclass
class Link:
    """A client's connection, the one behind it, and what is to become of them."""

    client: StreamWriter
    server: StreamWriter
    doom: str | None = None

    def cut(self) -> None:
        """Reset the client's side; what was sent to the server still arrives there."""
        self.client.transport.abort()
        self.server.close()


@dataclass
class Proxy:
    """Stands between a client and a server. ``rate`` is how many requests have an accident."""

    connect: Connect
    cuts: Sequence[str]
    rate: float = 0.0
    chance: random.Random = field(default_factory=random.Random)
    accidents: Counter[str] = field(default_factory=Counter)
    port: int = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Proxy]:
        """Listen on a free port until the block ends."""
        links: set[asyncio.Task[None]] = set()

        def begin(reader: StreamReader, writer: StreamWriter) -> None:
            link = asyncio.create_task(self._link(reader, writer))
            links.add(link)
            link.add_done_callback(links.discard)

        server = await asyncio.start_server(begin, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for link in links:
                link.cancel()
            await asyncio.gather(*links, return_exceptions=True)

    async def _link(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            upstream, server = await self.connect()
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, server)
        pumps = [
            asyncio.create_task(self._pump(reader, link, self._forth)),
            asyncio.create_task(self._pump(upstream, link, self._back)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            writer.close()
            server.close()

    async def _pump(
        self,
        reader: StreamReader,
        link: Link,
        move: Callable[[Link, bytes], Awaitable[bool]],
    ) -> None:
        with suppress(ConnectionError, RuntimeError):
            while data := await reader.read(65_536):
                if not await move(link, data):
                    return

    async def _forth(self, link: Link, data: bytes) -> bool:
        """Pass on to the server; returns False when the connection is over."""
        if self._is_risky(data) and self.chance.random() < self.rate:
            link.doom = self.chance.choice(self.cuts)
            self.accidents[link.doom] += 1
        if link.doom in {"before it is sent", "before the commit"}:
            link.client.transport.abort()
            link.server.transport.abort()
            return False
        link.server.write(data)
        await link.server.drain()
        if link.doom in {"after it is sent", "during the commit"}:
            link.cut()
            return False
        return True

    async def _back(self, link: Link, data: bytes) -> bool:
        if link.doom == "in the answer":
            link.client.write(data[: len(data) // 2])
            await link.client.drain()
            link.client.close()
            return False
        if link.doom is not None:
            link.cut()
            return False
        link.client.write(data)
        await link.client.drain()
        return True

    def _is_risky(self, data: bytes) -> bool:
        return self.cuts is not COMMIT_CUTS or COMMIT in data


def to_database(url: str) -> Connect:
    """Return how to connect to the server of a database's URL, also over its private socket."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    host = query["host"][0] if "host" in query else parts.hostname or "localhost"
    port = int(query["port"][0]) if "port" in query else parts.port or 5432
    if host.startswith("/"):
        return lambda: asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
    return lambda: asyncio.open_connection(host, port)


def through(url: str, port: int) -> str:
    """Return the URL of the same database, by way of a proxy on this port."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return f"postgresql://{user}@127.0.0.1:{port}{parts.path}?sslmode=disable"
