"""What a shopper can do with a cart. Each change is atomic, and none is lost to another.

A change reads the cart, applies a rule of `model` to it, and stores the result if the row
hasn't changed meanwhile. If it has, the row is locked and the rule applied to what is there
then. So a change costs two statements when nobody else is at it, and waits its turn otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from service import clock
from service.database import Conflicted
from service.errors import RevisionMismatch

from . import merging, model, queries
from .model import Cart, Limits, Offer, UnknownSku

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.database import Connection
    from service.sessions import Claim


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks for a cart: a claimed login, and the cart a guest would have."""

    claim: Claim
    guest_cart: UUID | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A cart and whose it is: an account's, or (None) a guest's."""

    cart: Cart
    account_id: UUID | None


EMPTY = Opened(Cart(), None)
"""What a guest has who never added anything."""


@dataclass(frozen=True, slots=True)
class Condition:
    """An ``If-Match``: the revisions it names, or None for any that exists."""

    revisions: frozenset[int] | None

    def check(self, cart: Cart) -> None:
        """Raise `RevisionMismatch` with the cart, for a caller to show."""
        met = cart.id is not None if self.revisions is None else cart.revision in self.revisions
        if not met:
            raise Mismatch(cart)


class Mismatch(RevisionMismatch):
    """The condition wasn't met by this cart."""

    def __init__(self, cart: Cart) -> None:
        super().__init__()
        self.cart = cart


async def load(db: Connection, visitor: Visitor) -> Opened:
    """Return the visitor's cart, an empty one if there is none."""
    account_id, cart, _ = await queries.select_cart(
        db, visitor.claim, clock.now(), guest_cart=visitor.guest_cart
    )
    return Opened(cart, account_id)


async def add(
    db: Connection, visitor: Visitor, sku: str, quantity: int, limits: Limits
) -> tuple[Opened, bool]:
    """Add units; returns the cart and whether the line is new. Raises as `model.add`."""
    return await _change(
        db, visitor, sku, lambda cart, offer: model.add(cart, offer, quantity, limits)
    )


async def set_quantity(
    db: Connection,
    visitor: Visitor,
    sku: str,
    quantity: int,
    limits: Limits,
    condition: Condition | None = None,
) -> tuple[Opened, bool]:
    """Set a line's units; returns the cart and whether the line is new.

    Raises as `model.set_quantity`, and `Mismatch`.
    """

    def rule(cart: Cart, offer: Offer | None) -> Cart:
        if condition:
            condition.check(cart)
        return model.set_quantity(cart, offer, quantity, limits)

    return await _change(db, visitor, sku, rule)


async def remove(
    db: Connection, visitor: Visitor, sku: str, condition: Condition | None = None
) -> Opened:
    """Remove a line, if it is there. Raises `UnknownSku` for what never was, and `Mismatch`."""

    def rule(cart: Cart, offer: Offer | None) -> Cart:
        if condition:
            condition.check(cart)
        if offer is None:
            raise UnknownSku
        return model.remove(cart, sku)

    opened, _ = await _change(db, visitor, sku, rule)
    return opened


async def clear(db: Connection, visitor: Visitor) -> Opened:
    """Remove every line."""
    opened, _ = await _change(db, visitor, None, lambda cart, _: model.clear(cart))
    return opened


async def merge(
    db: Connection,
    account_id: UUID,
    guest_cart: UUID | None,
    strategy: merging.Strategy,
    limits: Limits,
) -> tuple[Opened, tuple[merging.MergedLine, ...]]:
    """Move the guest's lines into the account's cart; returns it with the receipt.

    Runs in the caller's transaction, and locks the account's cart before the guest's, as
    everyone who needs both does.
    """
    guest, account = await queries.select_carts_to_merge(db, account_id, guest_cart)
    merged, receipt = merging.merge(guest, account, strategy, limits)
    if merged is not account:
        merged = await _store(db, merged, account_id)
    if guest.lines:
        await queries.update_merged(db, guest, account_id, clock.now())
    return Opened(merged, account_id), receipt


async def _change(
    db: Connection,
    visitor: Visitor,
    sku: str | None,
    rule: Callable[[Cart, Offer | None], Cart],
) -> tuple[Opened, bool]:
    """Apply the rule; returns the cart and whether it has a line more than before."""
    try:
        return await _apply(db, visitor, sku, rule)
    except Conflicted:
        async with db.transaction():
            return await _apply(db, visitor, sku, rule, lock=True)


async def _apply(
    db: Connection,
    visitor: Visitor,
    sku: str | None,
    rule: Callable[[Cart, Offer | None], Cart],
    *,
    lock: bool = False,
) -> tuple[Opened, bool]:
    account_id, cart, offer = await queries.select_cart(
        db,
        visitor.claim,
        clock.now(),
        guest_cart=visitor.guest_cart,
        sku=sku,
        lock=lock,
    )
    changed = rule(cart, offer)
    if changed is not cart:
        if changed.id is None and account_id is None:
            changed = replace(changed, id=visitor.guest_cart)
        changed = await _store(db, changed, account_id)
    return Opened(changed, account_id), len(changed.lines) > len(cart.lines)


async def _store(db: Connection, cart: Cart, account_id: UUID | None) -> Cart:
    """Store a changed cart as its next revision; raises `Conflicted` if another came first."""
    stored = replace(cart, id=cart.id or uuid4(), revision=cart.revision + 1)
    store = (
        queries.insert_cart(db, stored, account_id, clock.now())
        if cart.revision == 0
        else queries.update_cart(db, stored, clock.now())
    )
    if not await store:
        raise Conflicted
    return stored
