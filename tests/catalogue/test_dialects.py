"""Real exports go in, however they are written, and each import changes what it speaks of."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from service.catalogue import ImportOptions, ImportRefused, ImportReport, import_products
from service.catalogue.dialect import recognise
from service.database import Connection
from tests.support.dialects import EXPECTED, MUG, SAMPLES, Sample, Sold, write

PRICE_LIST = "Handle,Variant SKU,Variant Price\n"
STOCK_LIST = (
    "Handle,Title,Vendor,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,"
    "Variant Barcode\n"
)


async def bring(db: Connection, content: bytes | str, **options: Any) -> ImportReport:
    """Import a file, and check that a dry run says the same."""
    data = content.encode() if isinstance(content, str) else content
    how = ImportOptions(**options)
    would = await import_products(db, io.BytesIO(data), currency="USD", options=how, dry_run=True)
    report = await import_products(db, io.BytesIO(data), currency="USD", options=how)
    assert would == report
    return report


async def stored(db: Connection) -> dict[str, Sold]:
    """Return what is sold of these products, or would be if it were published."""
    rows = await db.fetch(
        """
        select sku, handle, options, price, stock, published, images
        from variants join products on products.id = product_id
        where handle in ('shirt', 'mug', 'cap') and active order by sku
        """
    )
    decode = json.loads
    return {
        row["sku"]: Sold(
            row["handle"],
            dict(decode(row["options"])),
            row["price"],
            row["stock"],
            row["published"],
            tuple(image["src"] for image in decode(row["images"])),
        )
        for row in rows
    }


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])
async def test_sample(db: Connection, sample: Sample) -> None:
    """A file goes in whole, twice the same; a price list and a stock list change only that."""
    how = {name: getattr(sample.options, name) for name in ("encoding", "delimiter")}
    first = await bring(db, sample.content, **how)
    assert (first.bad_rows, first.added) == ([], 3)
    assert await stored(db) == sample.expected

    again = await bring(db, sample.content, **how)
    assert (again.bad_rows, again.unchanged, again.variants_changed) == ([], 3, 0)

    dearer = {sku: replace(sold, price=sold.price + 100) for sku, sold in sample.expected.items()}
    lines = (f"{sold.handle},{sku},{sold.price / 100:.2f}\n" for sku, sold in dearer.items())
    report = await bring(db, PRICE_LIST + "".join(lines))
    assert (report.bad_rows, report.withdrawn, report.variants_changed) == ([], [], 4)
    assert await stored(db) == dearer

    counted = {sku: replace(sold, stock=7) for sku, sold in dearer.items()}
    lines = (f"{sold.handle},Other,Other,{sku},shopify,7,\n" for sku, sold in counted.items())
    report = await bring(db, STOCK_LIST + "".join(lines))
    assert (report.bad_rows, report.withdrawn, report.stocks_set) == ([], [], True)
    assert len(report.stocks) == 4
    assert await stored(db) == counted

    report = await bring(db, sample.content, **how)
    assert report.bad_rows == []
    assert await stored(db) == {
        sku: replace(sold, stock=7) for sku, sold in sample.expected.items()
    }
    assert {each.sku for each in report.stocks} <= sample.expected.keys()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"PK\x03\x04" + b"x" * 200, "spreadsheet"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 200, "spreadsheet"),
        (b"Name,Price\na,1\n", "no column Handle .*Name, Price"),
        (b"sku;name;price\na;b;1\n", "no column Handle"),
        (b"Handle\na\n", "nothing to import"),
        (b"Handle,Vendor,Title,handle\n", "more than one column Handle"),
        (b"Handle,Variant Price,variant  price\n", "more than one column"),
        (b'"Handle,Title,Variant Price\n', "line 1"),
        ("Handle,Title\na,A\nb,K\u00e4se\n".encode("cp1252"), "line 3 .*cp1252.*'Käse'"),
        ("Handle,Title\na,\u00a9 Müller\n".encode("mac_roman"), "line 2 .*mac_roman"),
        ("Handle,Title\ra,A\rb,K\u00e4se\r".encode("cp1252"), "line 3 .*cp1252"),
        (b"Handle,Title\na,\xed\xa0\x80\n", "line 2 is not UTF-8"),
    ],
)
async def test_refused_as_a_whole(db: Connection, content: bytes, said: str) -> None:
    """A file that can't be read is refused before anything is written, with what it looks like."""
    with pytest.raises(ImportRefused, match=said):
        await import_products(db, io.BytesIO(content), currency="USD")


