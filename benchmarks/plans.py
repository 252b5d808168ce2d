"""What lists, searches, facets and suggestions take with five million products, and by which plans.

    python -m benchmarks.plans FOLDER [PRODUCTS]

fills a PostgreSQL of its own in the folder (20 minutes and 13 GB for five million), or uses what is
there from before, and prints for each list the milliseconds of its statements on the server's
processor, warm, with a page of 20 and one of 100, and the tables that are read from end to end.
Ends with 1 if there are any, or if a list takes more than 20 ms that isn't among those known to.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import asyncpg

from service.catalogue.facet_queries import FACETS, select_facets, select_types
from service.catalogue.list_queries import select_products
from service.catalogue.model import Selection, Sort
from service.catalogue.suggestions import SUGGESTED, suggest
from service.database import Connection
from service.devserver import PostgresServer
from service.migrations import migrate

from .products import MANY, fill, word

RUNS = 8
PAGES = (20, 100)
"""Products of a page: as many as it has unless another number is asked for, and the most."""
BOUND = 20.0
"""Milliseconds."""
LARGE = {"listed_products", "products", "variants", "vocabulary"}
SERVER = {"shared_buffers": "4GB", "maintenance_work_mem": "1GB", "max_wal_size": "4GB"}

Ask = Callable[[Connection, int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Case:
    """Something that is asked for."""

    name: str
    ask: Ask
    pages: tuple[int, ...] = PAGES

    @property
    def known(self) -> str:
        """Why it may take longer than the bound; blank where it may not."""
        return next((why for why, names in KNOWN.items() if self.name.startswith(names)), "")


KNOWN = {
    "the slices of its order are many, or what is in them is": (
        *("a tag of 50,000", "a tag of 20,000", "a word of 200,000, -price", "a word of 100,000"),
        *("a word of 50,000", "a word of 20,000", "a word of 10,000", "in stock, a rare word"),
        *("either of two rare words, title", "a word and a letter, title"),
    ),
    "each alone is frequent, together they are rare": (
        *("two words", "three words", "a word and not another", "a frequent word and not another"),
        *("a frequent and a rare word", "a phrase of frequent words", "a rare type and a tag"),
        *("a word and a frequent type", "a word and a large vendor", "a word and a type, fewer"),
        *("a word and a tag", "a word, a type and a tag", "a vendor and a tag"),
        *("a tag and prices", "a word and prices, price", "a type, a vendor and a tag"),
        *("a type and prices, newest", "a vendor and prices, newest"),
    ),
    "a list for each facet that is chosen": (
        *("facets of a type and a tag", "facets of a word, a type and a tag"),
    ),
    "two searches, and a third for what is alike": (
        *("suggestions for a slip in", "suggestions for slips"),
    ),
}


def main() -> None:
    """Fill what isn't there, and measure."""
    _, folder, *rest = sys.argv
    with PostgresServer(Path(folder), durable=False, settings=SERVER) as server:
        failed = asyncio.run(measure(server.dsn, int(rest[0]) if rest else MANY))
    raise SystemExit(int(failed))


async def measure(url: str, products: int) -> bool:
    """Print the table; returns whether anything is not as it should be."""
    db = await open_catalogue(url, products)
    everything = [*lists(await find_vendors(db)), *others()]
    # So that it is warm, whatever was read last.
    for case in everything:
        await case.ask(db, case.pages[-1])
    failed = False
    print(f"{PAGES[0]:>7}{PAGES[1]:>8}  milliseconds, {products:,} products")
    for case in everything:
        taken = [await take(db, case.ask, limit) for limit in case.pages]
        whole = await tables_read_whole(db, case.ask)
        late = max(taken) > BOUND
        failed |= bool(whole) or (late and not case.known)
        notes = [*sorted(whole), case.known if late else ""]
        columns = "".join(f"{each:8.1f}" for each in taken)[1:].ljust(15)
        print(f"{columns}  {case.name:44} {', '.join(filter(None, notes))}", flush=True)
    await db.close()
    return failed


async def open_catalogue(url: str, products: int) -> Connection:
    """Return a connection to a database of so many products, made unless it is there."""
    name = f"products_{products}"
    server = await asyncpg.connect(url)
    if not await server.fetchval("select 1 from pg_database where datname = $1", name):
        await server.execute("drop database if exists filling")
        await server.execute("create database filling")
        db = cast("Connection", await asyncpg.connect(url.replace("/locker?", "/filling?")))
        started = time.perf_counter()
        await migrate(db)
        await fill(db, products)
        await db.close()
        print(f"filled in {time.perf_counter() - started:.0f} s", flush=True)
        await server.execute(f"alter database filling rename to {name}")
    await server.close()
    db = cast("Connection", await asyncpg.connect(url.replace("/locker?", f"/{name}?")))
    # What was filled before may be short of what came since.
    await migrate(db)
    return db


