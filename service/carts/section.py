"""The session's cart section: which cart is this browser's, and a copy of what is in it.

The row is the truth. The copy heals it when the database lost what it had acknowledged (a
failover, a restored dump, a purge that came too early); it is trusted for variants and
quantities, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from service.sessions import read_as

from .model import Cart

LONGEST = 2_800
"""Characters of the copies, so that the cookie, a third longer, stays within 4,093 bytes."""


LAST_REVISION = 2**30
"""No cart is changed that often; what goes on from here still fits the database's integers."""


class _Stored(msgspec.Struct):
    """A copy as the session holds it. What is beyond these bounds is nothing that we wrote."""

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
    account: UUID | None = None
    next: UUID | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """What the browser remembers of a cart: ``lines`` are variant ids and quantities.

    ``account_id`` is None for a guest's cart. ``next_guest`` is, beside an account's cart, the
    id of the guest's cart to come after the login: adds that meet the login's end all land
    there. A copy too large for a cookie has no lines.
    """

    cart_id: UUID
    revision: int = 0
    lines: tuple[tuple[int, int], ...] = ()
    account_id: UUID | None = None
    next_guest: UUID | None = None

    @classmethod
    def of(cls, cart: Cart) -> Self:
        """Return the copy of a guest's cart; one that isn't made yet gets its id here.

        With an id from the browser's first look at its cart, the first adds of two tabs land
        in one cart.
        """
        return cls(cart.id or uuid4(), cart.revision, _copied(cart))

    @classmethod
    def of_account(cls, cart: Cart, account_id: UUID, next_guest: UUID) -> Self:
        """Return the copy of an account's cart."""
        return cls(cart.id or uuid4(), cart.revision, _copied(cart), account_id, next_guest)

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self | None:
        """Return the copy that a section holds, or None where it holds something else."""
        stored = read_as(section, _Stored)
        if stored is None:
            return None
        return cls(stored.id, stored.revision, tuple(stored.lines), stored.account, stored.next)

    def write(self) -> dict[str, Any]:
        """Return the copy as the session holds it."""
        section: dict[str, Any] = {"id": str(self.cart_id), "revision": self.revision}
        if self.account_id:
            section["account"] = str(self.account_id)
        if self.next_guest:
            section["next"] = str(self.next_guest)
        lines = [list(line) for line in self.lines]
        if len(str(lines)) <= LONGEST:
            section["lines"] = lines
        return section


def _copied(cart: Cart) -> tuple[tuple[int, int], ...]:
    return tuple((line.offer.variant_id, line.quantity) for line in cart.lines)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The section as a whole.

    ``left`` is the copy of an account's cart from a login that is no longer there, kept for
    when its owner logs in again: a restored database may have lost the login with the cart.
    """

    copy: Copy | None = None
    left: Copy | None = None

    @classmethod
    def read(cls, section: Mapping[str, Any]) -> Self:
        """Return what the section holds; nothing where it holds something else."""
        left = section.get("left")
        return cls(Copy.read(section), Copy.read(left) if isinstance(left, Mapping) else None)

    def write(self) -> dict[str, Any]:
        """Return the section; where both copies don't fit, the one without a row wins."""
        section = self.copy.write() if self.copy else {}
        if self.left:
            section["left"] = self.left.write()
            if len(str(section)) > LONGEST:
                section.pop("lines", None)
        return section

    @property
    def is_guest(self) -> bool:
        """Whether the section is about a guest's cart."""
        return self.copy is not None and self.copy.account_id is None

    @property
    def guest_cart(self) -> UUID | None:
        """The id of the guest's cart: this one's, or of the one to come after the login."""
        if self.copy is None:
            return None
        return self.copy.next_guest if self.copy.account_id else self.copy.cart_id

    @property
    def promised(self) -> bool:
        """Whether the guest's cart is the one to come, once the login is over."""
        return self.copy is not None and self.copy.account_id is not None

    @property
    def own_cart(self) -> UUID | None:
        """The id of the guest's cart that is this browser's now, if that is what it has."""
        return None if self.promised else self.guest_cart

    def of(self, account_id: UUID | None) -> Copy | None:
        """Return the copy of this account's cart, or of the guest's."""
        for copy in (self.copy, self.left):
            if copy and copy.account_id == account_id:
                return copy
        return None

    def variants(self) -> list[int]:
        """Return the variants that the copies name."""
        copies = (copy for copy in (self.copy, self.left) if copy)
        return [variant_id for copy in copies for variant_id, _ in copy.lines]

    def after(self, cart: Cart, account_id: UUID | None, *, closed: bool = False) -> Remembered:
        """Return what to remember once this cart was shown.

        A guest's use of the browser leaves the copy of an account's cart alone; opening an
        account's cart ends it. ``closed``: the guest's cart went into an account's too long
        ago, or is another session's, and the browser gets the id of a new one.
        """
        copy = self.copy
        if account_id is not None:
            same = copy and copy.account_id == account_id
            next_guest = copy.next_guest if copy and same else None
            return Remembered(Copy.of_account(cart, account_id, next_guest or uuid4()))
        left = copy if copy and copy.account_id else self.left
        if cart.revision or closed or self.guest_cart is None:
            return Remembered(Copy.of(cart), left)
        return Remembered(Copy(self.guest_cart), left)

    def after_logout(self) -> Remembered:
        """Return what to remember when the shopper logged out: nothing of the account's."""
        return Remembered(Copy(self.guest_cart) if self.guest_cart else None)

    def handed_over(self, old: UUID, new: UUID) -> Remembered:
        """Return this with the copies of one account's cart as another's."""
        copies = (
            replace(copy, account_id=new) if copy and copy.account_id == old else copy
            for copy in (self.copy, self.left)
        )
        return Remembered(*copies)
