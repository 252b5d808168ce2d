"""Loading a cart: whose it is, and what has to happen before a rule may be applied to it.

A cart is clean when its row is all there is to it. Two things make it unclean. Lines that were
added to a guest's cart after it had joined an account's (the add was under way when the login was)
have to follow. And what the database lost of what it had acknowledged has to be healed from the
snapshot in the session.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

from service import clock, metrics
from service.database import Connection
from service.errors import Unauthenticated
from service.http.idempotency import Claim
from service.logins import PresentedLogin
from service.throttling import Attempt

from . import merge_queries, merging, model, queries
from .cookie import CartCookie, Snapshot
from .merge_queries import Candidate, MergeChanges
from .model import Cart, Limits, Offer
from .queries import Found
from .tokens import NOT_VALID, CartToken

NewCart = Callable[[], "Attempt | None"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CartOwner:
    """Who asks for a cart: the login that is presented, and what the browser remembers.

    An app that keeps no cookies brings the ``token`` of a guest's cart instead.
    """

    presented: PresentedLogin
    cookie: CartCookie = field(default_factory=CartCookie)
    token: CartToken | None = None

    @property
    def key_scope(self) -> UUID | None:
        """Whose a guest's keys of idempotent requests are."""
        return self.token.scope if self.token else self.cookie.own_guest_cart_id

    def for_account(self, account_id: UUID) -> CartOwner:
        """Return the owner with the presented account's snapshots as this account's."""
        old = self.presented.account_id
        return replace(self, cookie=self.cookie.reassigned(old, account_id)) if old else self


@dataclass(frozen=True, slots=True)
class CartPolicy:
    """How much a cart may hold, and how carts join.

    Within ``merge_window`` of a login, what is still added to the guest's cart follows it.
    ``new_cart`` tells what a guest's new cart counts against, None where that isn't limited.
    """

    limits: Limits
    merge: merging.Strategy
    merge_window: timedelta
    new_cart: NewCart | None = None


