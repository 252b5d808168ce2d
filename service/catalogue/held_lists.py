"""Lists of what is held in memory: all products, in each of the orders that need no search."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sortedcontainers import SortedList

from .cursor import Cursor
from .model import Sort

SortedRow = tuple[int | str, int]
"""What a product is sorted by, and its id: what `listed_products` has, and a cursor."""

_ORDERS: dict[Sort, tuple[str, bool]] = {
    "newest": ("newest", True),
    "price": ("price", False),
    "-price": ("price", True),
    "title": ("title", False),
}
"""The rows that each goes by, and whether it goes down."""


class ListPlace(msgspec.Struct, frozen=True, gc=False):
    """What a product is sorted by in lists."""

    title: str
    price: int

    def rows(self, number: int) -> dict[str, SortedRow]:
        """Return its row in each order."""
        return {"newest": (0, number), "price": (self.price, number), "title": (self.title, number)}


class FoundRows(NamedTuple):
    """The rows of a page, in its order, and whether there are more in the cursor's direction."""

    rows: list[SortedRow]
    more: bool


class Orders:
    """The rows of all products that are listed, sorted.

    By code points, as `listed_products` does: the two take each other's cursors.
    """

    def __init__(self) -> None:
        self._rows = {"newest": SortedList(), "price": SortedList(), "title": SortedList()}

    def __len__(self) -> int:
        return len(self._rows["newest"])

    def add(self, number: int, place: ListPlace) -> None:
        for order, row in place.rows(number).items():
            self._rows[order].add(row)

    def drop(self, number: int, place: ListPlace) -> None:
        """Leave out a product that is in here, in this place."""
        for order, row in place.rows(number).items():
            self._rows[order].remove(row)

    def shorten(self) -> None:
        """Leave out a row of each order: for what is given up altogether."""
        for rows in self._rows.values():
            if rows:
                rows.pop()

    def find(self, sort: Sort, cursor: Cursor | None, limit: int) -> FoundRows:
        """Return the rows beyond the cursor, at most as many as the limit."""
        order, down = _ORDERS[sort]
        rows = self._rows[order]
        back = cursor is not None and cursor.back
        last = None if cursor is None else (cursor.key, cursor.id)
        if down is back:
            start = 0 if last is None else rows.bisect_right(last)
            found = list(rows[start : start + limit + 1])
        else:
            end = len(rows) if last is None else rows.bisect_left(last)
            found = list(rows[max(end - limit - 1, 0) : end])[::-1]
        return FoundRows(found[:limit][:: -1 if back else 1], len(found) > limit)
