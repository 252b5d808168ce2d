"""What one can do with orders. Each is one transaction.

Rows are locked in this order, as by everyone: the account's cart or the order first, then the
variants by their ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Unpack
from uuid import UUID

from service import carts, catalogue, clock, metrics
from service.carts import UNCONDITIONAL, CartOwner, CartPolicy, Condition, LoadedCart
from service.database import Connection, in_transaction
from service.errors import Invalid, InvalidCursor, NotFound, Unauthenticated
from service.http.idempotency import Claim
from service.logins import PresentedLogin
from service.throttling import Attempt, count_attempt

from . import queries
from .details import Details
from .keys import hash_key, make_key
from .model import (
    EmptyCart,
    NotCancellable,
    Order,
    OrderFilters,
    OrderPage,
    TotalChanged,
    Viewer,
    order_event,
)
from .numbers import new_number, read_number


class CartChanged(TotalChanged):
    """This is the cart as it is now."""

    def __init__(self, loaded: LoadedCart) -> None:
        super().__init__(f"The total is {loaded.cart.total}.")
        self.loaded = loaded


@dataclass(frozen=True, slots=True)
class Placed:
    """An order and the cart that it left behind; ``new`` unless it had been placed before."""

    order: Order
    loaded: LoadedCart
    new: bool


@dataclass(frozen=True, slots=True)
class Checkout:
    """What is to be ordered: the total that the shopper saw, and whom it is for.

    ``guests`` is whether one may order without an account, ``new_order`` tells what that counts
    against, ``secret`` is what a guest's key is made from, ``low_stock`` what other systems are
    told of when so little is left.
    """

    expected_total: int
    details: Details
    guests: bool
    new_order: Callable[[], Attempt | None]
    secret: str
    low_stock: int


async def place(
    db: Connection,
    owner: CartOwner,
    policy: CartPolicy,
    checkout: Checkout,
    condition: Condition = UNCONDITIONAL,
    claim: Claim | None = None,
) -> Placed:
    """Order exactly what is in the cart, at the prices of now.

    A cart that an order emptied, and nothing has changed since, gives that same order: a client
    that asks again has missed the answer, and may name the state in which the cart was ordered.

    Raises `ConditionFailed`, `EmptyCart`, `CartChanged`, `OutOfStock`, `Invalid` where it isn't
    said whom it is for, `TooManyAttempts`, and `Unauthenticated` where the login isn't valid, or
    there is none and guests may not order. With a ``claim``, as `Claim.heed` does.
    """
    async with in_transaction(db):
        loaded, _ = await carts.load_locked(db, owner, policy, claim=claim)
        account_id, cart = loaded.account_id, loaded.cart
        if account_id is None and (owner.presented or not checkout.guests):
            raise Unauthenticated
        before = None if cart.lines else await queries.select_order_from(db, cart)
        if before is None or not condition.met(loaded.tag_at(cart.revision - 1)):
            condition.check(loaded)
        if before is not None:
            return Placed(before, loaded, new=False)
        if not cart.lines:
            raise EmptyCart
        if account_id is None:
            await _admit_guest(db, checkout)
        if cart.total != checkout.expected_total:
            raise CartChanged(loaded)
        now = clock.now()
        order = None
        while order is None:
            number = new_number()
            key_hash = hash_key(make_key(checkout.secret, number)) if account_id is None else None
            order = await queries.insert_order(
                db, number, account_id, cart, now, checkout.details, key_hash, checkout.low_stock
            )
        return Placed(order, carts.emptied(loaded), new=True)


async def _admit_guest(db: Connection, checkout: Checkout) -> None:
    contact = checkout.details.contact
    if contact is None or not contact.email:
        raise Invalid("contact.email", "This is needed to order without an account.", "required")
    attempt = checkout.new_order()
    if attempt:
        now = clock.now()
        refusal = (await count_attempt(db, attempt, now)).refusal(now)
        if refusal:
            raise refusal


async def show(db: Connection, text: str, viewer: Viewer | None = None) -> Order:
    """Return the order of this number, however it is written; raises `NotFound`.

    With a viewer, what isn't theirs is not found either.
    """
    return await _find(db, text, viewer)


async def history(
    db: Connection,
    account_id: UUID | None = None,
    *,
    limit: int = 20,
    after: str | None = None,
    **filters: Unpack[OrderFilters],
) -> OrderPage:
    """Return orders, newest first: an account's, or everyone's; raises `InvalidCursor`."""
    before = None
    if after is not None:
        try:
            viewer = None if account_id is None else Viewer(account_id)
            before = (await _find(db, after, viewer)).id
        except NotFound:
            raise InvalidCursor from None
    return await queries.select_orders(
        db, account_id=account_id, limit=limit, before=before, **filters
    )


async def list_own(
    db: Connection, presented: PresentedLogin, *, limit: int, after: str | None = None
) -> OrderPage:
    """Return the orders of who asks, newest first; raises `Unauthenticated`, `InvalidCursor`."""
    page = None
    if presented:
        # What is no number is none of their orders.
        number = None if after is None else read_number(after) or ""
        page = await queries.select_own_orders(
            db, presented, clock.now(), limit=limit, after=number
        )
    presented.require(found=page is not None)
    if page is None:
        raise Unauthenticated
    return page


async def cancel(db: Connection, text: str, viewer: Viewer) -> Order:
    """Cancel an order and give its stock back; raises `NotFound`, `NotCancellable`."""
    async with in_transaction(db):
        order = await _find(db, text, viewer, lock=True)
        if order.status != "placed":
            raise NotCancellable
        cancelled = replace(order, status="cancelled")
        event = order_event("order.cancelled", cancelled, clock.now())
        await queries.update_status(db, cancelled, event)
        taken: Counter[int] = Counter()
        for line in order.lines:
            if line.from_stock:
                taken[line.variant_id] += line.quantity
        await catalogue.give_back_stock(db, taken)
    metrics.orders.labels("cancelled").inc()
    return cancelled


async def _find(db: Connection, text: str, viewer: Viewer | None, *, lock: bool = False) -> Order:
    number = read_number(text)
    order = await queries.select_order(db, number, lock=lock) if number else None
    if order is None or (viewer and not viewer.sees(order)):
        raise NotFound
    return order