async def test_half_a_file_is_not_taken(db: Connection) -> None:
    """Where a later line is in another encoding, the lines before it don't go in either."""
    content = write().encode() + "x,Bär,,,,,,,,,,1\n".encode("cp1252")
    with pytest.raises(ImportRefused, match="not UTF-8"):
        await import_products(db, io.BytesIO(content), currency="USD")
    assert await stored(db) == {}


@pytest.mark.parametrize("end", ["\r", "\r\r"])
async def test_a_line_that_ends_within_a_cell(db: Connection, end: str) -> None:
    """Without quotes such a cell can't be read, which is said of it; the other rows go in."""
    content = f"Handle,Title,Variant Price\na,A{end}B,1\nb,B,1\n"
    report = await import_products(db, io.BytesIO(content.encode()), currency="USD")
    assert [row.reason for row in report.bad_rows] == [
        "a line ends within a cell that has no quotes around it"
    ]
    assert report.added == 1


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter", "newline"),
    [
        (b"Handle,Title\n", "utf-8-sig", ",", "\n"),
        (b"Title;Price;URL Handle\r\na;b;c\r\n", "utf-8-sig", ";", "\n"),
        (b"Handle\tTitle, and more\r", "utf-8-sig", "\t", "\r"),
        (b"SEP=|\nHandle|Title\n", "utf-8-sig", "|", "\n"),
        ("Handle,Title\n".encode("utf-16-be"), "utf-16-be", ",", "\n"),
        (b"Handle,Title\r\r\na,A\r\r\n", "utf-8-sig", ",", "\n"),
        (b"Handle,Title\r\ra,A\r", "utf-8-sig", ",", "\r"),
        ("Handle\tTitle\n".encode("utf-32"), "utf-32", "\t", "\n"),
    ],
)
def test_how_files_are_written(content: bytes, encoding: str, delimiter: str, newline: str) -> None:
    """Encoding, delimiter and line ends are seen in the file itself."""
    found = recognise(io.BytesIO(content))
    assert (found.encoding, found.delimiter, found.newline) == (encoding, delimiter, newline)


async def test_headers(shared_data: Any, db: Connection) -> None:
    """The headers of real exports are all understood, and what isn't read of them is told."""
    for path in sorted((shared_data / "headers").glob("*.csv")):
        header = path.read_text(encoding="utf-8-sig").strip()
        width = header.count(",") + 1
        report = await bring(db, f"{header}\n{',' * (width - 1)}\n")
        assert report.bad_rows == []
        names = [name.strip() for name in header.split(",")]
        assert set(report.unused_columns) < set(names)
        assert len(names) - len(report.unused_columns) >= 4


async def test_descriptions_alone(db: Connection) -> None:
    """A file without prices changes what it has, and makes neither products nor variants."""
    await bring(db, write())
    header = "Handle,Title,BodyHtml,Vendor,Option1Name,Option1Value,Status\n"
    report = await bring(
        db,
        f"{header}shirt,Shirt,<p>New</p>,Me,Size,S,active\nshirt,,,,,L,\n"
        "new,New,,,Title,Default Title,active\nmug,Mug,,,Title,Default Title,draft\n",
    )
    assert [(each.line, each.detail) for each in report.bad_rows] == [(4, "new")]
    assert (report.added, report.updated) == (0, 2)
    expected = EXPECTED | {MUG: replace(EXPECTED[MUG], published=False)}
    assert await stored(db) == expected
    text = "select vendor, description from products where handle = 'shirt'"
    assert tuple(await db.fetchrow(text) or ()) == ("Me", "<p>New</p>")
