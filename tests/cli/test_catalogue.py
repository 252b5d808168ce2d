"""`locker catalogue import`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import asyncpg

from service.catalogue import SAMPLE
from tests.cli.conftest import Locker, development

HEADER = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n"


def write(folder: Path, *rows: str) -> Path:
    path = folder / "products.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


async def count_products(url: str) -> int:
    db = await asyncpg.connect(url)
    try:
        return int(await db.fetchval("select count(*) from products"))
    finally:
        await db.close()


async def test_import(locker: Locker, url: str) -> None:
    """A good file is imported whole, and importing it again changes nothing."""
    first = locker("catalogue", "import", str(SAMPLE))
    products = await count_products(url)
    assert (first.status, first.errors) == (0, "")
    assert f"Products: {products} ({products} new, 0 changed, 0 as before)" in first.output
    again = locker("catalogue", "import", str(SAMPLE))
    assert again.status == 0
    assert f"(0 new, 0 changed, {products} as before)" in again.output
    assert await count_products(url) == products


async def test_bad_rows(locker: Locker, url: str, tmp_path: Path) -> None:
    """Bad rows are listed with their line, the good ones go in, and the status says so."""
    file = write(tmp_path, "cup,Cup,,,CUP,1.50", "jar,Jar,,,JAR,cheap", "mug,Mug,,,MUG,2.00")
    ended = locker("catalogue", "import", str(file))
    assert ended.status == 1
    assert ended.errors.startswith("line 3: ")
    assert ended.errors.count("\n") == 1
    assert "Products: 2 " in ended.output
    assert "Bad rows: 1." in ended.output
    assert await count_products(url) == 2


async def test_dry_run(locker: Locker, url: str, tmp_path: Path) -> None:
    """A dry run says the same and writes nothing."""
    file = write(tmp_path, "cup,Cup,,,CUP,1.50", "jar,Jar,,,JAR,cheap")
    ended = locker("catalogue", "import", "--dry-run", str(file))
    assert ended.status == 1
    assert ended.errors.startswith("line 3: ")
    assert "Products: 1 (1 new" in ended.output
    assert "Nothing was written" in ended.output
    assert await count_products(url) == 0


def test_no_such_file(locker: Locker, tmp_path: Path) -> None:
    """A file that isn't there, or is a folder, is one line."""
    for path, reason in ((tmp_path / "none.csv", "No such file"), (tmp_path, "Is a directory")):
        ended = locker("catalogue", "import", str(path))
        assert (ended.status, ended.errors.count("\n")) == (1, 1)
        assert f"{path}: {reason}" in ended.errors


def test_hostile_rows(locker: Locker, tmp_path: Path) -> None:
    """What a file says reaches the terminal without its control characters."""
    file = write(tmp_path, "cup,Cup,,,CUP,\x1b[2Jcheap")
    ended = locker("catalogue", "import", str(file))
    assert ended.status == 1
    assert "\x1b" not in ended.errors


async def test_currency(locker: Locker, make_locker: Callable[..., Locker], url: str) -> None:
    """The currency is told and changed; a file in another than the catalogue's is refused."""
    assert "None yet" in locker("catalogue", "currency").output
    locker("catalogue", "import", str(SAMPLE))
    assert locker("catalogue", "currency").output == "USD\n"

    euro = make_locker(**development(url) | {"CURRENCY": "EUR"})
    refused = euro("catalogue", "import", str(SAMPLE))
    assert (refused.status, refused.errors.count("\n")) == (1, 1)
    assert "the catalogue is priced in USD" in refused.errors
    assert locker("catalogue", "currency", "XXX").status == 2

    changed = locker("catalogue", "currency", "EUR")
    assert "no longer sold: " in changed.output
    assert "set LOCKER_CURRENCY=EUR" in changed.output
    assert euro("catalogue", "import", str(SAMPLE)).status == 0
    assert euro("catalogue", "currency").output == "EUR\n"
