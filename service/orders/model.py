"""What an order is, and when there can be one. No I/O, no HTTP. Amounts are in minor units."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Literal, TypedDict
from uuid import UUID

import msgspec

from service.carts import Cart, Line
from service.errors import Conflict
from service.outbox import OutboxEvent, OutboxKind

from .details import Details

OrderStatus = Literal["placed", "partially_fulfilled", "cancelled", "fulfilled"]
"""Fulfilled is also what was sent in part, and the rest of it cancelled."""

LARGEST_TOTAL = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""


LONGEST_TRACKING = 200
MOST_UNITS = 2**31 - 1
"""Of a line, as the table keeps it."""


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


class LeftLine(TypedDict):
    """A variant of which fewer are left to be sent than was said."""

    sku: str
    quantity: int
    left: int


class NotFulfillable(Conflict):
    code, title = "not_fulfillable", "So much of it is not left to be sent"
    extra: ClassVar[Mapping[str, Any]] = {"lines": list[LeftLine]}


@dataclass(frozen=True, slots=True)
class OrderLine:
    """What was bought of a variant, as it was then called and priced.

    ``from_stock`` says whether its units were taken out of a stock that is counted, which is known
    once they are. What was ``fulfilled`` and ``cancelled`` of it is as `Order.outcome` tells.
    """

    variant_id: int
    sku: str
    title: str
    options: tuple[tuple[str, str], ...]
    quantity: int
    unit_price: int
    from_stock: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    fulfilled: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class SentLine:
    """How much of a variant went out."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """What went out at one time; ``tracking`` is the carrier's number or address, or blank."""

    at: datetime
    lines: tuple[SentLine, ...]
    tracking: str


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of a line's units."""

    fulfilled: int
    cancelled: int
    left: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it was stored. ``id`` stays inside: it counts the orders.

    ``key_hash`` is a guest's; an account's order has an ``account_id``, as long as that is there.
    ``operator_note`` is what operators say of it, among themselves.
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
    operator_note: str = ""
    fulfilments: tuple[Fulfilment, ...] = ()

    @property
    def tag(self) -> str:
        """What tells this state of it from every other: a digest of all there is."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:24]

    def outcome(self, line: OrderLine) -> LineOutcome:
        """Return what became of a line.

        What was sent or cancelled as a whole may have no count of it, by the code before there
        were parts.
        """
        match self.status:
            case "cancelled":
                return LineOutcome(0, line.quantity, 0)
            case "fulfilled":
                return LineOutcome(line.quantity - line.cancelled, line.cancelled, 0)
            case _:
                left = line.quantity - line.fulfilled - line.cancelled
                return LineOutcome(line.fulfilled, line.cancelled, left)


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
    """What to look for; ``until`` is no longer among it, ``email`` is the contact's.

    ``customer`` is a part of the contact's name or address; ``to_send`` is what isn't all sent.
    """

    number: str | None
    customer: str | None
    to_send: bool | None
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


def is_sold(cart: Cart, line: Line) -> bool:
    """Return whether the line of a cart can be bought, if there is enough in stock."""
    return line.offer.sold and line.offer.currency == cart.currency


def out_of_stock(cart: Cart, stocks: Mapping[int, int]) -> OutOfStock:
    """Return why a cart isn't bought: the ``lines`` of which there is too little.

    Those are the ones that aren't sold, and those whose variants have too small a stock.
    """
    short: dict[int, ShortLine] = {}
    for line in cart.lines:
        offer, sold = line.offer, is_sold(cart, line)
        if not sold or offer.variant_id in stocks:
            available = max(stocks[offer.variant_id], 0) if sold else 0
            units = cart.units[offer.variant_id]
            short[offer.variant_id] = {
                "sku": offer.sku, "quantity": units, "available": available,
            }  # fmt: skip
    lines = list(short.values())
    return OutOfStock(f"Not enough of {', '.join(line['sku'] for line in lines)}.", lines=lines)


def order_lines(cart: Cart) -> tuple[OrderLine, ...]:
    """Return what is bought of a cart."""
    return tuple(
        OrderLine(
            variant_id=line.offer.variant_id,
            sku=line.offer.sku,
            title=line.offer.title,
            options=line.offer.options,
            quantity=line.quantity,
            unit_price=line.offer.price,
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
        "lines": [
            {**told, "fulfilled": outcome.fulfilled, "cancelled": outcome.cancelled}
            for told, outcome in zip(
                _told(order.lines), map(order.outcome, order.lines), strict=True
            )
        ],
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


def units_left(order: Order) -> int:
    """Return how many units are still to be sent."""
    return sum(order.outcome(line).left for line in order.lines)


def send(order: Order, units: Mapping[str, int] | None, at: datetime, tracking: str) -> Order:
    """Return the order after these units of it, by SKU, or all that are left, were sent.

    Raises `NotFulfillable`, with the ``lines`` of which fewer are left.
    """
    left: Counter[str] = Counter()
    for line in order.lines:
        left[line.sku] += order.outcome(line).left
    wanted = Counter(left if units is None else units)
    short: list[LeftLine] = [
        {"sku": sku, "quantity": quantity, "left": left[sku]}
        for sku, quantity in wanted.items()
        if quantity > left[sku]
    ]
    if short or not wanted.total():
        detail = "" if short else "Nothing of it is left to be sent."
        raise NotFulfillable(detail, lines=short)
    sent = tuple(SentLine(sku, quantity) for sku, quantity in wanted.items() if quantity)
    lines = []
    for line in order.lines:
        # The lines of a variant are filled in their order.
        taken = min(order.outcome(line).left, wanted[line.sku])
        wanted[line.sku] -= taken
        lines.append(replace(line, fulfilled=line.fulfilled + taken))
    changed = replace(
        order,
        status="partially_fulfilled",
        lines=tuple(lines),
        fulfilments=(*order.fulfilments, Fulfilment(at, sent, tracking)),
    )
    return changed if units_left(changed) else replace(changed, status="fulfilled")


def cancel_rest(order: Order) -> tuple[Order, Counter[int]]:
    """Return the order without what wasn't sent of it, and the stock to give back, by variant.

    Raises `NotCancellable`.
    """
    if not units_left(order):
        raise NotCancellable
    stock: Counter[int] = Counter()
    lines = []
    for line in order.lines:
        left = order.outcome(line).left
        if line.from_stock:
            stock[line.variant_id] += left
        lines.append(replace(line, cancelled=line.cancelled + left))
    status: OrderStatus = "cancelled" if order.status == "placed" else "fulfilled"
    return replace(order, status=status, lines=tuple(lines)), +stock
