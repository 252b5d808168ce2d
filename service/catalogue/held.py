"""What is sold, held in memory with the answers made: products and lists need no database.

Each process has a copy of its own. Four times a second it asks what was written by transactions
that weren't over the last time, on a connection of its own, and reads that again. It needs nobody
to tell it: there is nothing to be missed, neither by a connection that is lost nor by PgBouncer,
and no order waits to tell.

No answer is older than `OLDEST`: a copy that is, as the database is away or slow, isn't used, and
the database is asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple, Self

import asyncpg
import msgspec
from prometheus_client.core import Metric

from service import database
from service.database import Connection
from service.hosts import is_own
from service.metrics import count, gauge
from service.settings import Settings

from . import held_queries as queries
from .cursor import decode_cursor, link_pages
from .held_lists import ListPlace, Orders
from .held_queries import NumberedProduct, SeenCatalogue
from .model import COUNTED, EVERYTHING, Product, Sort

logger = logging.getLogger(__name__)

NAME = "locker catalogue"
"""What the connection is called in ``pg_stat_activity``."""
OLDEST = 1.0
"""Seconds since the database was last asked what has changed, for what is in the copy to count."""
EVERY = 0.25
"""Seconds from one time to the next."""
PART = 100
"""Products read at once, and taken in at once."""
SLICE = 0.005
"""Seconds for which answers are made before anything else has its turn."""
WITHIN = 10.0
"""Seconds for a statement, and for a connection."""
RETRY = 1.0
"""Seconds until the next attempt, with as much again by chance: not all processes at once."""
LATER = 600.0
"""Seconds until the size of a catalogue is looked at again that was too large."""
OVERHEAD = 950
"""Bytes that a product takes in memory besides its answer."""


def mark_own(address: str) -> str:
    """Return an address of a picture so that `ReadyProduct.of` knows whether it is the shop's own.

    By a character that no text of a catalogue has, as PostgreSQL has none for it.
    """
    return f"\0{address}" if is_own(address) else address


class ReadyProduct(msgspec.Struct, frozen=True, gc=False):
    """A product's answer, but for the prefix that it is asked by.

    ``parts`` are its JSON, cut where the prefix belongs; ``tag`` is of the answer without one.
    """

    handle: str
    parts: tuple[bytes, ...]
    tag: str

    @classmethod
    def of(cls, handle: str, body: bytes) -> Self:
        """Return the product whose JSON this is, with the addresses of its own marked."""
        # No text has it by chance: in JSON a backslash of its own is two.
        parts = tuple(body.split(b'"\\u0000'))
        return cls(handle, parts, make_tag(b'"'.join(parts)))

    def body(self, prefix: str) -> bytes:
        """Return the answer as it is below a prefix, which may be empty."""
        return msgspec.json.encode(prefix)[:-1].join(self.parts)

    def below(self, prefix: str) -> tuple[bytes, str]:
        """Return the same with its tag."""
        body = self.body(prefix)
        return body, make_tag(body) if prefix and len(self.parts) > 1 else self.tag

    @property
    def size(self) -> int:
        """Bytes in memory, roughly."""
        return OVERHEAD + sum(map(len, self.parts))


def make_tag(body: bytes) -> str:
    """Return what an answer is known by: of all of it, as stock changes while the rest doesn't."""
    return hashlib.sha256(body).hexdigest()[:32]


class NoRoom(Exception):
    """The catalogue has no room in the memory that it may have."""


class ReadyPage(NamedTuple):
    """A page of the list of all products; ``total`` is None beyond `COUNTED`."""

    products: list[ReadyProduct]
    next: str | None
    total: int | None


class HeldProduct(msgspec.Struct, frozen=True, gc=False):
    """A product's id, its answer, and its place in lists; None where it isn't listed."""

    id: int
    ready: ReadyProduct
    place: ListPlace | None


