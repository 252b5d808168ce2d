"""Lists of what is held in memory: all products, in each of the orders that need no search."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import NamedTuple

from .cursor import Cursor
from .model import Sort

Row = tuple[int | str, int]
"""What a product is sorted by, and its id: what `listed_products` has, and a cursor."""

_ORDERS: dict[Sort, tuple[str, bool]] = {
    "newest": ("newest", True),
    "price": ("price", False),
    "-price": ("price", True),
    "title": ("title", False),
}
"""The rows that each goes by, and whether it goes down."""


class Place(NamedTuple):
    """What a product is sorted by in lists."""

    title: str
    price: int

    def rows(self, number: int) -> dict[str, Row]:
        """Return its row in each order."""
        return {"newest": (0, number), "price": (self.price, number), "title": (self.title, number)}


class Part(NamedTuple):
    """The rows of a page, in its order, and whether there are more in the cursor's direction."""

    rows: list[Row]
    more: bool


class Orders:
    """The rows of all products that are listed, sorted.

    By code points, as `listed_products` does: the two take each other's cursors.
    """

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {"newest": [], "price": [], "title": []}

    def __len__(self) -> int:
        return len(self._rows["newest"])

    def add(self, number: int, place: Place) -> None:
        for order, row in place.rows(number).items():
            insort(self._rows[order], row)

    def drop(self, number: int, place: Place) -> None:
        """Leave out a product that is in here, in this place."""
        for order, row in place.rows(number).items():
            rows = self._rows[order]
            del rows[bisect_left(rows, row)]

    def shorten(self) -> None:
        """Leave out a row of each order, whichever costs least: for what is given up altogether."""
        for rows in self._rows.values():
            del rows[-1:]

    def find(self, sort: Sort, cursor: Cursor | None, limit: int) -> Part:
        """Return the rows beyond the cursor, at most as many as the limit."""
        order, down = _ORDERS[sort]
        rows = self._rows[order]
        back = cursor is not None and cursor.back
        last = None if cursor is None else (cursor.key, cursor.id)
        if down is back:
            start = 0 if last is None else bisect_right(rows, last)
            found = rows[start : start + limit + 1]
        else:
            end = len(rows) if last is None else bisect_left(rows, last)
            found = rows[max(end - limit - 1, 0) : end][::-1]
        return Part(found[:limit][:: -1 if back else 1], len(found) > limit)