async def find_vendors(db: Connection) -> tuple[str, str]:
    """Return a vendor of very many products, and one of few."""
    rows = await db.fetch(
        """
        select vendor from (
            select vendor from listed_products order by product_id limit 20000
        ) as each
        group by vendor order by count(*) desc, vendor
        """
    )
    return rows[0]["vendor"], rows[-1]["vendor"]


def lists(vendors: tuple[str, str]) -> Iterator[Case]:
    """Yield lists of every kind."""
    large, small = vendors

    def case(name: str, sort: Sort, **what: Any) -> Case:
        selection = Selection(**what)

        async def ask(db: Connection, limit: int) -> object:
            return await select_products(db, selection, sort=sort, limit=limit)

        return Case(f"{name}, {sort}", ask)

    orders: tuple[Sort, ...] = ("newest", "price", "-price", "title")
    frequent_type, rare_type = (word(1000 + n).capitalize() for n in (1, 100))
    kinds: dict[str, dict[str, Any]] = {
        "everything": {},
        "a type of 500,000": {"type": frequent_type},
        "a type of 30,000": {"type": word(1020).capitalize()},
        "a type of 10,000": {"type": rare_type},
        "a large vendor": {"vendor": large},
        "a small vendor": {"vendor": small},
        "a tag of 1,300,000": {"tag": word(2001)},
        "a tag of 50,000": {"tag": word(2040)},
        "a tag of 20,000": {"tag": word(2100)},
        "a tag of 2,000": {"tag": word(2900)},
        "a type and a large vendor": {"type": frequent_type, "vendor": large},
        "a type and a frequent tag": {"type": frequent_type, "tag": word(2001)},
        "a word and a frequent type": {"text": word(30), "type": frequent_type},
        "a word of almost all": {"text": f'"{word(1)}"'},
        "a word of every fifth": {"text": f'"{word(10)}"'},
        "a word of 400,000": {"text": f'"{word(30)}"'},
        "a word of 200,000": {"text": f'"{word(55)}"'},
        "a word of 100,000": {"text": f'"{word(100)}"'},
        "a word of 50,000": {"text": f'"{word(200)}"'},
        "a word of 20,000": {"text": f'"{word(500)}"'},
        "a word of 10,000": {"text": f'"{word(1000)}"'},
        "a word of 1,000": {"text": f'"{word(10000)}"'},
        "two words": {"text": f'{word(30)} "{word(50)}"'},
    }
    for name, what in kinds.items():
        if "text" in what:
            yield case(name, "relevance", **what)
        for sort in orders:
            yield case(name, sort, **what)
    for sort in orders:
        yield case("prices close together", sort, min_price=5000, max_price=5005)
        yield case("prices far apart", sort, min_price=5000, max_price=9000)
    yield case("in stock", "newest", available=True)
    yield case("in stock, a type", "price", available=True, type=rare_type)
    yield case("in stock, a word", "price", available=True, text=word(1))
    yield case("in stock, a rare word", "title", available=True, text=word(1000))
    yield case("a type and a rare tag", "price", type=frequent_type, tag=word(2900))
    yield case("a rare type and a tag", "title", type=rare_type, tag=word(2001))
    yield case("a type and a small vendor", "newest", type=rare_type, vendor=small)
    yield case("a vendor and a tag", "price", vendor=large, tag=word(2010))
    yield case("a vendor and a tag", "title", vendor=large, tag=word(2100))
    yield case(
        "a type, a vendor and a tag", "-price", type=frequent_type, vendor=large, tag=word(2001)
    )
    yield case("a type and prices", "newest", type=frequent_type, max_price=60)
    yield case("a type and prices", "title", type=frequent_type, min_price=5000, max_price=5500)
    yield case("a type and prices", "price", type=rare_type, min_price=5000, max_price=9000)
    yield case("a vendor and prices", "newest", vendor=large, max_price=60)
    yield case("a tag and prices", "price", tag=word(2010), min_price=5000, max_price=5500)
    yield case("a tag and prices", "title", tag=word(2001), max_price=60)
    yield case("a word and a small vendor", "relevance", text=word(1), vendor=small)
    yield case("a word and a large vendor", "relevance", text=word(30), vendor=large)
    yield case("a word and a large vendor", "title", text=word(30), vendor=large)
    yield case("a word and a type", "relevance", text=word(1), type=rare_type)
    yield case("a word and a type, fewer", "price", text=word(30), type=rare_type)
    yield case("a word and a tag", "title", text=word(30), tag=word(2010))
    yield case("a word and prices", "price", text=word(30), max_price=60)
    yield case("a word and prices", "relevance", text=word(1), min_price=5000, max_price=5005)
    yield case(
        "a word, a type and a tag", "price", text=word(10), type=frequent_type, tag=word(2010)
    )
    texts = {
        "two frequent words": f'{word(1)} "{word(2)}"',
        "three words": f'{word(10)} {word(20)} "{word(50)}"',
        "a frequent and a rare word": f'{word(1)} "{word(10000)}"',
        "either of two words": f'{word(1)} or "{word(10000)}"',
        "either of two rare words": f'{word(200)} or "{word(300)}"',
        "a word and not another": f'"{word(100)}" -{word(1)}',
        "a frequent word and not another": f'"{word(10)}" -{word(1)}',
        "a phrase": f'"{word(300)} {word(100)}"',
        "a phrase of frequent words": f'"{word(1)} {word(2)}"',
        "what nothing has": "xyzzyplugh",
        "a SKU": "MANY-1234567-1",
        **{f"the first {n} letters": word(7)[:n] for n in (1, 2, 3, 4)},
        "a rare word and a letter": f"{word(9000)} {word(7)[:1]}",
        "a word and a letter": f"{word(200)} {word(7)[:1]}",
        "a frequent word and a letter": f"{word(10)} {word(7)[:1]}",
    }
    for name, text in texts.items():
        for sort in ("relevance", "title"):
            yield case(name, sort, text=text)


