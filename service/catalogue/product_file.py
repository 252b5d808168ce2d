"""A file of products: looked through once for what is where, then read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from unicodedata import normalize

from .cells import LONGEST_LETTER
from .dialect import Dialect, opened, recognise
from .model import HANDLE_LENGTH, SKU_LENGTH, ImportRefused
from .rows import BadRow, Row, read_rows
from .shopify import Entry, Note, Reader

APART = 100_000
"""Rows of products whose rows don't stand together, which have to be held in memory."""


class ProductFile:
    """A file that was looked through once: how it is written, and which SKUs are where.

    All that grows with the file is this index of handles and SKUs.
    """

    def __init__(
        self, source: BinaryIO, *, encoding: str | None = None, delimiter: str | None = None
    ) -> None:
        """Look through it; raises `ImportRefused` if it isn't a product CSV."""
        self._source = source
        self._dialect: Dialect = recognise(source, encoding=encoding, delimiter=delimiter)
        self.skus: dict[str, tuple[str, int]] = {}
        """Each SKU's handle and line, the first ones."""
        self.repeated: dict[str, list[int]] = {}
        """The lines of those that are there more than once."""
        self._groups: dict[str, int] = {}
        with opened(source, self._dialect) as text:
            self.columns, rows = read_rows(text, self._dialect)
            self._scan(rows)

    def _scan(self, rows: Iterator[Row | BadRow]) -> None:
        last, lengths = "", dict[str, int]()
        for row in rows:
            if isinstance(row, BadRow):
                continue
            handle = _compose(row["Handle"], HANDLE_LENGTH)
            if handle != last:
                self._groups[handle] = self._groups.get(handle, 0) + 1
                last = handle
            lengths[handle] = lengths.get(handle, 0) + 1
            sku = _compose(row["Variant SKU"], SKU_LENGTH)
            if sku in self.skus:
                self.repeated.setdefault(sku, [self.skus[sku][1]]).append(row.line)
            elif sku:
                self.skus[sku] = handle, row.line
        self._groups = {handle: count for handle, count in self._groups.items() if count > 1}
        if sum(lengths[handle] for handle in self._groups) > APART:
            raise ImportRefused("too many products have rows that stand apart: sort it by Handle")

    def read(self, currency: str) -> Iterator[Entry | BadRow | Note]:
        """Read the products, in the order in which their last rows come."""
        with opened(self._source, self._dialect) as text:
            _, rows = read_rows(text, self._dialect)
            reader = Reader(self.columns, currency, comma=self._dialect.delimiter != ",")
            yield from reader.read(rows, dict(self._groups))


def _compose(cell: str, limit: int) -> str:
    """Return a handle or a SKU as `cells` does, were it good; any other is never asked for."""
    return normalize("NFC", cell.strip()[: limit * LONGEST_LETTER])
