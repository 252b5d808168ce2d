"""What a cart is, and the rules by which it changes. No I/O, no HTTP.

Every rule takes a cart and returns the changed one, or the very same one if nothing changes.
Amounts are in the currency's minor unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal
from uuid import UUID

from service.errors import Conflict, NotFound

Notice = Literal["price_changed", "insufficient_stock", "unavailable"]


class UnknownSku(NotFound):
    code, title = "unknown_sku", "There is no such variant, or it is no longer sold"


class InsufficientStock(Conflict):
    code, title = "insufficient_stock", "There are not enough in stock"
    extra: ClassVar[Mapping[str, Any]] = {"available": int}


class QuantityLimit(Conflict):
    code, title = "quantity_limit", "A cart holds no more units of one variant"
    extra: ClassVar[Mapping[str, Any]] = {"limit": int}


class LineLimit(Conflict):
    code, title = "line_limit", "A cart holds no more lines"
    extra: ClassVar[Mapping[str, Any]] = {"limit": int}


REFUSALS = (UnknownSku, InsufficientStock, QuantityLimit, LineLimit)
"""What a rule may raise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one cart may hold: units of one variant, and lines."""

    quantity: int
    lines: int


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


@dataclass(frozen=True, slots=True)
class Line:
    """A variant in a cart; ``added_price`` is what it cost when it was first added."""

    offer: Offer
    quantity: int
    added_price: int

    @property
    def total(self) -> int:
        return self.offer.price * self.quantity

    @property
    def notice(self) -> Notice | None:
        """What the shopper should know, the gravest first."""
        if not self.offer.sold:
            return "unavailable"
        if self.offer.most is not None and self.quantity > self.offer.most:
            return "insufficient_stock"
        if self.offer.price != self.added_price:
            return "price_changed"
        return None


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
        sold = [line.offer.currency for line in self.lines if line.offer.sold]
        return next(iter(sold or [line.offer.currency for line in self.lines]), None)

    @property
    def total(self) -> int:
        """The sum of the lines in the cart's currency; amounts of two are never added."""
        currency = self.currency
        return sum(line.total for line in self.lines if line.offer.currency == currency)

    def line(self, sku: str) -> Line | None:
        return next((line for line in self.lines if line.offer.sku == sku), None)


def keep(cart: Cart, _: Offer | None = None) -> Cart:
    """Change nothing."""
    return cart


def add(cart: Cart, offer: Offer | None, quantity: int, limits: Limits) -> Cart:
    """Add units to what is there.

    Raises `UnknownSku`, `QuantityLimit`, `InsufficientStock` or `LineLimit`.
    """
    if offer is None:
        raise UnknownSku
    line = cart.line(offer.sku)
    return _put(cart, offer, line, quantity + (line.quantity if line else 0), limits)


def set_quantity(cart: Cart, offer: Offer | None, quantity: int, limits: Limits) -> Cart:
    """Set a line's units; 0 removes it. Raises as `add` does.

    Fewer than before is always possible, whatever the stock and the limits have become.
    """
    if offer is None:
        raise UnknownSku
    line = cart.line(offer.sku)
    if quantity == 0:
        return remove(cart, offer)
    if line and quantity == line.quantity:
        return cart
    if line and quantity < line.quantity and offer.sold:
        return _replace(cart, replace(line, quantity=quantity))
    return _put(cart, offer, line, quantity, limits)


def remove(cart: Cart, offer: Offer | None) -> Cart:
    """Remove a line, if it is there. Raises `UnknownSku`."""
    if offer is None:
        raise UnknownSku
    if cart.line(offer.sku) is None:
        return cart
    return replace(cart, lines=tuple(line for line in cart.lines if line.offer.sku != offer.sku))


def clear(cart: Cart, _: Offer | None = None) -> Cart:
    """Remove every line."""
    return replace(cart, lines=()) if cart.lines else cart


def heal(
    cart: Cart, copied: Iterable[tuple[int, int]], offers: Mapping[int, Offer], limits: Limits
) -> Cart:
    """Return the cart with what a snapshot has more of: per variant the larger quantity.

    When in doubt, the item stays; a removal that the database forgot is not repeated. Limits and
    stock cap what the snapshot brings, and never what the cart has.
    """
    lines = {line.offer.variant_id: line for line in cart.lines}
    for variant_id, quantity in copied:
        offer, line = offers.get(variant_id), lines.get(variant_id)
        if offer is None:
            continue
        most = limits.quantity if offer.most is None else min(offer.most, limits.quantity)
        units = min(quantity, most)
        if line is None and units > 0 and len(lines) < limits.lines:
            lines[variant_id] = Line(offer, units, offer.price)
        elif line is not None and line.quantity < units:
            lines[variant_id] = replace(line, quantity=units)
    return replace(cart, lines=tuple(lines.values()))


def _put(cart: Cart, offer: Offer, line: Line | None, quantity: int, limits: Limits) -> Cart:
    if not offer.sold:
        raise UnknownSku
    if any(line.offer.sold and line.offer.currency != offer.currency for line in cart.lines):
        # The catalogue has one currency; this is for one that was changed by hand.
        raise UnknownSku("It is sold in another currency than what is in the cart.")
    if quantity > limits.quantity:
        raise QuantityLimit(f"At most {limits.quantity} of one variant.", limit=limits.quantity)
    if offer.most is not None and quantity > offer.most:
        raise InsufficientStock(f"{offer.most} in stock.", available=offer.most)
    if line:
        return _replace(cart, replace(line, quantity=quantity))
    if len(cart.lines) >= limits.lines:
        raise LineLimit(f"At most {limits.lines} lines.", limit=limits.lines)
    return replace(cart, lines=(*cart.lines, Line(offer, quantity, offer.price)))


def _replace(cart: Cart, changed: Line) -> Cart:
    sku = changed.offer.sku
    return replace(
        cart,
        lines=tuple(changed if line.offer.sku == sku else line for line in cart.lines),
    )
