"""What one cell of a product CSV may say. Each function raises `BadCell` with the reason.

``name`` is what the file calls the column. All text becomes NFC: one text, one form.
"""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from unicodedata import normalize

from babel.numbers import get_currency_precision

from . import descriptions
from .addresses import is_picture
from .descriptions import Description
from .model import (
    DESCRIPTION_LENGTH,
    PRICE,
    SKU_LENGTH,
    STATUSES,
    STOCK,
    TAGS,
    TEXT_LENGTH,
    ProductStatus,
)

_PRICE = re.compile(r"[0-9]+(\.[0-9]+)?")
# Three digits behind a comma may be thousands; one or two can't.
_DECIMAL_COMMA = re.compile(r"([0-9]+),([0-9]{1,2})")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DIGEST = 8
_MARKS = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{31}")
"""More than the 30 that text may have in a row (UAX 15, "Stream-Safe Text Format")."""
LONGEST_LETTER = 4
"""Characters that NFC may make one of."""

# Default_Ignorable_Code_Point beyond what `str.isprintable` refuses, and a letter that is blank.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)


class BadCell(ValueError):
    """A cell that can't be taken: why, and what in particular it is about."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def text(name: str, cell: str, limit: int = TEXT_LENGTH) -> str:
    """Return the cell on one line, however it was broken and spaced."""
    return _compose(name, " ".join(cell.split()), limit)


def identifier(name: str, cell: str, limit: int) -> str:
    """Return a handle or SKU: what people type and addresses carry, so nothing invisible."""
    value = _compose(name, cell.strip(), limit)
    if not value.isprintable() or _INVISIBLE.search(value):
        raise BadCell(f"{name} has an invisible character")
    return value


def description(name: str, cell: str) -> Description:
    """Return the HTML with only harmless tags and attributes left in it."""
    found = Description("", 0)
    # The length is checked before, so that the sanitiser's work is bounded, and after, because it
    # closes open tags.
    if len(cell) <= DESCRIPTION_LENGTH:
        found = descriptions.clean(_compose(name, cell, DESCRIPTION_LENGTH))
    if max(len(cell), len(found.html)) > DESCRIPTION_LENGTH:
        raise BadCell(f"{name} is longer than {DESCRIPTION_LENGTH} characters")
    return found


def tags(name: str, cell: str) -> tuple[str, ...]:
    """Return the tags between the commas, each once."""
    values = [text(f"{name}: a tag", tag) for tag in cell.split(",")]
    unique = tuple(dict.fromkeys(filter(None, values)))
    if len(unique) > TAGS:
        raise BadCell(f"{name}: more than {TAGS} tags")
    return unique


def _compose(name: str, value: str, limit: int) -> str:
    """Return the text in NFC, which takes the square of the marks in a row."""
    if _MARKS.search(value):
        raise BadCell(f"{name} has too many marks on one letter")
    composed = normalize("NFC", value) if len(value) <= limit * LONGEST_LETTER else value
    if len(composed) > limit:
        raise BadCell(f"{name} is longer than {limit} characters")
    return composed


def price(name: str, cell: str, currency: str, *, comma: bool = False) -> int:
    """Return the amount in the currency's minor unit, exactly or not at all.

    ``comma`` is whether one may stand before one or two decimals.
    """
    value = cell.strip()
    if not value:
        raise BadCell(f"{name} is blank")
    if decimal := _DECIMAL_COMMA.fullmatch(value):
        if not comma:
            raise BadCell(f"{name} has a comma where a point should be, as in 1599.00", value)
        value = f"{decimal[1]}.{decimal[2]}"
    if not _PRICE.fullmatch(value) or len(value) > TEXT_LENGTH:
        raise BadCell(f"{name} is not a plain decimal number such as 1599.00", value[:40])
    digits = get_currency_precision(currency)
    whole, _, fraction = value.partition(".")
    if fraction[digits:].strip("0"):
        raise BadCell(f"{name} has more decimals than the {digits} of {currency}", value[:40])
    amount = int(whole + fraction[:digits].ljust(digits, "0"))
    if amount > PRICE:
        raise BadCell(f"{name} is higher than {Decimal(PRICE).scaleb(-digits):f}", value[:40])
    return amount


def stock(name: str, quantity: str, tracker: str | None) -> int | None:
    """Return the units in stock, or None where they are not tracked.

    A blank tracker says that they aren't, whatever the quantity; without the column (None) a
    quantity counts. A tracker and a blank quantity are 0.
    """
    value = quantity.strip()
    if value and (not _INTEGER.fullmatch(value) or abs(int(value)) > STOCK):
        raise BadCell(f"{name} is not a whole number in range", value[:40])
    tracked = bool(value) if tracker is None else bool(tracker.strip())
    return int(value or 0) if tracked else None


def oversell(name: str, cell: str) -> bool:
    """Return whether the variant may be ordered beyond its stock."""
    value = cell.strip().lower()
    if value not in {"", "deny", "false", "continue", "true"}:
        raise BadCell(f"{name} is neither deny nor continue", value[:40])
    return value in {"continue", "true"}


def online(name: str, cell: str) -> bool:
    """Return whether the product is in the shop at all; a blank says yes, as in Shopify."""
    value = cell.strip().lower()
    if value not in {"", "true", "false"}:
        raise BadCell(f"{name} is neither true nor false", value[:40])
    return value != "false"


def status(name: str, cell: str) -> ProductStatus:
    """Return the product's status; a blank says active, as in Shopify."""
    value = cell.strip().lower()
    for known in STATUSES:
        if value == known:
            return known
    if value:
        raise BadCell(f"{name} is none of {', '.join(STATUSES)}", value[:40])
    return "active"


def picture(name: str, cell: str) -> str:
    """Return the address of a picture, blank if there is none."""
    value = cell.strip()
    if value and not is_picture(value):
        raise BadCell(f"{name} is neither an https address nor a path", value[:80])
    return value


def position(name: str, cell: str) -> int:
    """Return a picture's place, the last one where the cell is blank."""
    value = cell.strip()
    if value and not _INTEGER.fullmatch(value):
        raise BadCell(f"{name} is not a whole number", value[:40])
    return int(value) if value else STOCK


def derived_sku(handle: str, values: tuple[str, ...]) -> str:
    """Return the SKU of a variant that has none, the same whenever it is imported.

    The words are for people. What keeps "a-b" with "c" apart from "a" with "b-c" is the
    digest at the end, over the handle and the option values as they are.
    """
    words = re.sub(r"[\W_]+", "-", " ".join((handle, *values)).lower()).strip("-")
    exact = json.dumps([handle, *values]).encode()
    digest = hashlib.sha256(exact).hexdigest()[:_DIGEST]
    return f"{words[: SKU_LENGTH - _DIGEST - 1]}-{digest}"