def others() -> Iterator[Case]:
    """Yield facets, types and suggestions."""
    frequent_type, tag = word(1001).capitalize(), word(2100)
    facets = {
        "everything": Selection(),
        "a frequent word": Selection(text=word(1)),
        "a word": Selection(text=word(30)),
        "a rare word": Selection(text=word(1000)),
        "a type": Selection(type=frequent_type),
        "a tag": Selection(tag=tag),
        "a type and a tag": Selection(type=frequent_type, tag=tag),
        "a type and a frequent tag": Selection(type=frequent_type, tag=word(2001)),
        "a word, a type and a tag": Selection(text=word(30), type=frequent_type, tag=tag),
        "a type and prices": Selection(type=frequent_type, max_price=60),
        "prices": Selection(min_price=5000, max_price=5500),
    }
    for name, selection in facets.items():

        async def count(db: Connection, _: int, selection: Selection = selection) -> object:
            return await select_facets(db, selection)

        yield Case(f"facets of {name}", count, pages=(FACETS,))

    async def count_types(db: Connection, limit: int) -> object:
        return await select_types(db, limit)

    yield Case("types", count_types, pages=(250,))
    typed = {
        "a letter": word(7)[:1],
        "three letters": word(7)[:3],
        "a word": word(7),
        "a word and a letter": f"{word(50)} {word(7)[:1]}",
        "a slip": f"x{word(7)}",
        "a slip in a rare word": f"{word(300)[:4]}x{word(300)[4:]}",
        "slips in two words": f"{word(30)[:4]}x{word(30)[4:]} x{word(50)}",
        "a word and what nothing has": f"{word(3)} zzyxq",
    }
    for name, text in typed.items():

        async def propose(db: Connection, _: int, text: str = text) -> object:
            return await suggest(db, text)

        yield Case(f"suggestions for {name}", propose, pages=(SUGGESTED,))


async def take(db: Connection, ask: Ask, limit: int) -> float:
    """Return how many milliseconds the server's processor works for it, on average.

    By a connection that has asked for it before, so with the plan that is kept for any value.
    """
    for _ in range(6):
        await ask(db, limit)
    before = _processor_time(db)
    for _ in range(RUNS):
        await ask(db, limit)
    return (_processor_time(db) - before) / RUNS


def _processor_time(db: Connection) -> float:
    spent = Path(f"/proc/{db.get_server_pid()}/schedstat")
    if spent.exists():
        return int(spent.read_text().split()[0]) / 1e6
    return time.perf_counter() * 1e3  # elsewhere than on Linux: with what it waits for


class _Explaining:
    """A connection that notes the plans of what it is asked."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.plans: list[Any] = []

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        rows = await self._db.fetch(f"explain (analyze, format json) {query}", *args)
        self.plans += json.loads(rows[0][0])
        return await self._db.fetch(query, *args)


async def tables_read_whole(db: Connection, ask: Ask) -> set[str]:
    """Return the large tables that any plan reads from end to end."""
    explaining = _Explaining(db)
    await ask(cast("Connection", explaining), PAGES[-1])
    return _read_whole(explaining.plans) & LARGE


def _read_whole(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_read_whole, node))
    if not isinstance(node, dict):
        return set()
    here = {node["Relation Name"]} if "Seq Scan" in node.get("Node Type", "") else set()
    return here.union(*map(_read_whole, node.values()))


if __name__ == "__main__":
    main()
