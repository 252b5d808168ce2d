"""What lists, searches, facets and suggestions take with five million products, and by which plans.

    python -m benchmarks.plans FOLDER [PRODUCTS]

fills a PostgreSQL of its own in the folder (20 minutes and 13 GB for five million), or uses what is
there from before, and prints for each list the milliseconds of its statements on the server's
processor, warm, and the tables that are read from end to end. Ends with 1 if there are any, or if
a list takes more than 20 ms that isn't among those known to.
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

from service.catalogue.facet_queries import select_facets, select_types
from service.catalogue.list_queries import select_products
from service.catalogue.model import Selection, Sort
from service.catalogue.suggestions import suggest
from service.database import Connection
from service.devserver import PostgresServer
from service.migrations import migrate

from .products import MANY, fill, word

RUNS = 8
BOUND = 20.0
"""Milliseconds."""
LARGE = {"listed_products", "products", "variants", "vocabulary"}
SERVER = {"shared_buffers": "4GB", "maintenance_work_mem": "1GB", "max_wal_size": "4GB"}

Ask = Callable[[Connection], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Case:
    """Something that is asked for, and why it may take longer than the bound, where it may."""

    name: str
    ask: Ask
    known: str = ""


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
        await case.ask(db)
    failed = False
    print(f"{'ms':>7}  {products:,} products")
    for case in everything:
        milliseconds, whole = await take(db, case.ask), await tables_read_whole(db, case.ask)
        late = milliseconds > BOUND
        failed |= bool(whole) or (late and not case.known)
        notes = [*sorted(whole), case.known if late else ""]
        print(f"{milliseconds:7.1f}  {case.name:44} {', '.join(filter(None, notes))}", flush=True)
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
    return cast("Connection", await asyncpg.connect(url.replace("/locker?", f"/{name}?")))


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


SCATTERED = "rare, and met in an order in which each is in another place of the table"
TOGETHER = "each alone is frequent, both together are rare"


def lists(vendors: tuple[str, str]) -> Iterator[Case]:
    """Yield lists of every kind."""
    large, small = vendors

    def case(name: str, sort: Sort, known: str = "", **what: Any) -> Case:
        selection = Selection(**what)
        return Case(f"{name}, {sort}", lambda db: select_products(db, selection, sort=sort), known)

    orders: tuple[Sort, ...] = ("newest", "price", "-price", "title")
    frequent_type, rare_type = (word(1000 + n).capitalize() for n in (1, 100))
    kinds: dict[str, dict[str, Any]] = {
        "everything": {},
        "a type of 500,000": {"type": frequent_type},
        "a type of 10,000": {"type": rare_type},
        "a large vendor": {"vendor": large},
        "a small vendor": {"vendor": small},
        "a tag of 1,300,000": {"tag": word(2001)},
        "a tag of 20,000": {"tag": word(2100)},
        "a tag of 2,000": {"tag": word(2900)},
        "a word of almost all": {"text": f'"{word(1)}"'},
        "a word of every fifth": {"text": f'"{word(10)}"'},
        "a word of 400,000": {"text": f'"{word(30)}"'},
        "a word of 100,000": {"text": f'"{word(100)}"'},
        "a word of 10,000": {"text": f'"{word(1000)}"'},
        "a word of 1,000": {"text": f'"{word(10000)}"'},
    }
    for name, what in kinds.items():
        if "text" in what:
            yield case(name, "relevance", **what)
        for sort in orders:
            yield case(
                name, sort, SCATTERED if sort in {"price", "-price", "title"} else "", **what
            )
    yield case("prices close together", "newest", min_price=5000, max_price=5005)
    yield case("prices far apart", "newest", min_price=5000, max_price=9000)
    yield case("prices", "title", SCATTERED, min_price=5000, max_price=5100)
    yield case("in stock", "newest", available=True)
    yield case("in stock, a type", "price", available=True, type=rare_type)
    yield case("in stock, a word", "price", available=True, text=word(1))
    yield case("a type and a tag", "price", type=frequent_type, tag=word(2001))
    yield case("a type and a rare tag", "price", type=frequent_type, tag=word(2900))
    yield case("a type and a small vendor", "newest", type=rare_type, vendor=small)
    yield case("a type and a large vendor", "newest", TOGETHER, type=frequent_type, vendor=large)
    yield case("a word and a small vendor", "relevance", text=word(1), vendor=small)
    yield case("a word and a type", "relevance", text=word(1), type=rare_type)
    yield case("a word and a type, fewer", "price", TOGETHER, text=word(30), type=rare_type)
    yield case("a word and prices", "price", TOGETHER, text=word(30), max_price=60)
    texts = {
        "two frequent words": f'{word(1)} "{word(2)}"',
        "two words": f'{word(30)} "{word(50)}"',
        "a frequent and a rare word": f'{word(1)} "{word(10000)}"',
        "either of two words": f'{word(1)} or "{word(10000)}"',
        "a word and not another": f'"{word(100)}" -{word(1)}',
        "a phrase": f'"{word(300)} {word(100)}"',
        "a phrase of frequent words": f'"{word(1)} {word(2)}"',
        "what nothing has": "xyzzyplugh",
        "a SKU": "MANY-1234567-1",
        **{f"the first {n} letters": word(7)[:n] for n in (1, 2, 3, 4)},
        "a rare word and a letter": f"{word(9000)} {word(7)[:1]}",
        "a frequent word and a letter": f"{word(10)} {word(7)[:1]}",
    }
    known = {"two words", "a word and not another", "a phrase of frequent words"}
    for name, text in texts.items():
        yield case(name, "relevance", TOGETHER if name in known else "", text=text)


def others() -> Iterator[Case]:
    """Yield facets, types and suggestions."""
    frequent_type = word(1001).capitalize()
    facets = {
        "everything": Selection(),
        "a frequent word": Selection(text=word(1)),
        "a rare word": Selection(text=word(1000)),
        "a type": Selection(type=frequent_type),
        "a tag": Selection(tag=word(2100)),
        "a type and a tag": Selection(type=frequent_type, tag=word(2100)),
    }
    for name, selection in facets.items():
        known = "three lists, one for each facet" if selection.type and selection.tag else ""
        yield Case(f"facets of {name}", lambda db, s=selection: select_facets(db, s), known)  # type: ignore[misc]
    yield Case("types", lambda db: select_types(db, 250), "250 counts of up to 1,000")
    typed = {
        "a letter": word(7)[:1],
        "three letters": word(7)[:3],
        "a word": word(7),
        "a word and a letter": f"{word(50)} {word(7)[:1]}",
        "a slip": f"x{word(7)}",
        "a slip in a rare word": f"{word(300)[:4]}x{word(300)[4:]}",
        "a word and what nothing has": f"{word(3)} zzyxq",
    }
    for name, text in typed.items():
        known = "two searches, and a third for what is alike" if "slip" in name else ""
        yield Case(f"suggestions for {name}", lambda db, t=text: suggest(db, t), known)  # type: ignore[misc]


async def take(db: Connection, ask: Ask) -> float:
    """Return how many milliseconds the server's processor works for it, on average.

    By a connection that has asked for it before, so with the plan that is kept for any value.
    """
    before = _processor_time(db)
    for _ in range(RUNS):
        await ask(db)
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
    await ask(cast("Connection", explaining))
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
