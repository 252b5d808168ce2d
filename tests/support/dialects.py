"""One small shop as many programs write it, and what must come of each file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.catalogue import ImportOptions
from service.catalogue.cells import derived_sku

PLAIN = ImportOptions()
SMALL, LARGE, MUG, CAP = "SH-S", "SH-L", derived_sku("mug", ()), "CAP-É"


@dataclass(frozen=True)
class Sold:
    """A variant as it must be stored."""

    handle: str
    options: dict[str, str]
    price: int
    stock: int | None
    published: bool = True
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """A file, how it is imported, and the variants by SKU that it must give."""

    name: str
    content: bytes
    expected: dict[str, Sold]
    options: ImportOptions = PLAIN


PICTURES = ("https://x.example/a.jpg", "/static/b.jpg")
EXPECTED = {
    SMALL: Sold("shirt", {"Size": "S"}, 1990, 5, pictures=PICTURES),
    LARGE: Sold("shirt", {"Size": "L"}, 2100, 0, pictures=PICTURES),
    MUG: Sold("mug", {}, 800, None),
    CAP: Sold("cap", {"Color": "Bleu foncé"}, 1250, 3, published=False),
}
"""Of every file that says all there is to say."""

ROWS: tuple[dict[str, str], ...] = (
    {
        "Handle": "shirt",
        "Title": "Shirt – très doux",
        "Body (HTML)": "<p>Soft,\nwarm</p>",
        "Published": "TRUE",
        "Status": "active",
        "Option1 Name": "Size",
        "Option1 Value": "S",
        "Variant SKU": SMALL,
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": "5",
        "Variant Inventory Policy": "deny",
        "Variant Price": "19.90",
        "Image Src": PICTURES[0],
        "Image Position": "1",
    },
    {
        "Handle": "shirt",
        "Option1 Value": "L",
        "Variant SKU": LARGE,
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": "0",
        "Variant Inventory Policy": "deny",
        "Variant Price": "21.00",
    },
    {"Handle": "shirt", "Image Src": PICTURES[1], "Image Position": "2"},
    {
        "Handle": "mug",
        "Title": "Mug",
        "Published": "TRUE",
        "Status": "active",
        "Option1 Name": "Title",
        "Option1 Value": "Default Title",
        "Variant Inventory Tracker": "",
        "Variant Inventory Qty": "-2",
        "Variant Inventory Policy": "deny",
        "Variant Price": "8",
    },
    {
        "Handle": "cap",
        "Title": "Cap",
        "Published": "FALSE",
        "Status": "draft",
        "Option1 Name": "Color",
        "Option1 Value": "Bleu foncé",
        "Variant SKU": CAP,
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": "3",
        "Variant Inventory Policy": "continue",
        "Variant Price": "12.50",
    },
)
COLUMNS = tuple(dict.fromkeys(column for row in ROWS for column in row))

NEW_NAMES = {
    "Handle": "URL handle",
    "Body (HTML)": "Description",
    "Published": "Published on online store",
    "Variant SKU": "SKU",
    "Variant Inventory Tracker": "Inventory tracker",
    "Variant Inventory Qty": "Inventory quantity",
    "Variant Inventory Policy": "Continue selling when out of stock",
    "Variant Price": "Price",
    "Image Src": "Product image URL",
}


def write(
    rows: Sequence[dict[str, str]] = ROWS,
    *,
    name: Callable[[str], str] = lambda column: column,
    without: Sequence[str] = (),
    change: Callable[[str, str], str] = lambda column, cell: cell,
    delimiter: str = ",",
    newline: str = "\n",
    before: str = "",
) -> str:
    """Return the rows as a file's text, written as a program would that does it in this way."""
    columns = [column for column in COLUMNS if column not in without]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=newline)
    writer.writerow([name(column) for column in columns])
    for row in rows:
        writer.writerow([change(column, row.get(column, "")) for column in columns])
    return before + text.getvalue()


def _comma(column: str, cell: str) -> str:
    return cell.replace(".", ",") if column == "Variant Price" else cell


def _short(text: str) -> str:
    return "".join(f"{line.rstrip(',')}\n" for line in text.splitlines())


def _changed(**changes: Any) -> dict[str, Sold]:
    return {sku: replace(sold, **changes) for sku, sold in EXPECTED.items()}


