"""What all contestants serve: a PostgreSQL of its own, the sample catalogue, and accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
from argon2 import PasswordHasher

import service.catalogue
from service.catalogue import import_products
from service.database import Connection
from service.devserver import PostgresServer
from service.migrations import migrate

from .driver import PASSWORD, username
from .peers.rules import ARGON2

ACCOUNTS = 20_000
SERVER = {
    "autovacuum": "off",  # between the rounds instead, so that it falls on nobody's time
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}
SAMPLE = Path(service.catalogue.__file__).parent / "sample.csv"


class Stage:
    """The database, and what its server costs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.socket = Path(parse_qs(urlsplit(url).query)["host"][0]) / ".s.PGSQL.5432"
        self.pid = int((self.socket.parent / "postmaster.pid").read_text().split("\n", 1)[0])

    def through(self, folder: Path) -> str:
        """Return the URL by a socket in another folder."""
        return f"postgresql://locker@/locker?host={folder}&port=5432"

    def rest(self) -> None:
        """Do what the server would do in the background."""
        asyncio.run(self._rest())

    async def _rest(self) -> None:
        db = await asyncpg.connect(self.url.replace("locker@", "postgres@"))
        await db.execute("vacuum analyze")
        await db.execute("checkpoint")
        await db.close()


@contextmanager
def stage(folder: Path, accounts: int = ACCOUNTS) -> Iterator[Stage]:
    with PostgresServer(folder, settings=SERVER) as server:
        asyncio.run(_fill(server.dsn, accounts))
        yield Stage(server.dsn)


async def _fill(url: str, accounts: int) -> None:
    db = await asyncpg.connect(url)
    await migrate(db)
    with SAMPLE.open("rb") as file:
        await import_products(db, file, currency="USD")
    await prepare(db, accounts)
    await db.close()


async def prepare(db: Connection, accounts: int) -> None:
    """Make accounts, and have enough of everything in stock."""
    await db.execute("update variants set stock = 1000000000 where stock is not null")
    memory_kib, time_cost, parallelism = ARGON2
    hashed = PasswordHasher(
        time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism
    ).hash(PASSWORD)
    names = [username(number) for number in range(accounts)]
    await db.execute(
        """
        insert into accounts (username, username_key, email, email_key, password_hash, created_at)
        select name, name, name || '@shop.example', name || '@shop.example', $2, now()
        from unnest($1::text[]) as name
        """,
        names,
        hashed,
    )
