"""What a cart's row has: its lines as JSON, and beside them the offers that they refer to."""

from __future__ import annotations

import msgspec
from asyncpg import Record

from service.database import Conflicted

from .model import Cart, Line, Offer, read_metadata

OFFERS = """
    select coalesce(jsonb_agg(jsonb_build_object(
        'variant_id', v.id, 'sku', v.sku, 'handle', p.handle, 'title', p.title,
        'options', v.options, 'image', coalesce(v.image->>'src', p.images->0->>'src'),
        'price', v.price,
        'currency', v.currency, 'stock', v.stock, 'oversell', v.oversell,
        'sold', p.published and v.active
    )), '[]')::text
    from variants v join products p on p.id = v.product_id
    where v.id = any(array(select id from wanted))
"""
"""The offers that ``wanted`` names, as JSON."""


class _StoredLine(msgspec.Struct, omit_defaults=True):
    variant: int
    quantity: int
    price: int
    currency: str | None = None
    """None: it was stored before there was a note of it."""
    metadata: dict[str, str] = {}


_lines = msgspec.json.Decoder(list[_StoredLine])
_offers = msgspec.json.Decoder(list[Offer])


def encode_lines(cart: Cart) -> str:
    """Return the cart's lines as its row has them."""
    stored = [
        _StoredLine(
            line.offer.variant_id,
            line.quantity,
            line.added_price,
            line.offer.currency,
            dict(line.metadata),
        )
        for line in cart.lines
    ]
    return msgspec.json.encode(stored).decode()


def read_offers(row: Record) -> dict[int, Offer]:
    """Return the ``offers`` of a row, by variant id."""
    return {offer.variant_id: offer for offer in _offers.decode(row["offers"])}


def read_cart(row: Record, offers: dict[int, Offer]) -> Cart:
    """Return the cart of a row, the empty one where it has none; raises `Conflicted`."""
    if row["id"] is None:
        return Cart()
    stored = _lines.decode(row["lines"])
    if not offers.keys() >= {line.variant for line in stored}:
        # A line came in while this statement waited for the row's lock, and its variant is newer
        # than what the statement sees of the catalogue.
        raise Conflicted
    return Cart(row["id"], row["revision"], tuple(_line(line, offers) for line in stored))


def _line(stored: _StoredLine, offers: dict[int, Offer]) -> Line:
    offer = offers[stored.variant]
    # A price of before the catalogue changed its currency can't be compared with today's.
    comparable = stored.currency in {None, offer.currency}
    price = stored.price if comparable else offer.price
    return Line(offer, stored.quantity, price, read_metadata(stored.metadata))
