"""What an import takes away, moves, keeps or leaves, and that the report says so."""

from __future__ import annotations

import io
from typing import TypeAlias

import asyncpg
import pytest

from service.catalogue import ImportRefused, import_products, select_product
from service.catalogue.cells import derived_sku
from service.catalogue.report import Renaming, StockDifference
from tests.support.files import csv_file, load, row, size

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SIZES = "SMLX"


def sizes(values: str, **cells: str) -> list[dict[str, str]]:
    """Return a product in these sizes, each with its SKU."""
    return [
        size("t", value, Variant_SKU=f"T-{value}", **({"Title": "T"} if not place else {}), **cells)
        for place, value in enumerate(values)
    ]


async def skus(db: Database, handle: str = "t") -> list[str]:
    """Return the SKUs of what is sold of a product, in order."""
    product = await select_product(db, handle)
    return [each.sku for each in product.variants] if product else []


async def ids(db: Database) -> dict[str, int]:
    return {
        each["sku"]: each["id"]
        for each in await db.fetch("select sku, id from variants where active")
    }


async def text(db: Database, content: str) -> list[str]:
    """Import a file; returns what is to be said of it."""
    report = await import_products(db, io.BytesIO(content.encode()), currency="USD")
    return [*report.complaints(), *report.summary()]


async def test_a_lasting_bad_row(db: Database) -> None:
    """A bad row keeps the variant that it names, and nothing else that the file no longer has."""
    await load(db, *sizes("SML"))
    bad = [*sizes("S"), size("t", "M", Variant_SKU="T-M", Variant_Price="many")]
    report = await load(db, *bad)
    assert (report.withdrawn, report.kept) == (["T-L"], ["T-M"])
    assert await skus(db) == ["T-S", "T-M"]


@pytest.mark.parametrize(
    "named",
    [
        {"Option1_Value": "M", "Variant_Price": ""},
        {"Option1_Value": "", "Variant_SKU": "T-M"},
        {"Option1_Value": "S", "Variant_SKU": "T-M"},
    ],
)
async def test_a_bad_row_names_by_sku_or_options(db: Database, named: dict[str, str]) -> None:
    """A bad row's SKU or options are enough to know which variant was meant."""
    await load(db, *sizes("SML"))
    bad = size("t", "M", Variant_Price="x") | _cells(named)
    report = await load(db, *sizes("S"), bad)
    assert (report.withdrawn, report.kept) == (["T-L"], ["T-M"])


def _cells(named: dict[str, str]) -> dict[str, str]:
    return {column.replace("_", " "): cell for column, cell in named.items()}


async def test_an_unreadable_row_keeps_what_it_may_have_named(db: Database) -> None:
    """Where a row can't be read at all, what its product has stays, and the report says so."""
    await load(db, *sizes("SML"))
    content = csv_file(*sizes("S")).getvalue() + b't,"T,9.99,Size,M,T-M\n'
    report = await import_products(db, io.BytesIO(content), currency="USD")
    assert (report.withdrawn, report.kept) == ([], ["T-M", "T-L"])
    assert any("Still sold" in line for line in report.summary())


@pytest.mark.parametrize(
    "columns",
    [
        ("Handle", "Variant SKU", "Variant Price"),
        ("Handle", "Title", "Variant SKU", "Variant Price"),
        ("Handle", "Variant SKU", "Variant Compare At Price"),
        ("Handle", "Variant SKU", "Variant Inventory Policy"),
        ("Handle", "Option1 Value", "Variant Price"),
        ("Handle", "Variant SKU", "Variant Inventory Qty"),
    ],
)
async def test_what_a_part_says_nothing_of(db: Database, columns: tuple[str, ...]) -> None:
    """A file of some columns withdraws nothing, publishes no draft and empties nothing."""
    whole = [
        dict(each, **{"Body (HTML)": "<p>x</p>", "Vendor": "V", "Tags": "a", "Status": "draft"})
        for each in sizes("SM", Variant_Inventory_Qty="3", Image_Src="/a")
    ]
    await load(db, *whole)
    before = await db.fetchrow("select * from products where handle = 't'")
    cells = {"Handle": "t", "Title": "T", "Variant SKU": "T-M", "Option1 Value": "M"}
    cells |= {"Variant Price": "5", "Variant Compare At Price": "9", "Variant Inventory Qty": "1"}
    cells |= {"Variant Inventory Policy": "continue"}
    lines = [",".join(columns), ",".join(cells[column] for column in columns)]
    said = await text(db, "\n".join(lines) + "\n")
    assert "Bad rows: 0." in said[0]
    assert await db.fetchrow("select * from products where handle = 't'") == before
    rows = await db.fetch("select sku, stock, active from variants order by position")
    stock = 1 if columns[-1] == "Variant Inventory Qty" else 3
    assert [tuple(each) for each in rows if each["sku"].startswith("T-")] == [
        ("T-S", 3, True),
        ("T-M", stock, True),
    ]


