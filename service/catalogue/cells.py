"""What one cell of a product CSV may say. Each function raises `BadCell` with the reason."""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal

import nh3
from babel.numbers import get_currency_precision

from .model import (
    ALT_LENGTH,
    DESCRIPTION_LENGTH,
    HANDLE_LENGTH,
    PRICE,
    SKU_LENGTH,
    STOCK,
    TAGS,
    TEXT_LENGTH,
    URL_LENGTH,
    Image,
)

_PRICE = re.compile(r"[0-9]+(\.[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DIGEST = 8

# Text and its structure, nothing that reaches beyond the description: no pictures or frames
# from elsewhere, no style, class or id that could touch the page around it, no heading above
# the product's own.
_SANITISER = nh3.Cleaner(
    tags={
        *("p", "div", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"),
        *("ul", "ol", "li", "dl", "dt", "dd"),
        *("table", "thead", "tbody", "tfoot", "tr", "th", "td"),
        *("a", "abbr", "b", "code", "em", "i", "s", "small", "strong", "sub", "sup", "u"),
    },
    attributes={
        "a": {"href", "title"},
        "abbr": {"title"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan", "scope"},
    },
    url_schemes={"http", "https", "mailto", "tel"},
)


class BadCell(ValueError):
    """A cell that can't be taken; the message says why."""


def text(name: str, cell: str, limit: int = TEXT_LENGTH) -> str:
    """Return the cell on one line, however it was broken and spaced."""
    value = " ".join(cell.split())
    if len(value) > limit:
        raise BadCell(f"{name} is longer than {limit} characters")
    return value


def identifier(name: str, cell: str, limit: int) -> str:
    """Return a handle or SKU: what people type and addresses carry, so nothing invisible."""
    value = cell.strip()
    if len(value) > limit:
        raise BadCell(f"{name} is longer than {limit} characters")
    if not value.isprintable():
        raise BadCell(f"{name} has an invisible character")
    return value


def handle(cell: str) -> str:
    """Return the handle, which can't be blank."""
    value = identifier("Handle", cell, HANDLE_LENGTH)
    if not value:
        raise BadCell("Handle is blank")
    return value


def description(cell: str) -> str:
    """Return the HTML with only harmless tags and attributes left in it."""
    html = ""
    # Before, so that the sanitiser's work is bounded; after, because it closes open tags.
    if len(cell) <= DESCRIPTION_LENGTH:
        html = _SANITISER.clean(cell).strip()
    if max(len(cell), len(html)) > DESCRIPTION_LENGTH:
        raise BadCell(f"Body (HTML) is longer than {DESCRIPTION_LENGTH} characters")
    return html


def tags(cell: str) -> tuple[str, ...]:
    """Return the tags between the commas, each once."""
    values = [text("a tag", tag) for tag in cell.split(",")]
    unique = tuple(dict.fromkeys(filter(None, values)))
    if len(unique) > TAGS:
        raise BadCell(f"more than {TAGS} tags")
    return unique


def price(name: str, cell: str, currency: str) -> int:
    """Return the amount in the currency's minor unit, exactly or not at all."""
    value = cell.strip()
    if not value:
        raise BadCell(f"{name} is blank")
    if not _PRICE.fullmatch(value) or len(value) > TEXT_LENGTH:
        raise BadCell(f"{name} is not a plain decimal number such as 1599.00")
    digits = get_currency_precision(currency)
    whole, _, fraction = value.partition(".")
    if fraction[digits:].strip("0"):
        raise BadCell(f"{name} has more decimals than the {digits} of {currency}")
    amount = int(whole + fraction[:digits].ljust(digits, "0"))
    if amount > PRICE:
        raise BadCell(f"{name} is higher than {Decimal(PRICE).scaleb(-digits):f}")
    return amount


def stock(quantity: str, tracker: str) -> int | None:
    """Return the units in stock, or None where they are not tracked.

    A quantity without a tracker counts as tracked, a tracker without a quantity as 0.
    """
    value = quantity.strip()
    if not value:
        return 0 if tracker.strip() else None
    if not _INTEGER.fullmatch(value) or abs(int(value)) > STOCK:
        raise BadCell("Variant Inventory Qty is not a whole number in range")
    return int(value)


def oversell(cell: str) -> bool:
    """Return whether the variant may be ordered beyond its stock."""
    value = cell.strip().lower()
    if value not in {"", "deny", "continue"}:
        raise BadCell("Variant Inventory Policy is neither deny nor continue")
    return value == "continue"


def published(cell: str, status: str) -> bool:
    """Return whether the product is sold; a blank says yes to each, as in Shopify."""
    flag, state = cell.strip().lower(), status.strip().lower()
    if flag not in {"", "true", "false"}:
        raise BadCell("Published is neither true nor false")
    if state not in {"", "active", "draft", "archived"}:
        raise BadCell("Status is neither active, draft nor archived")
    return flag != "false" and state in {"", "active"}


def address(name: str, cell: str) -> str:
    """Return the address of a picture, blank if there is none."""
    value = cell.strip()
    if len(value) > URL_LENGTH or not value.isprintable():
        raise BadCell(f"{name} is longer than {URL_LENGTH} characters or not an address")
    if value and not value.lower().startswith(("https://", "http://", "/")):
        raise BadCell(f"{name} is not an http address")
    return value


def image(src: str, position: str, alt: str) -> tuple[int, Image] | None:
    """Return the picture and its position (the last one where it is blank), if there is one."""
    source = address("Image Src", src)
    if not source:
        return None
    place = position.strip()
    if place and not _INTEGER.fullmatch(place):
        raise BadCell("Image Position is not a whole number")
    picture = Image(source, text("Image Alt Text", alt, ALT_LENGTH))
    return int(place) if place else STOCK, picture


def derived_sku(handle: str, values: tuple[str, ...]) -> str:
    """Return the SKU of a variant that has none, the same whenever it is imported.

    The words are for people. What keeps "a-b" with "c" apart from "a" with "b-c" is the
    digest at the end, over the handle and the option values as they are.
    """
    words = re.sub(r"[\W_]+", "-", " ".join((handle, *values)).lower()).strip("-")
    exact = json.dumps([handle, *values]).encode()
    digest = hashlib.sha256(exact).hexdigest()[:_DIGEST]
    return f"{words[: SKU_LENGTH - _DIGEST - 1]}-{digest}"
