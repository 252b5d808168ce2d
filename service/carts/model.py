"""What a cart is, and the rules by which it changes. No I/O, no HTTP.

Every rule takes a cart and returns the changed one, or the very same one if nothing changes.
Amounts are in the currency's minor unit.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias
from uuid import UUID

from service.errors import Conflict, NotFound

Notice = Literal["price_changed", "insufficient_stock", "unavailable"]

Metadata: TypeAlias = tuple[tuple[str, str], ...]
"""A client's own names and texts, in the order of the names."""

LineKey: TypeAlias = tuple[int, Metadata]
"""What tells one line of a cart from another: its variant, and its metadata."""

MOST_METADATA = 16_384
"""Bytes of names and texts, in UTF-8, over all lines of a cart: its row is read whole each time."""


class UnknownLine(NotFound):
    code, title = "unknown_line", "The cart has no such line of this variant"


class UnknownSku(NotFound):
    code, title = "unknown_sku", "There is no such variant, or it is no longer sold"


class InsufficientStock(Conflict):
    """``room`` is what this line may have of them, beside others of the same variant."""

    code, title = "insufficient_stock", "There are not enough in stock"
    extra: ClassVar[Mapping[str, Any]] = {"available": int, "room": int}


class QuantityLimit(Conflict):
    """``room`` is what this line may have of them, beside others of the same variant."""

    code, title = "quantity_limit", "A cart holds no more units of one variant"
    extra: ClassVar[Mapping[str, Any]] = {"limit": int, "room": int}


class LineLimit(Conflict):
    code, title = "line_limit", "A cart holds no more lines"
    extra: ClassVar[Mapping[str, Any]] = {"limit": int}


class MetadataLimit(Conflict):
    code, title = "metadata_limit", "A cart holds no more metadata"
    extra: ClassVar[Mapping[str, Any]] = {"limit": int}


class AmbiguousLine(Conflict):
    """``lines`` are the ids of those that could be meant."""

    code, title = "ambiguous_line", "The cart has several lines of this variant"
    extra: ClassVar[Mapping[str, Any]] = {"lines": list[str]}


REFUSALS = (UnknownSku, InsufficientStock, QuantityLimit, LineLimit)
"""What a rule that puts something into a cart may raise."""

CHOOSING_REFUSALS = (UnknownLine, AmbiguousLine)
"""What a rule about a line that is there may raise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one cart may hold: units of one variant, lines, and bytes of metadata."""

    quantity: int
    lines: int
    metadata: int = MOST_METADATA


@dataclass(frozen=True, slots=True)
class Offer:
    """A variant as it is offered now. ``stock`` is None where it isn't tracked."""

    variant_id: int
    sku: str
    handle: str
    title: str
    options: tuple[tuple[str, str], ...]
    image: str | None
    price: int
    currency: str
    stock: int | None
    oversell: bool
    sold: bool

    @property
    def available(self) -> int | None:
        return None if self.stock is None else max(self.stock, 0)

    @property
    def most(self) -> int | None:
        """Units that may be put in a cart, or None without such a bound."""
        return None if self.oversell or self.stock is None else max(self.stock, 0)


def read_metadata(given: Mapping[str, str]) -> Metadata:
    """Return the metadata of an object that says it, in whatever order."""
    return tuple(sorted(given.items()))


def line_id(variant_id: int, metadata: Metadata) -> str:
    """Return what a line is called: the same in every cart, and as long as it is there."""
    text = json.dumps([variant_id, metadata]) if metadata else str(variant_id)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Line:
    """A variant in a cart; ``added_price`` is what it cost when it was first added."""

    offer: Offer
    quantity: int
    added_price: int
    metadata: Metadata = ()

    @property
    def key(self) -> LineKey:
        return (self.offer.variant_id, self.metadata)

    @property
    def id(self) -> str:
        return line_id(*self.key)

    @property
    def total(self) -> int:
        return self.offer.price * self.quantity


