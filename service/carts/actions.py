"""What a shopper can do with a cart. Each change is atomic, and none is lost to another.

A change loads the cart, applies a rule of `model` to it, and stores the result if the row
hasn't changed meanwhile. If it has, or if the cart isn't clean (see `loading`), it does the same
in a transaction that holds the row's lock. So a change costs two statements when nobody else
is at it, and waits its turn otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from service import clock, metrics
from service.database import Conflicted, Connection, in_transaction
from service.errors import RevisionMismatch

from . import model, queries
from .cookie import CartCookie
from .loading import CartOwner, CartPolicy, LoadedCart, load_if_clean, load_locked, store
from .model import Cart, Metadata, Offer, UnknownLine, UnknownSku
from .tokens import CartToken, new_cart_token

CartRule = Callable[[Cart, Offer | None], Cart]
"""Returns the cart as it is to be, or the very same one; the offer is the sku's."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What the cart must be like for something to be done with it.

    ``tags`` are the states it may be in, None: any; ``others`` those it may not be in;
    ``exists`` is that it was made at all; ``absent`` that what the change is about isn't there yet,
    a sku's lines or the one that is named.
    """

    tags: frozenset[str] | None = None
    others: frozenset[str] = frozenset()
    exists: bool = False
    absent: bool = False

    def check(self, loaded: LoadedCart, sku: str | None = None, line_id: str = "") -> None:
        """Raise `ConditionFailed` with the cart, for a caller to show."""
        cart = loaded.cart
        if self.absent and sku is not None and cart.lines_of(sku, line_id):
            raise ConditionFailed(loaded, "The line is there already.")
        depends = self.tags is not None or bool(self.others)
        if (depends and not self.met(loaded.tag)) or (self.exists and cart.id is None):
            raise ConditionFailed(loaded)

    def met(self, tag: str) -> bool:
        """Return whether this state is one of those that it names."""
        return tag not in self.others and (self.tags is None or tag in self.tags)


UNCONDITIONAL = Condition()


class ConditionFailed(RevisionMismatch):
    """The condition wasn't met by this cart."""

    def __init__(self, loaded: LoadedCart, detail: str = "") -> None:
        super().__init__(detail)
        self.loaded = loaded


@dataclass(frozen=True, slots=True)
class CartChange:
    """The cart as it is now, and whether it has a line more than before."""

    loaded: LoadedCart
    is_new_line: bool


@dataclass(frozen=True, slots=True)
class MadeCart:
    """A guest's cart for an app, and the text of its token, which is shown once."""

    loaded: LoadedCart
    token: str


async def load(
    db: Connection, owner: CartOwner, policy: CartPolicy, condition: Condition = UNCONDITIONAL
) -> LoadedCart:
    """Return the owner's cart, an empty one if there is none; raises `ConditionFailed`."""
    return (await _change(db, owner, policy, model.keep, condition)).loaded


async def create(db: Connection, policy: CartPolicy) -> MadeCart:
    """Make a guest's cart that a token names. Raises `TooManyAttempts`."""
    cart_id, now = uuid4(), clock.now()
    cart, text = Cart(cart_id, 1), new_cart_token(cart_id)
    token = CartToken.read(text)
    attempt = policy.new_cart() if policy.new_cart else None
    if attempt:
        refusal = (await queries.insert_guest_cart(db, cart, attempt, now, token)).refusal(now)
        if refusal:
            raise refusal
    else:
        await queries.insert_token_cart(db, cart, now, token)
    return MadeCart(LoadedCart(cart, None, CartCookie()), text)


async def add(
    db: Connection,
    owner: CartOwner,
    sku: str,
    quantity: int,
    policy: CartPolicy,
    condition: Condition = UNCONDITIONAL,
    metadata: Metadata = (),
) -> CartChange:
    """Add units; raises as `model.add`, and `ConditionFailed`."""
    rule = partial(model.add, quantity=quantity, limits=policy.limits, metadata=metadata)
    changed = await _change(db, owner, policy, rule, condition, sku)
    metrics.cart_adds.inc()
    return changed


async def set_quantity(
    db: Connection,
    owner: CartOwner,
    sku: str,
    quantity: int,
    policy: CartPolicy,
    condition: Condition = UNCONDITIONAL,
    which: str | Metadata = "",
) -> CartChange:
    """Set a line's units; raises as `model.set_quantity`, and `ConditionFailed`."""
    rule = partial(model.set_quantity, quantity=quantity, limits=policy.limits, which=which)
    line_id = which if isinstance(which, str) else ""
    return await _change(db, owner, policy, rule, condition, sku, line_id)


async def remove(
    db: Connection,
    owner: CartOwner,
    sku: str,
    policy: CartPolicy,
    condition: Condition = UNCONDITIONAL,
    line_id: str = "",
) -> LoadedCart:
    """Remove a line, if it is there; raises as `model.remove`, and `ConditionFailed`."""
    rule = partial(model.remove, which=line_id)
    return (await _change(db, owner, policy, rule, condition, sku, line_id)).loaded


async def clear(
    db: Connection, owner: CartOwner, policy: CartPolicy, condition: Condition = UNCONDITIONAL
) -> LoadedCart:
    """Remove every line; raises `ConditionFailed`."""
    return (await _change(db, owner, policy, model.clear, condition)).loaded


async def _change(
    db: Connection,
    owner: CartOwner,
    policy: CartPolicy,
    rule: CartRule,
    condition: Condition,
    sku: str | None = None,
    line_id: str = "",
) -> CartChange:
    def check(loaded: LoadedCart, offer: Offer | None) -> None:
        # What isn't there has no state: this comes before the condition (RFC 9110, 13.2.1).
        if sku is not None and offer is None:
            raise UnknownSku
        if sku is not None and line_id and not loaded.cart.lines_of(sku, line_id):
            raise UnknownLine
        condition.check(loaded, sku, line_id)

    # In a caller's transaction a conflict may have ended it: then only the caller can begin anew.
    if not db.is_in_transaction():
        found = await load_if_clean(db, owner, policy, sku)
        if found:
            try:
                return await _apply(db, *found, rule, check, policy)
            except Conflicted:
                pass
    async with in_transaction(db):
        loaded, offer = await load_locked(db, owner, policy, sku)
        return await _apply(db, loaded, offer, rule, check, policy)


async def _apply(
    db: Connection,
    loaded: LoadedCart,
    offer: Offer | None,
    rule: CartRule,
    check: Callable[[LoadedCart, Offer | None], None],
    policy: CartPolicy,
) -> CartChange:
    check(loaded, offer)
    changed = rule(loaded.cart, offer)
    is_new_line = len(changed.lines) > len(loaded.cart.lines)
    if changed is not loaded.cart:
        loaded = await store(db, loaded, changed, policy.new_cart)
    return CartChange(loaded, is_new_line)
