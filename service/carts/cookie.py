"""The cart's section of the session: which cart is this browser's, and a snapshot of its lines.

The row is the truth. The snapshot heals the row when the database lost what it had acknowledged
(a failover, a restored dump, a purge that came too early). The snapshot is trusted for variants,
quantities and metadata, and for nothing else.

A cookie bounds it. Where the metadata of all lines has no room, it remembers their ids instead,
which is enough to find them again in an older row; where those have none, no lines at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from service.sessions import read_as

from .model import Cart, CopiedLine, line_id, read_metadata

LONGEST = 2_800
"""Characters of the snapshots, so that the cookie, a third longer, stays within 4,093 bytes."""


LAST_REVISION = 2**30
"""No cart is changed that often; what goes on from here still fits the database's integers."""


class _Stored(msgspec.Struct):
    """A snapshot as the session holds it. What is beyond these bounds is nothing that we wrote."""

    id: UUID
    revision: Annotated[int, Meta(ge=0, le=LAST_REVISION)]
    lines: Annotated[
        list[
            tuple[
                Annotated[int, Meta(ge=1, le=2**63 - 1)],
                Annotated[int, Meta(ge=1, le=2**31 - 1)],
            ]
        ],
        Meta(max_length=LONGEST // len("[1, 1], ")),
    ] = []
    metadata: list[dict[str, str] | Annotated[str, Meta(min_length=1)] | None] = []
    """Of each line: its metadata, its id where that had no room, None for a line without.

    It stands beside the lines, so that a version that knows nothing of it still reads these.
    """
    account: UUID | None = None
    next: UUID | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the browser remembers of a cart.

    ``account_id`` is None for a guest's cart. Beside an account's cart, ``next_guest_cart_id`` is
    the id of the guest's cart to come after the login: adds that meet the login's end all land
    there. A snapshot too large for a cookie has no lines.
    """

    cart_id: UUID
    revision: int = 0
    lines: tuple[CopiedLine, ...] = ()
    account_id: UUID | None = None
    next_guest_cart_id: UUID | None = None

    @classmethod
    def of(cls, cart: Cart) -> Self:
        """Return the snapshot of a guest's cart; one that isn't made yet gets its id here.

        A browser gets the id of its cart when it first looks at the cart, and not when it first
        adds: so the first adds of two tabs land in one cart.
        """
        return cls(cart.id or uuid4(), cart.revision, _copied(cart))

    @classmethod
    def of_account(cls, cart: Cart, account_id: UUID, next_guest_cart_id: UUID) -> Self:
        """Return the snapshot of an account's cart."""
        return cls(cart.id or uuid4(), cart.revision, _copied(cart), account_id, next_guest_cart_id)

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self | None:
        """Return the snapshot that a section holds, or None where it holds something else."""
        stored = read_as(section, _Stored)
        if stored is None:
            return None
        return cls(stored.id, stored.revision, _read_lines(stored), stored.account, stored.next)

    def write(self) -> dict[str, Any]:
        """Return the snapshot as the session holds it."""
        section: dict[str, Any] = {"id": str(self.cart_id), "revision": self.revision}
        if self.account_id:
            section["account"] = str(self.account_id)
        if self.next_guest_cart_id:
            section["next"] = str(self.next_guest_cart_id)
        return section | _write_lines(self.lines)


def _copied(cart: Cart) -> tuple[CopiedLine, ...]:
    return tuple(
        CopiedLine(line.offer.variant_id, line.quantity, line.metadata) for line in cart.lines
    )


def _read_lines(stored: _Stored) -> tuple[CopiedLine, ...]:
    metadata = stored.metadata or [None] * len(stored.lines)
    if len(metadata) != len(stored.lines):
        return ()
    return tuple(
        CopiedLine(*line, line_id=each)
        if isinstance(each, str)
        else CopiedLine(*line, read_metadata(each or {}))
        for line, each in zip(stored.lines, metadata, strict=True)
    )


def _write_lines(copied: tuple[CopiedLine, ...]) -> dict[str, Any]:
    """Return as much of the lines as has room."""
    lines: dict[str, Any] = {"lines": [[line.variant_id, line.quantity] for line in copied]}
    if not any(line.metadata or line.line_id for line in copied):
        return lines if _length(lines["lines"]) <= LONGEST else {}
    ids = [
        line.line_id or (line_id(line.variant_id, line.metadata) if line.metadata else None)
        for line in copied
    ]
    whole = [line.line_id or dict(line.metadata) or None for line in copied]
    for metadata in (whole, ids):
        if _length(lines["lines"]) + _length(metadata) <= LONGEST:
            return {**lines, "metadata": metadata}
    return {}


def _length(content: Any) -> int:
    """Return the characters that this takes in a section, which is JSON in ASCII."""
    return len(json.dumps(content))


@dataclass(frozen=True, slots=True)
class CartCookie:
    """The section as a whole.

    ``snapshot`` is of the cart that this browser has now. ``previous`` is of an account's cart
    from a login that is no longer there, kept for when its owner logs in again: a restored
    database may have lost the login with the cart. The states, and what leads on:

    ====================  ============  ==========  =====================================
    state                 ``snapshot``  ``previous``  next
    ====================  ============  ==========  =====================================
    nothing yet           None          None        `updated` by a guest: a guest's
    a guest's             guest's       None        `updated` by a login: an account's
    an account's          account's     None        `after_logout`: a guest's, which is new;
                                                    `updated` by a guest, as the login is gone:
                                                    a guest's after an account's
    after an account's    guest's       account's   `updated` by a login: an account's
    ====================  ============  ==========  =====================================
    """

    snapshot: Snapshot | None = None
    previous: Snapshot | None = None

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        """Return what the section holds; nothing where it holds something else."""
        previous = section.get("left")
        return cls(
            Snapshot.read(section),
            Snapshot.read(previous) if isinstance(previous, Mapping) else None,
        )

    def write(self) -> dict[str, Any]:
        """Return the section; where both snapshots don't fit, the one without a row wins."""
        section = self.snapshot.write() if self.snapshot else {}
        if self.previous:
            section["left"] = self.previous.write()
            if _length(section) > LONGEST:
                section.pop("lines", None)
                section.pop("metadata", None)
        return section

    @property
    def promised(self) -> bool:
        """Whether the guest's cart is the one to come, once the login is over."""
        return self.snapshot is not None and self.snapshot.account_id is not None

    @property
    def guest_cart_id(self) -> UUID | None:
        """The id of the guest's cart: this browser's own, or of the one to come after the login."""
        snapshot = self.snapshot
        if snapshot is None:
            return None
        return snapshot.next_guest_cart_id if snapshot.account_id else snapshot.cart_id

    @property
    def own_guest_cart_id(self) -> UUID | None:
        """The id of the guest's cart that is this browser's now, if that is what it has."""
        snapshot = self.snapshot
        return snapshot.cart_id if snapshot and snapshot.account_id is None else None

    def snapshot_of(self, account_id: UUID | None) -> Snapshot | None:
        """Return the snapshot of this account's cart, or of the guest's."""
        for snapshot in (self.snapshot, self.previous):
            if snapshot and snapshot.account_id == account_id:
                return snapshot
        return None

    def variants(self) -> list[int]:
        """Return the variants that the snapshots name."""
        return [
            line.variant_id
            for snapshot in (self.snapshot, self.previous)
            if snapshot
            for line in snapshot.lines
        ]

    def updated(self, cart: Cart, account_id: UUID | None, *, closed: bool = False) -> CartCookie:
        """Return what to remember once this cart was shown, an account's or a guest's.

        ==========================  =================  ======================  ==================
        shown                       ``snapshot``       its guest's cart        ``previous``
        ==========================  =================  ======================  ==================
        the account's of before     of this cart       stays promised          forgotten
        another account's           of this cart       a new one is promised   forgotten
        a guest's, never stored     the id alone       stays, made if missing  kept, or taken over
        a guest's, stored           of this cart       is this one             kept, or taken over
        a guest's, ``closed``       of a new cart      is a new one            kept, or taken over
        ==========================  =================  ======================  ==================

        ``closed``: it went into an account's too long ago, or is another session's. Taken over is
        the snapshot of an account's cart, whose login is no longer there.
        """
        snapshot = self.snapshot
        promised = snapshot is not None and snapshot.account_id is not None
        next_id = self.guest_cart_id
        if account_id is not None:
            is_same = snapshot is not None and snapshot.account_id == account_id
            return CartCookie(
                Snapshot.of_account(cart, account_id, (next_id if is_same else None) or uuid4())
            )
        previous = snapshot if promised else self.previous
        if cart.revision or closed or next_id is None:
            return CartCookie(Snapshot.of(cart), previous)
        return CartCookie(Snapshot(next_id), previous)

    def after_logout(self) -> CartCookie:
        """Return what to remember when the shopper logged out: nothing of the account's."""
        next_id = self.guest_cart_id
        return CartCookie(Snapshot(next_id) if next_id else None)

    def reassigned(self, old: UUID, new: UUID) -> CartCookie:
        """Return this with the snapshots of one account's cart as another's."""
        snapshot, previous = (
            replace(each, account_id=new) if each and each.account_id == old else each
            for each in (self.snapshot, self.previous)
        )
        return CartCookie(snapshot, previous)