class Copy:
    """What is sold, by handle, and what of it is listed, in each order."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._products: dict[int, HeldProduct] = {}
        self.orders = Orders()
        self.size = 0

    def __len__(self) -> int:
        return len(self._products)

    def __getitem__(self, number: int) -> ReadyProduct:
        return self._products[number].ready

    def find(self, handle: str) -> ReadyProduct | None:
        """Return the product, if it is in here."""
        number = self._ids.get(handle)
        return None if number is None else self[number]

    def put(self, products: Iterable[HeldProduct]) -> None:
        """Take products in, instead of what was there by the same id or handle."""
        for product in products:
            handle = product.ready.handle
            self.drop({product.id, self._ids.get(handle, product.id)})
            self._ids[handle], self._products[product.id] = product.id, product
            self.size += product.ready.size
            if product.place is not None:
                self.orders.add(product.id, product.place)

    def drop(self, ids: Iterable[int]) -> None:
        """Leave out what is there of these."""
        for number in ids:
            product = self._products.pop(number, None)
            if product is None:
                continue
            del self._ids[product.ready.handle]
            self.size -= product.ready.size
            if product.place is not None:
                self.orders.drop(number, product.place)

    def shorten(self) -> None:
        """Leave out a product, and a place of each order: for what is given up altogether."""
        _, product = self._products.popitem()
        del self._ids[product.ready.handle]
        self.size -= product.ready.size
        self.orders.shorten()


class HeldCatalogue:
    """The copy of this process, and what keeps it: from `open` to `close`."""

    def __init__(self, settings: Settings, make_ready: Callable[[Product], ReadyProduct]) -> None:
        self._settings = settings
        self._most = settings.catalogue_memory * 2**20
        self._make_ready = make_ready
        self._copy = Copy()
        self._asked = self._distrusted = -math.inf
        self._wake = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._fits = self._works = True
        self._loads = self._rereads = 0

    async def open(self) -> None:
        """Begin to hold the catalogue, unless it may have no memory. Nobody waits for it."""
        if self._most:
            self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._asked = -math.inf

    def find(self, handle: str) -> ReadyProduct | None:
        """Return the product as it was at most `OLDEST` ago; None: ask the database."""
        return self._copy.find(handle) if self._age <= OLDEST else None

    def list_all(self, sort: Sort, limit: int, after: str | None) -> ReadyPage | None:
        """Return a page of all products as it was at most `OLDEST` ago; None: ask the database.

        Its order and its cursors are those of `list_queries.select_products`, which goes on where
        this ends, and the other way round. Raises `InvalidCursor`.
        """
        if self._age > OLDEST:
            return None
        if sort == "relevance":
            sort = "newest"
        cursor = decode_cursor(after, EVERYTHING, sort) if after else None
        orders = self._copy.orders
        rows, more = orders.find(sort, cursor, limit)
        following, _ = link_pages(rows, EVERYTHING, sort, cursor, more=more)
        total = len(orders)
        products = [self._copy[number] for _, number in rows]
        return ReadyPage(products, following, total if total <= COUNTED else None)

    def distrust(self) -> None:
        """Use nothing of what was read up to now, as this process has changed the catalogue."""
        self._asked, self._distrusted = -math.inf, time.monotonic()
        self._wake.set()

    def metrics(self) -> Iterator[Metric]:
        """Return how the copy stands; one that isn't meant to be there has no age."""
        if self._most and self._fits:
            yield gauge(
                "locker_held_catalogue_age_seconds",
                "Time since the database was asked what has changed of the catalogue in memory.",
                self._age,
            )
        yield gauge("locker_held_catalogue_products", "Products held in memory.", len(self._copy))
        yield gauge(
            "locker_held_catalogue_bytes", "Memory that they take, roughly.", self._copy.size
        )
        yield count(
            "locker_held_catalogue_loads", "Times that all products were read.", self._loads
        )
        yield count(
            "locker_held_catalogue_rereads",
            "Products that were read again, as they had changed.",
            self._rereads,
        )

    @property
    def _age(self) -> float:
        return time.monotonic() - self._asked

    async def _keep(self) -> None:
        while True:
            pause = RETRY * random.uniform(1, 2)  # noqa: S311 - not a secret
            try:
                async with database.direct(self._settings, WITHIN, name=NAME) as db:
                    try:
                        await self._follow(db)
                    finally:
                        # Not at the service's end either is a server waited for that is silent.
                        db.terminate()
            except NoRoom:
                logger.info("the catalogue is larger than LOCKER_CATALOGUE_MEMORY: not held")
                self._fits, pause = False, LATER
            except Exception as error:
                # Whatever it is, products are answered by the database, and this goes on.
                known = isinstance(error, asyncpg.PostgresError | OSError | asyncpg.InterfaceError)
                if self._works:
                    logger.warning(
                        "the catalogue can't be held; the database is asked for each product",
                        extra={"error": type(error).__name__},
                        exc_info=None if known else error,
                    )
                self._works = False
            await self._forget()
            await asyncio.sleep(pause)

    async def _follow(self, db: Connection) -> None:
        """Hold what this database has, until there is no telling any more what has changed.

        Raises `NoRoom`, and what asyncpg raises.
        """
        async with asyncio.timeout(WITHIN):
            seen = await queries.select_seen(db)
        if seen.store is None:
            return
        await self._load(db)
        while True:
            self._wake.clear()
            began = time.monotonic()
            now, ids = await self._select_changed(db, seen)
            if ids:
                # All of it at one moment, so that no list has one half of a change.
                async with db.transaction(isolation="repeatable_read", readonly=True):
                    now, ids = await self._select_changed(db, seen)
                    if now.store == seen.store and len(ids) <= queries.MANY:
                        await self._reread(db, ids)
            if now.store != seen.store or len(ids) > queries.MANY:
                return
            seen = now
            if began >= self._distrusted:
                self._asked = began
            self._fits = self._works = True
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._wake.wait()

    async def _select_changed(
        self, db: Connection, seen: SeenCatalogue
    ) -> tuple[SeenCatalogue, list[int]]:
        async with asyncio.timeout(WITHIN):
            return await queries.select_changed(db, seen)

    async def _load(self, db: Connection) -> None:
        """Read all that is sold; what changes meanwhile is to be read again before it counts."""
        self._loads += 1
        last = 0
        while True:
            async with asyncio.timeout(WITHIN):
                part = await queries.select_sold(db, last, PART)
            ready = await self._ready(part)
            if not ready:
                return
            last = ready[-1].id
            self._put(ready)

    async def _reread(self, db: Connection, ids: list[int]) -> None:
        """Bring these products to what they are now, all at once as far as anyone sees."""
        self._rereads += len(ids)
        parts = [ids[start : start + PART] for start in range(0, len(ids), PART)]
        ready = []
        for part in parts:
            async with asyncio.timeout(WITHIN):
                sold = await queries.select_sold_of(db, part)
            ready.append(await self._ready(sold))
        if len(parts) > 1:
            # To take them in at once would hold the loop. The database is asked until all are in.
            self._asked = -math.inf
        for gone, come in zip(parts, ready, strict=True):
            self._copy.drop(gone)
            self._put(come)
            if len(parts) > 1:
                await asyncio.sleep(0)

    def _put(self, ready: list[HeldProduct]) -> None:
        self._copy.put(ready)
        if self._copy.size > self._most:
            raise NoRoom

    async def _ready(self, part: Iterable[NumberedProduct]) -> list[HeldProduct]:
        """Make the answers of products, and let others have their turn."""
        ready = []
        until = time.perf_counter() + SLICE
        for each in part:
            ready.append(HeldProduct(each.id, self._make_ready(each.product), each.place))
            if time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + SLICE
        return ready

    async def _forget(self) -> None:
        """Give the memory back, which takes long where it is done at once."""
        self._asked = -math.inf
        copy, self._copy = self._copy, Copy()
        until = time.perf_counter() + SLICE
        while copy:
            copy.shorten()
            if time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + SLICE
