"""What an order is, and when there can be one. No I/O, no HTTP. Amounts are in minor units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, TypedDict
from uuid import UUID

from service.carts import Cart
from service.catalogue import TakenStock
from service.errors import Conflict
from service.outbox import OutboxEvent, OutboxKind

from .details import Details

OrderStatus = Literal["placed", "cancelled", "fulfilled"]

LARGEST_TOTAL = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""


class EmptyCart(Conflict):
    code, title = "empty_cart", "There is nothing in the cart"


class TotalChanged(Conflict):
    code, title = "total_changed", "The total is no longer the one expected"


class ShortLine(TypedDict):
    """A variant of which fewer are available than all its lines want; 0 if no longer sold."""

    sku: str
    quantity: int
    available: int


class OutOfStock(Conflict):
    code, title = "insufficient_stock", "There are not enough in stock"
    extra: ClassVar[Mapping[str, Any]] = {"lines": list[ShortLine]}


class NotCancellable(Conflict):
    code, title = "not_cancellable", "Only an order not yet fulfilled or cancelled can be cancelled"


class NotFulfillable(Conflict):
    code, title = "not_fulfillable", "A cancelled order can't be fulfilled"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """What was bought of a variant, as it was then called and priced.

    ``from_stock`` says whether its units were taken out of a stock that is counted.
    """

    variant_id: int
    sku: str
    title: str
    options: tuple[tuple[str, str], ...]
    quantity: int
    unit_price: int
    from_stock: bool
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it was stored. ``id`` stays inside: it counts the orders.

    ``key_hash`` is a guest's; an account's order has an ``account_id``, as long as that is there.
    """

    id: int
    number: str
    status: OrderStatus
    placed_at: datetime
    currency: str
    total: int
    lines: tuple[OrderLine, ...]
    details: Details
    account_id: UUID | None
    key_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks for an order: an account, someone with its key, the browser that ``placed`` it."""

    account_id: UUID | None = None
    key_hash: bytes | None = None
    placed: tuple[str, ...] = ()

    def sees(self, order: Order) -> bool:
        """Return whether the order is theirs to see."""
        if order.key_hash is not None:
            return order.key_hash == self.key_hash or order.number in self.placed
        return self.account_id is not None and order.account_id == self.account_id


class OrderFilters(TypedDict, total=False):
    """What to look for; ``until`` is no longer among it, ``email`` is the contact's."""

    status: OrderStatus | None
    since: datetime | None
    until: datetime | None
    email: str | None
    sku: str | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A part of the list, newest first; ``next`` is the number after which it goes on."""

    orders: tuple[Order, ...]
    next: str | None


def order_lines(cart: Cart, stocks: Mapping[int, TakenStock]) -> tuple[OrderLine, ...]:
    """Return what is bought; ``stocks`` are those of the variants where it is counted.

    Raises `OutOfStock` with the ``lines`` of which there is too little.
    """
    short: dict[int, ShortLine] = {}
    for line in cart.lines:
        offer = line.offer
        stock = stocks.get(offer.variant_id)
        sold = offer.sold and offer.currency == cart.currency
        if not sold or (stock and not stock.taken):
            available = max(stock.before, 0) if stock and sold else 0
            units = cart.units[offer.variant_id]
            short[offer.variant_id] = {
                "sku": offer.sku, "quantity": units, "available": available,
            }  # fmt: skip
    if short:
        lines = list(short.values())
        raise OutOfStock(f"Not enough of {', '.join(line['sku'] for line in lines)}.", lines=lines)
    return tuple(
        OrderLine(
            variant_id=line.offer.variant_id,
            sku=line.offer.sku,
            title=line.offer.title,
            options=line.offer.options,
            quantity=line.quantity,
            unit_price=line.offer.price,
            from_stock=line.offer.variant_id in stocks,
            metadata=dict(line.metadata),
        )
        for line in cart.lines
    )


def placed_event(
    number: str, account_id: UUID | None, cart: Cart, lines: Sequence[OrderLine], now: datetime
) -> OutboxEvent:
    """Return what is told of a cart that becomes an order."""
    data = {
        "number": number,
        "status": "placed",
        "placed_at": now,
        "account_id": account_id,
        "currency": cart.currency,
        "total": cart.total,
        "lines": _told(lines),
    }
    return OutboxEvent("order.placed", number, now, data)


def order_event(kind: OutboxKind, order: Order, now: datetime, **more: Any) -> OutboxEvent:
    """Return what is told of an order as it is now, with what ``more`` there is to say.

    Whose it is, where it goes and what the customer said are not told.
    """
    data = {
        "number": order.number,
        "status": order.status,
        "placed_at": order.placed_at,
        "account_id": order.account_id,
        "currency": order.currency,
        "total": order.total,
        "lines": _told(order.lines),
        **more,
    }
    return OutboxEvent(kind, order.number, now, data)


def _told(lines: Sequence[OrderLine]) -> list[dict[str, Any]]:
    return [
        {
            "sku": line.sku,
            "title": line.title,
            "options": dict(line.options),
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "line_total": line.total,
        }
        for line in lines
    ]
