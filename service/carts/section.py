"""The session's cart section: which cart is this browser's, and a copy of what is in it.

The row is the truth; the copy is there to heal it (see `to_section`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .actions import Opened

LONGEST_COPY = 2_800
"""Characters of the copied lines, so that the cookie, a third longer, stays within 4,093."""


def to_section(opened: Opened) -> dict[str, Any]:
    """Return what the section should hold for this cart.

    ``lines`` is the copy, ``[[variant id, quantity], …]``; it is left out where it would make
    the cookie too large. ``account`` says whose the cart is.
    """
    cart = opened.cart
    section: dict[str, Any] = {"id": str(cart.id or uuid4()), "revision": cart.revision}
    if opened.account_id is not None:
        section["account"] = str(opened.account_id)
    lines = [[line.offer.variant_id, line.quantity] for line in cart.lines]
    if len(str(lines)) <= LONGEST_COPY:
        section["lines"] = lines
    return section


def guest_cart(section: Mapping[str, Any]) -> UUID | None:
    """Return the id of the guest's cart that the section names, if it names one."""
    try:
        return None if "account" in section else UUID(section["id"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
