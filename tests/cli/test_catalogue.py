"""`locker catalogue import`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from service.catalogue import SAMPLE
from tests.support.commands import Locker, development

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


def test_standard_input(locker: Locker) -> None:
    """A file comes in by standard input as well."""
    ended = locker("catalogue", "import", "-", text=f"{HEADER}cup,Cup,,,CUP,1.50\n")
    assert (ended.status, ended.errors) == (0, "")
    assert "Products: 1 (1 new" in ended.output


def test_json(locker: Locker, tmp_path: Path) -> None:
    """With --json all is said as JSON, each bad row with its line; the status is the same."""
    file = write(tmp_path, "cup,Cup,,,CUP,1.50", "jar,Jar,,,JAR,cheap", "mug,Mug,,,MUG,dear")
    ended = locker("catalogue", "import", "--json", "--dry-run", str(file))
    said = json.loads(ended.output)
    assert (ended.status, ended.errors) == (1, "")
    assert (said["products"], said["added"], said["written"]) == (1, 1, False)
    assert [(row["line"], row["detail"]) for row in said["bad_rows"]] == [(3, "cheap"), (4, "dear")]


async def test_strict(locker: Locker, url: str, tmp_path: Path) -> None:
    """With --strict all of a file goes in, or nothing."""
    file = write(tmp_path, "cup,Cup,,,CUP,1.50", "jar,Jar,,,JAR,cheap")
    ended = locker("catalogue", "import", "--strict", str(file))
    assert ended.status == 1
    assert "Nothing was written." in ended.output
    assert await count_products(url) == 0


def test_encodings(locker: Locker, tmp_path: Path) -> None:
    """A file in another encoding is refused with what it looks like, and taken where it is said."""
    file = tmp_path / "excel.csv"
    file.write_bytes("Handle;Title;Price\nbar;Bär;9,99\n".encode("cp1252"))
    ended = locker("catalogue", "import", str(file))
    assert (ended.status, ended.errors.count("\n")) == (1, 1)
    assert "--encoding cp1252" in ended.errors
    assert locker("catalogue", "import", "--encoding", "cp1252", str(file)).status == 0


@pytest.mark.parametrize(
    "option",
    [
        ("--encoding", "rot13"),
        ("--encoding", "nonsense"),
        ("--encoding", "idna"),
        ("--delimiter", ";;"),
        ("--delimiter", '"'),
        ("--repeated-skus", "ignore"),
    ],
)
def test_wrong_options(locker: Locker, tmp_path: Path, option: tuple[str, str]) -> None:
    """Options that can't be meant are refused before the file is looked at."""
    ended = locker("catalogue", "import", *option, str(write(tmp_path)))
    assert ended.status == 2
    assert option[0] in ended.errors


def test_stock_is_left(locker: Locker, tmp_path: Path) -> None:
    """The stock of what is there is told, and set with --stock."""
    file = tmp_path / "stock.csv"
    header = "Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty\n"
    file.write_text(f"{header}cup,Cup,CUP,1,5\n")
    locker("catalogue", "import", str(file))
    file.write_text(f"{header}cup,Cup,CUP,1,7\n")
    left = locker("catalogue", "import", str(file)).output
    assert "Stock left as it is; the file's with --stock: CUP 5 -> 7." in left
    assert "Stock set: CUP 5 -> 7." in locker("catalogue", "import", "--stock", str(file)).output
    assert "Stock" not in locker("catalogue", "import", str(file)).output