async def test_a_withdrawn_variant_is_not_brought_back_by_a_part(db: Database) -> None:
    """A variant that a complete file withdrew comes back with a complete file alone."""
    await load(db, *sizes("SM"))
    await load(db, *sizes("S"))
    await text(db, "Handle,Variant SKU,Variant Price\nt,T-M,5\n")
    await text(db, "Handle,Variant SKU,Variant Inventory Qty\nt,T-M,5\n")
    assert await skus(db) == ["T-S"]
    await load(db, *sizes("SM"))
    assert await skus(db) == ["T-S", "T-M"]


@pytest.mark.parametrize("values", ["M", "ML", "LM"])
async def test_a_sku_filled_in_later(db: Database, values: str) -> None:
    """A variant that gets a SKU is the one that it was: carts that hold it keep it."""
    await load(
        db, *(size("t", v, **({"Title": "T"} if not n else {})) for n, v in enumerate(values))
    )
    before = await ids(db)
    report = await load(db, *sizes(values))
    assert {(each.before, each.after) for each in report.renamed} == {
        (derived_sku("t", (value,)), f"T-{value}") for value in values
    }
    assert report.withdrawn == []
    after = await ids(db)
    assert [after[f"T-{v}"] for v in values] == [before[derived_sku("t", (v,))] for v in values]


async def test_a_sku_that_changes(db: Database) -> None:
    """A new SKU at the same place is the same variant; one that goes to another place is not."""
    await load(db, *sizes("SM"))
    before = await ids(db)
    renamed = [size("t", "S", Title="T", Variant_SKU="NEW"), *sizes("SM")[1:]]
    report = await load(db, *renamed)
    assert report.renamed == [Renaming("T-S", "NEW")]
    swapped = [
        size("t", "S", Title="T", Variant_SKU="T-M"),
        size("t", "M", Variant_SKU="NEW"),
    ]
    report = await load(db, *swapped)
    assert report.renamed == []
    after = await ids(db)
    assert (after["NEW"], after["T-M"]) == (before["T-S"], before["T-M"])


async def test_a_blank_sku_keeps_the_one_that_is_there(db: Database) -> None:
    """A file that gives a variant no SKU, or has no column for any, doesn't take it away."""
    await load(db, *sizes("SM"))
    bare = [{k: v for k, v in each.items() if k != "Variant SKU"} for each in sizes("SM")]
    assert (await load(db, *bare)).unchanged == 1
    assert (await load(db, *({**each, "Variant SKU": ""} for each in bare))).unchanged == 1


async def test_a_sku_used_twice(db: Database) -> None:
    """Each variant gets in; whose SKU it is stays, in whatever order the rows come."""
    rows = [row("a1", Variant_SKU="X1"), row("a2", Variant_SKU="X1"), row("a3", Variant_SKU="X1")]
    report = await load(db, *rows)
    assert (report.added, report.bad_rows, [each.line for each in report.notes]) == (3, [], [3, 4])
    before = await ids(db)
    report = await load(db, *reversed(rows))
    assert (report.unchanged, report.moved, report.renamed) == (3, [], [])
    assert await ids(db) == before
    assert await skus(db, "a1") == ["X1"]

    dearer = "Handle,Variant SKU,Variant Price\na1,X1,1\na2,X1,2\na3,X1,3\n"
    await text(db, dearer)
    prices = await db.fetch(
        "select price from variants join products on products.id = product_id "
        "where handle in ('a1', 'a2', 'a3') order by handle"
    )
    assert [each["price"] for each in prices] == [100, 200, 300]


