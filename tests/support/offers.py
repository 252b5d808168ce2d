"""Offers, carts and limits, made up; no database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from service.carts import Cart, Limits
from service.carts.model import Line, Offer

LIMITS = Limits(quantity=99, lines=100)
SKUS = 6


def offer(number: int = 1, **changes: Any) -> Offer:
    """Return the offer of the variant with this number: 10.00, and plenty of it."""
    facts: dict[str, Any] = {
        "variant_id": number,
        "sku": f"SKU-{number}",
        "handle": f"thing-{number}",
        "title": f"Thing {number}",
        "options": (),
        "image": None,
        "price": 1_000,
        "currency": "USD",
        "stock": None,
        "oversell": False,
        "sold": True,
    }
    return Offer(**facts | changes)


def cart(*lines: tuple[Offer, int], revision: int = 1) -> Cart:
    """Return a cart with these lines, added at today's price."""
    return Cart(
        UUID(int=1), revision, tuple(Line(offer, units, offer.price) for offer, units in lines)
    )


offers = st.builds(
    offer,
    st.integers(1, SKUS),
    price=st.integers(0, 10_000),
    stock=st.none() | st.integers(-5, 20),
    oversell=st.booleans(),
    sold=st.booleans(),
)
limits = st.builds(Limits, st.integers(1, 20), st.integers(1, SKUS))


@st.composite
def carts(draw: st.DrawFn) -> Cart:
    """Any cart that could be stored, also one that no longer fits limits, stock or prices."""
    chosen = draw(st.lists(offers, unique_by=lambda offer: offer.sku, max_size=SKUS))
    units = st.integers(1, 30)
    lines = tuple(Line(offer, draw(units), draw(st.integers(0, 10_000))) for offer in chosen)
    return Cart(UUID(int=1), draw(st.integers(1, 50)), lines)
