"""What the address of the shop's list says. Links come from anywhere: what can't be, isn't said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple, cast, get_args
from urllib.parse import urlencode

import msgspec
from babel.numbers import get_currency_precision

from . import search
from .model import PRICE, TEXT_LENGTH, Selection, Sort

SORTS: dict[Sort, str] = {
    "relevance": "Best match",
    "newest": "Newest",
    "price": "Price, lowest first",
    "-price": "Price, highest first",
    "title": "Name",
}
LAST_PAGE = 99_999
_AMOUNT = re.compile(r"[0-9]{1,12}([.,][0-9]{1,4})?")


class Filter(NamedTuple):
    """Something the list is narrowed by, and the address of the list without it."""

    name: str
    value: str
    link: str


class ShopQuery(msgspec.Struct, frozen=True):
    """Which products, in which order, and which page of them.

    ``page`` only counts; ``after`` is what the page begins or, on the way back, ends at. ``min``
    and ``max`` are prices as people write them.
    """

    q: str = ""
    type: str = ""
    vendor: str = ""
    tag: str = ""
    min: str = ""
    max: str = ""
    available: str = ""
    sort: str = ""
    after: str = ""
    page: str = ""

    def cleaned(self) -> ShopQuery:
        """Return what of it can be: texts are cut, what is none of the choices is left out."""
        return ShopQuery(
            q=self.q[: search.LONGEST],
            type=self.type[:TEXT_LENGTH],
            vendor=self.vendor[:TEXT_LENGTH],
            tag=self.tag[:TEXT_LENGTH],
            min=self.min if _AMOUNT.fullmatch(self.min) else "",
            max=self.max if _AMOUNT.fullmatch(self.max) else "",
            available="true" if self.available in {"true", "on", "1"} else "",
            sort=self.sort if self.sort in get_args(Sort) else "",
            after=self.after,
            page=self.page if self.page.isascii() and self.page.isdigit() else "",
        )

    @property
    def number(self) -> int:
        """The page's number, from 1."""
        return min(max(int(self.page[:9] or 1), 1), LAST_PAGE) if self.after else 1

    @property
    def order(self) -> Sort:
        """What the list is sorted by."""
        default = "relevance" if self.q.strip() else "newest"
        chosen = cast("Sort", self.sort or default)
        return "newest" if chosen == "relevance" and default == "newest" else chosen

    @property
    def narrowed(self) -> bool:
        """Whether anything but a search leaves something out."""
        return any((self.type, self.vendor, self.tag, self.min, self.max, self.available))

    def selection(self, currency: str) -> Selection:
        """Return the products that it asks for."""
        return Selection(
            text=self.q,
            type=self.type,
            vendor=self.vendor,
            tag=self.tag,
            min_price=_amount(self.min, currency),
            max_price=_amount(self.max, currency),
            available=bool(self.available),
        )

    def filters(self) -> Iterator[Filter]:
        """Yield what the list is narrowed by besides the type, which has its own place."""
        names = {"vendor": "Brand", "tag": "Tagged", "min": "At least", "max": "At most"}
        for field, name in names.items():
            if value := getattr(self, field):
                yield Filter(name, value, self.link(**{field: ""}))
        if self.available:
            yield Filter("", "In stock", self.link(available=""))

    def link(self, **changes: str) -> str:
        """Return the path of this list, changed; of its first page, unless that is changed too."""
        values = {**msgspec.structs.asdict(self), "after": "", "page": "", **changes}
        pairs = {name: value for name, value in values.items() if value}
        return f"/?{urlencode(pairs)}" if pairs else "/"


def _amount(text: str, currency: str) -> int | None:
    if not text:
        return None
    value = Decimal(text.replace(",", ".")).scaleb(get_currency_precision(currency))
    return min(int(value), PRICE)