async def test_a_sku_used_twice_in_one_product(db: Database) -> None:
    """Two sizes with one SKU are two variants."""
    rows = [size("t", "S", Title="T", Variant_SKU="A"), size("t", "M", Variant_SKU="A")]
    assert (await load(db, *rows)).variants_added == 2
    assert (
        await load(db, rows[1] | {"Title": "T", "Option1 Name": "Size"}, rows[0])
    ).bad_rows == []
    assert sorted(await skus(db)) == ["A", derived_sku("t", ("M",))]


async def test_a_sku_used_twice_is_refused(db: Database) -> None:
    """Where that is asked for, a file with a SKU used twice is refused and nothing is written."""
    with pytest.raises(ImportRefused, match="X1 in the lines 2 and 3"):
        await load(
            db,
            row("a1", Variant_SKU="X1"),
            row("a2", Variant_SKU="X1"),
            refuse_repeated_skus=True,
        )
    assert await skus(db, "a1") == []


@pytest.mark.parametrize("stock", [False, True])
async def test_stock(db: Database, *, stock: bool) -> None:
    """The stock of what is there is told, and set where that is asked for; new stock always."""
    await load(db, *sizes("SM", Variant_Inventory_Qty="10"))
    await db.execute("update variants set stock = 6 where sku = 'T-S'")
    report = await load(db, *sizes("SML", Variant_Inventory_Qty="10"), stock=stock)
    assert (report.stocks, report.stocks_set) == ([StockDifference("T-S", 6, 10)], stock)
    rows = await db.fetch("select stock from variants where sku like 'T-_' order by position")
    assert [each["stock"] for each in rows] == [10 if stock else 6, 10, 10]


async def test_strict(db: Database) -> None:
    """A strict import writes all of a file, or nothing."""
    good = [row(f"p{number}") for number in range(1_200)]
    report = await load(db, *good, row("bad", Variant_Price="x"), strict=True)
    assert (report.written, len(report.bad_rows), report.added) == (False, 1, 1_200)
    assert await db.fetchval("select count(*) from products where handle like 'p%'") == 0
    assert (await load(db, *good, strict=True)).written
    assert await db.fetchval("select count(*) from products where handle like 'p%'") == 1_200


async def test_what_is_said(db: Database) -> None:
    """Bad rows are grouped by reason with their lines, and nothing that is left goes unsaid."""
    await load(db, *sizes("SM"), row("old", Variant_SKU="O"))
    head = "Handle,Title,Option1 Name,Option1 Value,SKU,Price,Image Src,Weight,Body HTML\n"
    said = await text(
        db,
        f"{head}t,T,Size,S,T-S,9,http://x/a,1,<img src=x>\n"
        "a,A,,,,x,,,\nb,B,,,,y,,,\nc,C,,,,z,,,\nd,,,,,1,,,\nnew,N,,,O,1,,,\n",
    )
    assert said == [
        "lines 3 to 5: Price is not a plain decimal number such as 1599.00 (x, y, z)",
        "line 6: Title is blank in the first row of a product",
        "line 7: the SKU is another product's: --move-skus moves it (O of old)",
        "line 2: pictures, frames or videos in a description left out (1)",
        "line 2: picture left out: Image Src is neither an https address nor a path (http://x/a)",
        (
            "Products: 1 (0 new, 1 changed, 0 as before). Variants: 1 (0 new, 1 changed,"
            " 1 withdrawn, 0 moved, 0 kept). Pictures: 0 (2 left out). Bad rows: 5."
        ),
        "No longer sold, as the file doesn't name them: T-M.",
        "Columns not used: Weight.",
    ]


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("count", [2, 3])
async def test_products_that_swap_skus(db: Database, count: int, *, complete: bool) -> None:
    """SKUs that go round among the products of one file are each where the file has them."""
    only = {"Option1_Name": "Title", "Option1_Value": "Default Title"} if complete else {}
    products = [f"p{number}" for number in range(count)]
    await load(db, *(row(each, Variant_SKU=f"{each}-X", **only) for each in products))
    before = await ids(db)
    moved = [
        row(each, Variant_SKU=f"{other}-X", **only)
        for each, other in zip(products, [*products[1:], products[0]], strict=True)
    ]
    report = await load(db, *moved, move_skus=True)
    assert (len(report.moved), report.variants_changed, report.bad_rows) == (count, count, [])
    assert [await skus(db, each) for each in products] == [[each["Variant SKU"]] for each in moved]
    assert await ids(db) == before
    again = await load(db, *moved, move_skus=True)
    assert (again.unchanged, again.moved) == (count, [])
