"""Opening a cart: whose it is, and what has to be settled before a rule may be applied to it.

Two things may have to be. Lines that were added to a guest's cart after it had joined an
account's (the add was under way when the login was) have to follow. And what the database lost
of what it had acknowledged has to be healed from the copy in the session.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from service import clock, metrics

from . import merging, model, queries
from .model import Cart, Limits, Offer
from .queries import Candidate
from .section import Copy, Remembered

if TYPE_CHECKING:
    from service.database import Connection
    from service.logins import PresentedLogin
    from service.throttling import Attempt

    from .queries import Found

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks for a cart: a claimed login, and what their browser remembers."""

    claim: PresentedLogin
    remembered: Remembered = field(default_factory=Remembered)

    def as_account(self, account_id: UUID) -> Visitor:
        """Return the visitor with the claimed account's copies as this account's."""
        old = self.claim.account_id
        return (
            replace(self, remembered=self.remembered.handed_over(old, account_id)) if old else self
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """How much a cart may hold, how carts join, and how long a guest's cart follows a login.

    ``new_cart`` is what a guest's new cart counts against.
    """

    limits: Limits
    merge: merging.Strategy
    late: timedelta
    new_cart: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A cart, whose it is (None: a guest's), and what the browser should remember of it.

    ``leaving``: the browser logged out while this was under way, and remembers it by that.
    """

    cart: Cart
    account_id: UUID | None
    remembered: Remembered
    leaving: bool = False

    @property
    def tag(self) -> str:
        """What tells this cart at this revision from every other cart, and from itself before.

        Prices and stock are not in it: a change is meant for what the shopper put there.
        """
        return self.tag_at(self.cart.revision)

    def tag_at(self, revision: int) -> str:
        """Return the tag that this cart has, or had, at a revision."""
        whose = self.cart.id or self.account_id or self.remembered.guest_cart
        return hashlib.sha256(f"{whose} {revision}".encode()).hexdigest()[:24]


async def open_settled(
    db: Connection, visitor: Visitor, policy: Policy, sku: str | None = None
) -> tuple[Opened, Offer | None] | None:
    """Return the visitor's cart and the sku's offer, or None if something is to be settled."""
    found = await _find(db, visitor, policy, sku)
    if not _settled(visitor, found):
        return None
    return _opened(visitor, found), found.offer(sku)


async def open_locked(
    db: Connection, visitor: Visitor, policy: Policy, sku: str | None = None
) -> tuple[Opened, Offer | None]:
    """Return the visitor's cart with its row locked and everything settled, and an offer.

    Runs in the caller's transaction. What was added late has been taken in, what the database
    lost is healed. Raises `Conflicted` where the account's first cart comes from elsewhere at
    this moment.
    """
    found = await _find(db, visitor, policy, sku, lock=True)
    opened = _opened(visitor, found)
    if not _settled(visitor, found):
        if found.account_id is None:
            opened = await _heal_guest(db, visitor, found, policy)
        else:
            # A guest's cart that turns up beside a login was begun while the login was under
            # way: its units come on top.
            policy = replace(policy, merge="sum")
            opened, _ = await merge(db, found.account_id, visitor, policy)
    return opened, found.offer(sku)


async def store(
    db: Connection, opened: Opened, changed: Cart, new_cart: Attempt | None = None
) -> Opened:
    """Store a changed cart as its next revision; raises `Conflicted` if another came first.

    With ``new_cart`` a guest's first line counts against that: raises `TooManyAttempts`.
    """
    # A guest's first line makes the cart that the browser has the id of.
    copy = opened.remembered.copy
    cart_id = changed.id or (copy.cart_id if copy else uuid4())
    stored = replace(changed, id=cart_id, revision=changed.revision + 1)
    now = clock.now()
    if new_cart and opened.account_id is None and not opened.cart.revision:
        refusal = (await queries.insert_guest_cart(db, stored, new_cart, now)).refusal(now)
        if refusal:
            raise refusal
    else:
        await queries.upsert_cart(db, stored, opened.account_id, opened.cart.revision, now)
    remembered = opened.remembered.after(stored, opened.account_id)
    return replace(opened, cart=stored, remembered=remembered)


async def merge(
    db: Connection, account_id: UUID, visitor: Visitor, policy: Policy
) -> tuple[Opened, tuple[merging.MergedLine, ...]]:
    """Move the guest's lines into the account's cart; returns it with the receipt.

    Runs in the caller's transaction, and locks the account's cart before any guest's, as
    everyone does who needs both. A guest's cart joins by the policy's strategy once; what was
    added to it since joins as a sum. Copies heal both sides first.
    """
    remembered = visitor.remembered
    stored, guests, offers = await queries.select_carts_to_merge(
        db,
        account_id,
        remembered.guest_cart,
        remembered.variants(),
        promised_to=(visitor.claim.token_hash or b"") if remembered.promised else None,
        now=clock.now(),
    )
    account = _healed(stored, remembered.of(account_id), offers, policy)
    known = {guest.cart.id for guest in guests}
    if remembered.is_guest and remembered.guest_cart not in known:
        # Without a row: lost, or never added to. It joins all the same, so that adds that are
        # under way with its id follow. (The id of the guest's cart to come must stay free.)
        guests.append(Candidate(Cart(remembered.guest_cart), None))
    receipt: tuple[merging.MergedLine, ...] = ()
    closing = []
    for guest in guests:
        match guest.merged_into:
            case None:
                cart = _healed(guest.cart, remembered.of(None), offers, policy)
                account, lines = merging.merge(cart, account, policy.merge, policy.limits)
                receipt += lines
                closing.append(cart)
            case joined if joined == account_id and guest.cart.lines:
                account, _ = merging.merge(guest.cart, account, "sum", policy.limits)
                closing.append(guest.cart)
    now = clock.now()
    if account is not stored:
        account = replace(account, id=account.id or uuid4(), revision=account.revision + 1)
        await queries.upsert_cart(db, account, account_id, stored.revision, now, closing)
    elif closing:
        await queries.close_carts(db, closing, account_id, now)
    return _remember(remembered, account, account_id), receipt


async def _find(
    db: Connection, visitor: Visitor, policy: Policy, sku: str | None, *, lock: bool = False
) -> Found:
    found = await queries.select_cart(
        db,
        visitor.claim,
        clock.now(),
        remembered=visitor.remembered,
        sku=sku,
        late=policy.late,
        lock=lock,
    )
    visitor.claim.require(found=found.account_id is not None)
    return found


def _settled(visitor: Visitor, found: Found) -> bool:
    """Return whether the row is all there is to this cart."""
    ahead = not found.closed and _is_ahead(visitor.remembered.of(found.account_id), found.cart)
    return not (found.late or ahead)


def _is_ahead(copy: Copy | None, cart: Cart) -> bool:
    """Return whether the browser saw a later revision than the row has.

    Only a database that lost acknowledged writes makes that possible: an order, a merge and
    an emptying each raise the revision, so no copy from before them is ahead.
    """
    return copy is not None and copy.revision > cart.revision


def _healed(cart: Cart, copy: Copy | None, offers: dict[int, Offer], policy: Policy) -> Cart:
    """Return the cart, with what its copy has more of if that is ahead."""
    if copy is None or not _is_ahead(copy, cart):
        return cart
    metrics.carts_healed.inc()
    logger.warning("a cart was healed from its copy", extra={"cart": str(copy.cart_id)})
    healed = model.heal(cart, copy.lines, offers, policy.limits)
    # A guest's is known by its id; an account's gets another, as any copy could name this one.
    lost = None if copy.account_id else copy.cart_id
    return replace(healed, id=cart.id or lost, revision=copy.revision)


async def _heal_guest(db: Connection, visitor: Visitor, found: Found, policy: Policy) -> Opened:
    healed = _healed(found.cart, visitor.remembered.of(None), found.offers, policy)
    return await store(db, _opened(visitor, found), healed)


def _opened(visitor: Visitor, found: Found) -> Opened:
    remembered = visitor.remembered.after(found.cart, found.account_id, closed=found.closed)
    return Opened(found.cart, found.account_id, remembered, found.leaving)


def _remember(remembered: Remembered, cart: Cart, account_id: UUID | None) -> Opened:
    return Opened(cart, account_id, remembered.after(cart, account_id))