def _samples() -> list[Sample]:
    without_policy = ("Variant Inventory Policy",)
    asked = ImportOptions(encoding="cp1252")
    plain = [row | {"Body (HTML)": "<p>Soft</p>"} for row in ROWS]
    twice = [row | ({"Variant SKU": SMALL} if row["Handle"] == "cap" else {}) for row in ROWS]
    odd = list(ROWS)
    odd[2] = odd[2] | {"Image Src": "http://x.example/b.jpg"}
    odd[3] = odd[3] | {"Status": "Unlisted", "Image Src": "//x.example/c.jpg"}
    return [
        Sample("classic", write().encode(), EXPECTED),
        Sample("template of 2024", write(name=lambda n: NEW_NAMES.get(n, n)).encode(), EXPECTED),
        Sample("other case", write(name=str.lower).encode(), EXPECTED),
        Sample("names without spaces", write(name=lambda n: n.replace(" ", "")).encode(), EXPECTED),
        Sample(
            "no quantities",
            write(without=("Variant Inventory Qty",)).encode(),
            EXPECTED | {sku: replace(EXPECTED[sku], stock=0) for sku in (SMALL, LARGE, CAP)},
        ),
        Sample(
            "no trackers",
            write(without=("Variant Inventory Tracker",)).encode(),
            EXPECTED | {MUG: replace(EXPECTED[MUG], stock=-2)},
        ),
        Sample("no stock", write(without=COLUMNS[8:10]).encode(), _changed(stock=None)),
        Sample(
            "semicolons and decimal commas",
            write(delimiter=";", change=_comma).encode(),
            EXPECTED,
        ),
        Sample("tabs", write(delimiter="\t").encode(), EXPECTED),
        Sample("bars", write(delimiter="|").encode(), EXPECTED),
        Sample(
            "declared semicolons",
            write(delimiter=";", before="sep=;\r\n", newline="\r\n").encode(),
            EXPECTED,
        ),
        Sample("declared commas", write(before='"sep=,"\n').encode(), EXPECTED),
        Sample(
            "another delimiter, asked for",
            write(delimiter="~").encode(),
            EXPECTED,
            ImportOptions(delimiter="~"),
        ),
        Sample("UTF-16 with tabs", write(delimiter="\t").encode("utf-16"), EXPECTED),
        Sample("UTF-16, big end first", b"\xfe\xff" + write().encode("utf-16-be"), EXPECTED),
        Sample("UTF-16 without a mark", write().encode("utf-16-le"), EXPECTED),
        Sample("cp1252, asked for", write(delimiter=";").encode("cp1252"), EXPECTED, asked),
        Sample("a mark and CRLF", write(newline="\r\n").encode("utf-8-sig"), EXPECTED),
        Sample(
            "a line end made twice into one of Windows", write(newline="\r\r\n").encode(), EXPECTED
        ),
        Sample("an old Mac's lines", write(newline="\r").encode(), EXPECTED),
        Sample(
            "an old Mac's letters",
            write(newline="\r").encode("mac_roman"),
            EXPECTED,
            ImportOptions(encoding="mac_roman"),
        ),
        Sample(
            "short rows",
            _short(write(plain, without=without_policy)).encode(),
            EXPECTED,
        ),
        Sample(
            "rows apart",
            write([ROWS[0], ROWS[3], ROWS[1], ROWS[4], ROWS[2]]).encode(),
            EXPECTED,
        ),
        Sample(
            "a SKU used twice",
            write(twice).encode(),
            {SMALL: EXPECTED[SMALL], LARGE: EXPECTED[LARGE], MUG: EXPECTED[MUG]}
            | {derived_sku("cap", ("Bleu foncé",)): EXPECTED[CAP]},
        ),
        Sample(
            "unlisted, and pictures that can't be shown",
            write(odd).encode(),
            EXPECTED
            | {sku: replace(EXPECTED[sku], pictures=PICTURES[:1]) for sku in (SMALL, LARGE)},
        ),
        Sample(
            "letters and accents apart",
            write([{k: _apart(v) for k, v in row.items()} for row in ROWS]).encode(),
            EXPECTED,
        ),
    ]


def _apart(text: str) -> str:
    return text.replace("é", "e\u0301").replace("É", "E\u0301").replace("è", "e\u0300")


SAMPLES = _samples()
