"""What a shopper can do with a cart. Each change is atomic, and none is lost to another.

A change opens the cart, applies a rule of `model` to it, and stores the result if the row
hasn't changed meanwhile. If it has, or if something has to be settled first, it does the same
in a transaction that holds the row's lock. So a change costs two statements when nobody else
is at it, and waits its turn otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.database import Conflicted
from service.errors import RevisionMismatch

from . import model
from .model import Cart, Offer, UnknownSku
from .opening import Opened, Policy, Visitor, open_locked, open_settled, store

if TYPE_CHECKING:
    from service.database import Connection

Rule = Callable[[Cart, Offer | None], Cart]


@dataclass(frozen=True, slots=True)
class Condition:
    """What the cart must be like for something to be done with it.

    ``tags`` are the states it may be in, None: any; ``others`` those it may not be in;
    ``exists`` is that it was made at all; ``absent`` that it has no line yet of the sku that the
    change is about.
    """

    tags: frozenset[str] | None = None
    others: frozenset[str] = frozenset()
    exists: bool = False
    absent: bool = False

    def check(self, opened: Opened, sku: str | None = None) -> None:
        """Raise `Mismatch` with the cart, for a caller to show."""
        cart = opened.cart
        if self.absent and sku is not None and cart.line(sku):
            raise Mismatch(opened, "The line is there already.")
        if not self.met(opened.tag) or (self.exists and cart.id is None):
            raise Mismatch(opened)

    def met(self, tag: str) -> bool:
        """Return whether this state is one of those that it names."""
        return tag not in self.others and (self.tags is None or tag in self.tags)


UNCONDITIONAL = Condition()


class Mismatch(RevisionMismatch):
    """The condition wasn't met by this cart."""

    def __init__(self, opened: Opened, detail: str = "") -> None:
        super().__init__(detail)
        self.opened = opened


async def load(
    db: Connection, visitor: Visitor, policy: Policy, condition: Condition = UNCONDITIONAL
) -> Opened:
    """Return the visitor's cart, an empty one if there is none; raises `Mismatch`."""
    opened, _ = await _change(db, visitor, policy, lambda cart, _: cart, condition)
    return opened


async def add(
    db: Connection,
    visitor: Visitor,
    sku: str,
    quantity: int,
    policy: Policy,
    condition: Condition = UNCONDITIONAL,
) -> tuple[Opened, bool]:
    """Add units; returns the cart and whether the line is new.

    Raises as `model.add`, and `Mismatch`.
    """

    def rule(cart: Cart, offer: Offer | None) -> Cart:
        return model.add(cart, offer, quantity, policy.limits)

    return await _change(db, visitor, policy, rule, condition, sku)


async def set_quantity(
    db: Connection,
    visitor: Visitor,
    sku: str,
    quantity: int,
    policy: Policy,
    condition: Condition = UNCONDITIONAL,
) -> tuple[Opened, bool]:
    """Set a line's units; returns the cart and whether the line is new.

    Raises as `model.set_quantity`, and `Mismatch`.
    """

    def rule(cart: Cart, offer: Offer | None) -> Cart:
        return model.set_quantity(cart, offer, quantity, policy.limits)

    return await _change(db, visitor, policy, rule, condition, sku)


async def remove(
    db: Connection,
    visitor: Visitor,
    sku: str,
    policy: Policy,
    condition: Condition = UNCONDITIONAL,
) -> Opened:
    """Remove a line, if it is there. Raises `UnknownSku` for what never was, and `Mismatch`."""
    opened, _ = await _change(
        db, visitor, policy, lambda cart, _: model.remove(cart, sku), condition, sku
    )
    return opened


async def clear(
    db: Connection, visitor: Visitor, policy: Policy, condition: Condition = UNCONDITIONAL
) -> Opened:
    """Remove every line; raises `Mismatch`."""
    opened, _ = await _change(db, visitor, policy, lambda cart, _: model.clear(cart), condition)
    return opened


async def _change(
    db: Connection,
    visitor: Visitor,
    policy: Policy,
    rule: Rule,
    condition: Condition,
    sku: str | None = None,
) -> tuple[Opened, bool]:
    """Apply the rule; returns the cart and whether it has a line more than before."""
    opening = await open_settled(db, visitor, policy, sku)
    if opening:
        try:
            return await _apply(db, *opening, rule, condition, sku, policy)
        except Conflicted:
            pass
    async with db.transaction():
        opened, offer = await open_locked(db, visitor, policy, sku)
        return await _apply(db, opened, offer, rule, condition, sku, policy)


async def _apply(
    db: Connection,
    opened: Opened,
    offer: Offer | None,
    rule: Rule,
    condition: Condition,
    sku: str | None,
    policy: Policy,
) -> tuple[Opened, bool]:
    if sku is not None and offer is None:
        # Before the condition: what isn't there has no state (RFC 9110, 13.2.1).
        raise UnknownSku
    condition.check(opened, sku)
    changed = rule(opened.cart, offer)
    new = len(changed.lines) > len(opened.cart.lines)
    if changed is not opened.cart:
        opened = await store(db, opened, changed, policy.new_cart)
    return opened, new
