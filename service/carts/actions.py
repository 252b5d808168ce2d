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
    """An ``If-Match``: the revisions it names, or None for any that exists."""

    revisions: frozenset[int] | None

    def check(self, cart: Cart) -> None:
        """Raise `Mismatch` with the cart, for a caller to show."""
        met = cart.id is not None if self.revisions is None else cart.revision in self.revisions
        if not met:
            raise Mismatch(cart)


class Mismatch(RevisionMismatch):
    """The condition wasn't met by this cart."""

    def __init__(self, cart: Cart) -> None:
        super().__init__()
        self.cart = cart


async def load(db: Connection, visitor: Visitor, policy: Policy) -> Opened:
    """Return the visitor's cart, an empty one if there is none."""
    opened, _ = await _change(db, visitor, policy, lambda cart, _: cart)
    return opened


async def add(
    db: Connection, visitor: Visitor, sku: str, quantity: int, policy: Policy
) -> tuple[Opened, bool]:
    """Add units; returns the cart and whether the line is new. Raises as `model.add`."""

    def rule(cart: Cart, offer: Offer | None) -> Cart:
        return model.add(cart, offer, quantity, policy.limits)

    return await _change(db, visitor, policy, rule, sku)


async def set_quantity(
    db: Connection,
    visitor: Visitor,
    sku: str,
    quantity: int,
    policy: Policy,
    condition: Condition | None = None,
) -> tuple[Opened, bool]:
    """Set a line's units; returns the cart and whether the line is new.

    Raises as `model.set_quantity`, and `Mismatch`.
    """

    def rule(cart: Cart, offer: Offer | None) -> Cart:
        if condition:
            condition.check(cart)
        return model.set_quantity(cart, offer, quantity, policy.limits)

    return await _change(db, visitor, policy, rule, sku)


async def remove(
    db: Connection,
    visitor: Visitor,
    sku: str,
    policy: Policy,
    condition: Condition | None = None,
) -> Opened:
    """Remove a line, if it is there. Raises `UnknownSku` for what never was, and `Mismatch`."""

    def rule(cart: Cart, offer: Offer | None) -> Cart:
        if condition:
            condition.check(cart)
        if offer is None:
            raise UnknownSku
        return model.remove(cart, sku)

    opened, _ = await _change(db, visitor, policy, rule, sku)
    return opened


async def clear(db: Connection, visitor: Visitor, policy: Policy) -> Opened:
    """Remove every line."""
    opened, _ = await _change(db, visitor, policy, lambda cart, _: model.clear(cart))
    return opened


async def _change(
    db: Connection, visitor: Visitor, policy: Policy, rule: Rule, sku: str | None = None
) -> tuple[Opened, bool]:
    """Apply the rule; returns the cart and whether it has a line more than before."""
    opening = await open_settled(db, visitor, policy, sku)
    if opening:
        try:
            return await _apply(db, *opening, rule)
        except Conflicted:
            pass
    async with db.transaction():
        return await _apply(db, *await open_locked(db, visitor, policy, sku), rule)


async def _apply(
    db: Connection, opened: Opened, offer: Offer | None, rule: Rule
) -> tuple[Opened, bool]:
    changed = rule(opened.cart, offer)
    new = len(changed.lines) > len(opened.cart.lines)
    if changed is not opened.cart:
        opened = await store(db, opened, changed)
    return opened, new