class CopiedLine(NamedTuple):
    """A line as a browser remembers it.

    ``line_id`` is of one whose metadata had no room in the cookie, "" where that is all here.
    """

    variant_id: int
    quantity: int
    metadata: Metadata = ()
    line_id: str = ""


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart as it was read. ``id`` is None, and ``revision`` 0, for one not made yet."""

    id: UUID | None = None
    revision: int = 0
    lines: tuple[Line, ...] = ()

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def currency(self) -> str | None:
        """What the total is in: the currency of what is sold; None for an empty cart."""
        for line in self.lines:
            if line.offer.sold:
                return line.offer.currency
        return self.lines[0].offer.currency if self.lines else None

    @property
    def total(self) -> int:
        """The sum of the lines in the cart's currency; amounts of two are never added."""
        currency = self.currency
        return sum(line.total for line in self.lines if line.offer.currency == currency)

    @property
    def units(self) -> Counter[int]:
        """How many there are of each variant, over all its lines, by variant id."""
        units = Counter[int]()
        for line in self.lines:
            units[line.offer.variant_id] += line.quantity
        return units

    @property
    def notices(self) -> dict[LineKey, Notice]:
        """What the shopper should know of lines, the gravest first, by their keys."""
        units = self.units
        told = ((line.key, _notice(line, units[line.offer.variant_id])) for line in self.lines)
        return {key: notice for key, notice in told if notice}

    def lines_of(self, sku: str, line_id: str = "") -> tuple[Line, ...]:
        """Return the variant's lines, or of them the one with this id."""
        return tuple(
            line
            for line in self.lines
            if line.offer.sku == sku and (not line_id or line.id == line_id)
        )

    def line(self, sku: str, metadata: Metadata = ()) -> Line | None:
        """Return the variant's line with exactly this metadata."""
        of_sku = (line for line in self.lines if line.offer.sku == sku)
        return next((line for line in of_sku if line.metadata == metadata), None)

    def choose(self, sku: str, which: str | Metadata = "") -> Line | None:
        """Return the line with this id or metadata; with "", the only one of its variant.

        Raises `UnknownLine` for an id that none has, `AmbiguousLine`.
        """
        if isinstance(which, tuple):
            return self.line(sku, which)
        lines = self.lines_of(sku, which)
        if which and not lines:
            raise UnknownLine
        if len(lines) > 1:
            ids = [line.id for line in lines]
            raise AmbiguousLine("Say which one is meant, by its id.", lines=ids)
        return lines[0] if lines else None


def keep(cart: Cart, _: Offer | None = None) -> Cart:
    """Change nothing."""
    return cart


def add(
    cart: Cart, offer: Offer | None, quantity: int, limits: Limits, metadata: Metadata = ()
) -> Cart:
    """Add units to what is there with the same metadata.

    Raises `UnknownSku`, `QuantityLimit`, `InsufficientStock`, `LineLimit` or `MetadataLimit`.
    """
    if offer is None:
        raise UnknownSku
    line = cart.line(offer.sku, metadata)
    quantity += line.quantity if line else 0
    return _put(cart, offer, line or Line(offer, 0, offer.price, metadata), quantity, limits)


def set_quantity(
    cart: Cart,
    offer: Offer | None,
    quantity: int,
    limits: Limits,
    which: str | Metadata = "",
) -> Cart:
    """Set the units of a line, which `Cart.choose` finds; 0 removes it. Raises as both do.

    Fewer than before is always possible, whatever the stock and the limits have become.
    """
    if offer is None:
        raise UnknownSku
    line = cart.choose(offer.sku, which)
    if quantity == 0:
        return _without(cart, line)
    if line and quantity == line.quantity:
        return cart
    if line and quantity < line.quantity and offer.sold:
        return _replace(cart, replace(line, quantity=quantity))
    metadata = which if isinstance(which, tuple) else ()
    return _put(cart, offer, line or Line(offer, 0, offer.price, metadata), quantity, limits)


def remove(cart: Cart, offer: Offer | None, which: str | Metadata = "") -> Cart:
    """Remove a line, if it is there. Raises `UnknownSku`, and as `Cart.choose`."""
    if offer is None:
        raise UnknownSku
    return _without(cart, cart.choose(offer.sku, which))


def clear(cart: Cart, _: Offer | None = None) -> Cart:
    """Remove every line."""
    return replace(cart, lines=()) if cart.lines else cart


