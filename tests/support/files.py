"""Product CSVs, as short as a test needs them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import asyncpg

from service.catalogue import ImportOptions, ImportReport, import_products
from service.catalogue.product_file import ProductFile
from service.catalogue.rows import BadRow
from service.catalogue.shopify import Entry


def csv_file(*rows: dict[str, str]) -> io.BytesIO:
    """Return a file with these rows, and the columns that any of them has."""
    columns = dict.fromkeys(["Handle", "Title", "Variant Price"])
    for row in rows:
        columns.update(dict.fromkeys(row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    return io.BytesIO(text.getvalue().encode())


def row(handle: str, **cells: str) -> dict[str, str]:
    """Return the first row of a product; ``Variant_SKU`` names a column with a space."""
    return {"Title": handle.title(), "Variant Price": "9.99"} | more(handle, **cells)


def more(handle: str, **cells: str) -> dict[str, str]:
    """Return a further row of a product."""
    return {"Handle": handle} | {name.replace("_", " "): cell for name, cell in cells.items()}


def size(handle: str, value: str, **cells: str) -> dict[str, str]:
    """Return a row of a product in sizes; its first has a title, too."""
    cells = {"Option1_Value": value, "Variant_Price": "9.99"} | cells
    name = {"Option1_Name": "Size"} if "Title" in cells else {}
    return more(handle, **name, **cells)


def read(
    source: io.BytesIO, currency: str = "USD", **options: str
) -> tuple[list[Entry], list[BadRow]]:
    """Read a file; returns its products and its bad rows."""
    entries = list(ProductFile(source, **options).read(currency))
    return (
        [entry for entry in entries if isinstance(entry, Entry)],
        [entry for entry in entries if isinstance(entry, BadRow)],
    )


async def load(
    db: asyncpg.Connection[asyncpg.Record],
    *rows: dict[str, str],
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> ImportReport:
    """Import these rows in dollars."""
    return await import_products(
        db,
        csv_file(*rows),
        currency="USD",
        options=ImportOptions(**options),
        dry_run=dry_run,
        progress=progress,
    )