@dataclass(frozen=True, slots=True)
class LoadedCart:
    """A cart, whose it is (None: a guest's), and what the browser should remember of it.

    ``leaving``: the browser logged out while this was under way, and remembers it by that.
    """

    cart: Cart
    account_id: UUID | None
    cookie: CartCookie
    leaving: bool = False

    @property
    def tag(self) -> str:
        """What tells this cart at this revision from every other cart, and from itself before.

        Prices and stock are not in it: a change is meant for what the shopper put there.
        """
        return self.tag_at(self.cart.revision)

    def tag_at(self, revision: int) -> str:
        """Return the tag that this cart has, or had, at a revision."""
        whose = self.cart.id or self.account_id or self.cookie.guest_cart_id
        return hashlib.sha256(f"{whose} {revision}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class CartMerge:
    """An account's cart after a merge, and what is to be written for it.

    The receipt says what became of each guest's line.
    """

    loaded: LoadedCart
    receipt: tuple[merging.MergedLine, ...]
    changes: MergeChanges


async def load_if_clean(
    db: Connection, owner: CartOwner, policy: CartPolicy, sku: str | None = None
) -> tuple[LoadedCart, Offer | None] | None:
    """Return the owner's cart and the sku's offer, or None if it isn't clean."""
    found = await _find(db, owner, policy, sku)
    if not _is_clean(owner, found):
        return None
    return _describe(owner, found), found.offer(sku)


async def load_locked(
    db: Connection,
    owner: CartOwner,
    policy: CartPolicy,
    sku: str | None = None,
    claim: Claim | None = None,
) -> tuple[LoadedCart, Offer | None]:
    """Return the owner's cart, its row locked and made clean, and the sku's offer.

    Runs in the caller's transaction. What was added late has been taken in, what the database
    lost is healed. Raises `Conflicted` where the account's first cart comes from elsewhere at
    this moment. With a ``claim`` the key is claimed before: raises as `Claim.heed`.
    """
    found = await _find(db, owner, policy, sku, lock=True, claim=claim)
    loaded = _describe(owner, found)
    if not _is_clean(owner, found):
        if found.account_id is None:
            loaded = await _heal_guest(db, owner, found, policy)
        else:
            # A guest's cart that turns up beside a login was begun while the login was under
            # way: its units come on top.
            policy = replace(policy, merge="sum")
            merge = await read_merge(db, found.account_id, owner, policy, lock=True)
            await merge_queries.join_carts(db, found.account_id, merge.changes, clock.now())
            loaded = merge.loaded
    return loaded, found.offer(sku)


async def store(
    db: Connection, loaded: LoadedCart, changed: Cart, new_cart: NewCart | None = None
) -> LoadedCart:
    """Store a changed cart as its next revision; raises `Conflicted` if another came first.

    With ``new_cart`` a guest's first line counts against that: raises `TooManyAttempts`.
    """
    # A guest's first line makes the cart that the browser has the id of.
    snapshot = loaded.cookie.snapshot
    cart_id = changed.id or (snapshot.cart_id if snapshot else uuid4())
    stored = replace(changed, id=cart_id, revision=changed.revision + 1)
    now = clock.now()
    is_first = loaded.account_id is None and not loaded.cart.revision
    attempt = new_cart() if new_cart and is_first else None
    if attempt:
        refusal = (await queries.insert_guest_cart(db, stored, attempt, now)).refusal(now)
        if refusal:
            raise refusal
    else:
        await queries.upsert_cart(db, stored, loaded.account_id, loaded.cart.revision, now)
    return _stored(loaded, stored)


def emptied(loaded: LoadedCart) -> LoadedCart:
    """Return the cart as it is after a statement with `queries.empty_cte`."""
    cart = model.clear(loaded.cart)
    return _stored(loaded, replace(cart, revision=cart.revision + 1))


def _stored(loaded: LoadedCart, cart: Cart) -> LoadedCart:
    cookie = loaded.cookie.updated(cart, loaded.account_id)
    return replace(loaded, cart=cart, cookie=cookie)


async def read_merge(
    db: Connection, account_id: UUID, owner: CartOwner, policy: CartPolicy, *, lock: bool
) -> CartMerge:
    """Return what moves the guest's lines into the account's cart.

    With ``lock`` the carts are locked until the end of the caller's transaction: the account's
    before any guest's, as by everyone who needs both. Without, whoever writes the changes looks
    whether these are as they were. A guest's cart joins by the policy's strategy once; what was
    added to it since joins as a sum. Snapshots heal both sides first. Raises `Unauthenticated` for
    the token of a cart that there isn't, or that joined another account's.
    """
    cookie = owner.cookie
    found = await merge_queries.select_carts_to_merge(
        db,
        account_id,
        cookie.guest_cart_id,
        cookie.variants(),
        promised_to=(owner.presented.token_hash or b"") if cookie.promised else None,
        now=clock.now(),
        token_cart_id=owner.token.cart_id if owner.token else None,
        lock=lock,
    )
    if owner.token and not any(each.is_named_by(owner.token, account_id) for each in found.guests):
        raise Unauthenticated(NOT_VALID)
    merged = JoinedCarts(_heal(found.account, cookie.snapshot_of(account_id), found.offers, policy))
    for guest in [*found.guests, *_missing(cookie, found.guests)]:
        if guest.merged_into is None:
            healed = _heal(guest.cart, cookie.snapshot_of(None), found.offers, policy)
            merged = merged.join(healed, policy)
        elif guest.merged_into == account_id and guest.cart.lines:
            merged = merged.take_late_lines(guest.cart, policy)
    account, changed = merged.account, None
    if account is not found.account:
        account = replace(account, id=account.id or uuid4(), revision=account.revision + 1)
        changed = account
    read_at = {guest.cart.id: guest.cart.revision for guest in found.guests}
    changes = MergeChanges(found.account.revision, changed, merged.closing, read_at)
    loaded = LoadedCart(account, account_id, cookie.updated(account, account_id))
    return CartMerge(loaded, merged.receipt, changes)


@dataclass(frozen=True, slots=True)
class JoinedCarts:
    """An account's cart with what guests' carts brought, which of those to close, the receipt."""

    account: Cart
    closing: tuple[Cart, ...] = ()
    receipt: tuple[merging.MergedLine, ...] = ()

    def join(self, guest: Cart, policy: CartPolicy) -> JoinedCarts:
        """Return this with a guest's cart in it that joins for the first time."""
        account, lines = merging.merge(guest, self.account, policy.merge, policy.limits)
        if guest.lines:
            metrics.cart_merges.inc()
        return JoinedCarts(account, (*self.closing, guest), (*self.receipt, *lines))

    def take_late_lines(self, guest: Cart, policy: CartPolicy) -> JoinedCarts:
        """Return this with what was added to a guest's cart since it joined: on no receipt."""
        account, _ = merging.merge(guest, self.account, "sum", policy.limits)
        metrics.cart_late_lines.inc(len(guest.lines))
        return replace(self, account=account, closing=(*self.closing, guest))


def _missing(cookie: CartCookie, guests: Sequence[Candidate]) -> list[Candidate]:
    """Return this browser's cart where it has no row: it was lost, or never added to.

    It joins all the same, so that adds that are under way with its id follow. The id of a guest's
    cart to come is none of these: it must stay free.
    """
    own = cookie.own_guest_cart_id
    known = {guest.cart.id for guest in guests}
    return [Candidate(Cart(own), None)] if own and own not in known else []


async def _find(
    db: Connection,
    owner: CartOwner,
    policy: CartPolicy,
    sku: str | None,
    *,
    lock: bool = False,
    claim: Claim | None = None,
) -> Found:
    found = await queries.select_cart(
        db,
        owner.presented,
        clock.now(),
        cookie=owner.cookie,
        sku=sku,
        merge_window=policy.merge_window,
        lock=lock,
        token=owner.token,
        claim=claim,
    )
    owner.presented.require(found=found.account_id is not None)
    if owner.token and found.cart.id is None:
        raise Unauthenticated(NOT_VALID)
    return found


def _is_clean(owner: CartOwner, found: Found) -> bool:
    """Return whether the row is all there is to this cart: no late lines, nothing lost."""
    ahead = not found.closed and _is_ahead(owner.cookie.snapshot_of(found.account_id), found.cart)
    return not (found.has_late_lines or ahead)


def _is_ahead(snapshot: Snapshot | None, cart: Cart) -> bool:
    """Return whether the browser saw a later revision than the row has.

    Only a database that lost acknowledged writes makes that possible: an order, a merge and
    an emptying each raise the revision, so no snapshot from before them is ahead.
    """
    return snapshot is not None and snapshot.revision > cart.revision


def _heal(
    cart: Cart, snapshot: Snapshot | None, offers: dict[int, Offer], policy: CartPolicy
) -> Cart:
    """Return the cart, with what its snapshot has more of if that is ahead."""
    if snapshot is None or not _is_ahead(snapshot, cart):
        return cart
    metrics.carts_healed.inc()
    logger.warning("a cart was healed from its snapshot", extra={"cart": str(snapshot.cart_id)})
    healed = model.heal(cart, snapshot.lines, offers, policy.limits)
    metrics.cart_healed_lines.inc(len(set(healed.lines) - set(cart.lines)))
    # A guest's cart is known by its id. An account's gets another, as any snapshot could name it.
    lost = None if snapshot.account_id else snapshot.cart_id
    return replace(healed, id=cart.id or lost, revision=snapshot.revision)


async def _heal_guest(
    db: Connection, owner: CartOwner, found: Found, policy: CartPolicy
) -> LoadedCart:
    healed = _heal(found.cart, owner.cookie.snapshot_of(None), found.offers, policy)
    return await store(db, _describe(owner, found), healed)


def _describe(owner: CartOwner, found: Found) -> LoadedCart:
    cookie = owner.cookie.updated(found.cart, found.account_id, closed=found.closed)
    return LoadedCart(found.cart, found.account_id, cookie, found.leaving)