def heal(
    cart: Cart, copied: Iterable[CopiedLine], offers: Mapping[int, Offer], limits: Limits
) -> Cart:
    """Return the cart with what a snapshot has more of: per line the larger quantity.

    When in doubt, the item stays; a removal that the database forgot is not repeated. Limits and
    stock cap what the snapshot brings, and never what the cart has. Of a line whose metadata the
    snapshot had no room for, and that is lost, the units come back on the line without: doing this
    again, from another browser's snapshot, doesn't bring them twice.
    """
    lines = {line.key: line for line in cart.lines}
    wanted = Counter[LineKey]()
    for each in copied:
        key = (each.variant_id, each.metadata)
        if each.line_id:
            key = next((line.key for line in cart.lines if line.id == each.line_id), key)
        wanted[key] += each.quantity
    for key, quantity in wanted.items():
        variant_id, metadata = key
        offer, line = offers.get(variant_id), lines.get(key)
        if offer is None:
            continue
        units = min(quantity, room_for(key, lines, offer, limits))
        if units > (line.quantity if line else 0):
            line = line or Line(offer, 0, offer.price, metadata)
            lines[key] = replace(line, quantity=units)
    return replace(cart, lines=tuple(lines.values()))


def room_for(key: LineKey, lines: Mapping[LineKey, Line], offer: Offer, limits: Limits) -> int:
    """Return how many units the line of this key may have among these lines."""
    variant_id, metadata = key
    if key not in lines and (
        len(lines) >= limits.lines or not _has_room(lines.values(), metadata, limits)
    ):
        return 0
    most = limits.quantity if offer.most is None else min(offer.most, limits.quantity)
    others = sum(
        line.quantity for other, line in lines.items() if other[0] == variant_id and other != key
    )
    return max(most - others, 0)


def _notice(line: Line, units: int) -> Notice | None:
    """Return the notice of a line, of whose variant the cart has so many units."""
    if not line.offer.sold:
        return "unavailable"
    if line.offer.most is not None and units > line.offer.most:
        return "insufficient_stock"
    if line.offer.price != line.added_price:
        return "price_changed"
    return None


def _put(cart: Cart, offer: Offer, line: Line, quantity: int, limits: Limits) -> Cart:
    """Give a line, which need not be there, so many units."""
    if not offer.sold:
        raise UnknownSku
    if any(line.offer.sold and line.offer.currency != offer.currency for line in cart.lines):
        # The catalogue has one currency; this is for one that was changed by hand.
        raise UnknownSku("It is sold in another currency than what is in the cart.")
    units = cart.units[offer.variant_id] - line.quantity + quantity
    if units > limits.quantity:
        room = max(limits.quantity - units + quantity, 0)
        raise QuantityLimit(
            f"At most {limits.quantity} of one variant.", limit=limits.quantity, room=room
        )
    if offer.most is not None and units > offer.most:
        room = max(offer.most - units + quantity, 0)
        raise InsufficientStock(f"{offer.most} in stock.", available=offer.most, room=room)
    if line.quantity:
        return _replace(cart, replace(line, quantity=quantity))
    if len(cart.lines) >= limits.lines:
        raise LineLimit(f"At most {limits.lines} lines.", limit=limits.lines)
    if not _has_room(cart.lines, line.metadata, limits):
        raise MetadataLimit(f"At most {limits.metadata} bytes.", limit=limits.metadata)
    return replace(cart, lines=(*cart.lines, replace(line, quantity=quantity)))


def _has_room(lines: Iterable[Line], metadata: Metadata, limits: Limits) -> bool:
    if not metadata:
        return True
    texts = (text for each in (metadata, *(line.metadata for line in lines)) for text in each)
    return sum(len(name.encode()) + len(text.encode()) for name, text in texts) <= limits.metadata


def _replace(cart: Cart, changed: Line) -> Cart:
    lines = (changed if line.key == changed.key else line for line in cart.lines)
    return replace(cart, lines=tuple(lines))


def _without(cart: Cart, removed: Line | None) -> Cart:
    if removed is None:
        return cart
    return replace(cart, lines=tuple(line for line in cart.lines if line is not removed))
