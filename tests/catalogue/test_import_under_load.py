"""Imports that are large, beside others, or broken off."""

from __future__ import annotations

import asyncio
import csv
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest

from tests.support.files import load, more, row, size

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connect: TypeAlias = Callable[[], Coroutine[Any, Any, Database]]


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Connect]:
    """Connections with transactions of their own, for what happens between them."""
    connections: list[Database] = []

    async def connect() -> Database:
        connections.append(await asyncpg.connect(database_url))
        return connections[-1]

    yield connect
    for connection in connections:
        await connection.close()


async def test_two_imports_at_once(connect: Connect) -> None:
    """Imports of the same products in opposite order, at once, both come to their end."""
    rows = [row(f"once-{number}", Variant_SKU=f"ONCE-{number}") for number in range(1_500)]
    dearer = [line | {"Variant Price": "12"} for line in reversed(rows)]
    one, two = await connect(), await connect()
    for _ in range(2):
        await asyncio.gather(load(one, *rows), load(two, *dearer))
    assert await one.fetchval("select count(*) from variants where sku like 'ONCE-%'") == 1_500


async def test_import_beside_a_checkout(connect: Connect) -> None:
    """An import doesn't deadlock with one who locks the same variants in the order of ids."""
    importer, shopper, observer = await connect(), await connect(), await connect()
    first = size("beside", "S", Title="T", Variant_SKU="BESIDE-1")
    second = size("beside", "M", Variant_SKU="BESIDE-2")
    await load(importer, first, second)
    one, two = await importer.fetch("select id from variants where sku like 'BESIDE-_' order by id")
    lock = "select id from variants where id = $1 for update"

    async with shopper.transaction():
        await shopper.execute("set local lock_timeout = '5s'")
        await shopper.execute(lock, one["id"])
        task = asyncio.create_task(
            load(importer, size("beside", "M", Title="New", Variant_SKU="BESIDE-2"), first)
        )
        while not await observer.fetchval(
            "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1",
            importer.get_server_pid(),
        ):
            assert not task.done()
            await asyncio.sleep(0.01)
        await shopper.execute(lock, two["id"])
    assert (await task).updated == 1


async def test_stock_of_an_order_beside(connect: Connect) -> None:
    """What an order takes while an import of prices waits for it stays taken."""
    importer, shopper, observer = await connect(), await connect(), await connect()
    rows = [
        row(f"taken-{number}", Variant_SKU=f"TAKEN-{number}", Variant_Inventory_Qty="10")
        for number in range(3)
    ]
    await load(importer, *rows)
    take = "update variants set stock = stock - 4 where sku = 'TAKEN-1'"
    for price in ("11", "12"):
        async with shopper.transaction():
            await shopper.execute(take)
            dearer = [line | {"Variant Price": price} for line in rows]
            task = asyncio.create_task(load(importer, *dearer))
            while not await observer.fetchval(
                "select wait_event_type = 'Lock' from pg_stat_activity where pid = $1",
                importer.get_server_pid(),
            ):
                assert not task.done()
                await asyncio.sleep(0.01)
        assert (await task).updated == 3
    left = await observer.fetch("select stock from variants where sku like 'TAKEN-_' order by sku")
    assert [each["stock"] for each in left] == [10, 2, 10]


async def test_the_loop_is_free(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read in a thread, where nothing else of the process waits for it."""
    threads = set()

    def price(*arguments: Any, **options: Any) -> int:
        threads.add(threading.current_thread())
        return 100

    monkeypatch.setattr("service.catalogue.cells.price", price)
    await load(db, *(row(f"free-{number}") for number in range(1_100)))
    assert threads
    assert threading.main_thread() not in threads


async def test_failure_leaves_whole_products(db: Database) -> None:
    """When an import breaks off, what it has done stays, and importing again finishes it."""
    rows = [row(f"whole-{number}") for number in range(1_200)]

    def break_off(_: int) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await load(db, *rows, progress=break_off)
    done = await db.fetchval("select count(*) from catalogue where handle like 'whole-%'")
    assert 0 < done < 1_200

    report = await load(db, *rows)
    assert (report.added, report.unchanged) == (1_200 - done, done)


IMPORT = """
import asyncio, re, sys
from pathlib import Path
import asyncpg
from service.catalogue import import_products

def peak():
    # KiB. Not getrusage, which begins with the peak of the process that started this one.
    return int(re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1])

async def main(url, path):
    db = await asyncpg.connect(url)
    before = peak()
    transaction = db.transaction()
    await transaction.start()
    with open(path, "rb") as source:
        report = await import_products(db, source, currency="USD")
    await transaction.rollback()
    print(report.products, report.variants, report.images, len(report.bad_rows), peak() - before)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.timeout(300)  # every product's words are indexed as well
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory's peak from /proc")
def test_large_file(database_url: str, tmp_path: Path) -> None:
    """A file of 100,000 rows and 50 MB is imported in bounded memory."""
    path = tmp_path / "large.csv"
    with path.open("w", newline="") as file:
        columns = [*size("", "", Title=""), "Body (HTML)", "Image Src"]
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for number in range(20_000):
            handle = f"large-{number}"
            body = f"<p>{'All about it, at length. ' * 100}</p>"
            writer.writerow(size(handle, "S", Title="Large") | {"Body (HTML)": body})
            writer.writerows(size(handle, value) for value in ("M", "L"))
            writer.writerow(more(handle, Image_Src=f"https://x.example/{number}.jpg"))
            writer.writerow(size(handle, "XL", Variant_Price="many"))
    assert path.stat().st_size > 50_000_000

    result = subprocess.run(
        [sys.executable, "-c", IMPORT, database_url, str(path)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    *numbers, grown = map(int, result.stdout.split())
    assert numbers == [20_000, 60_000, 20_000, 20_000]
    assert grown < 40_000, f"{grown} KiB"
