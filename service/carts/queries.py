"""How carts are stored: a row each, its lines as JSON, what they refer to joined on reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from service.sessions import LOGIN

from .model import Cart, Line, Offer

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from asyncpg import Record

    from service.database import Connection
    from service.sessions import Claim

OFFERS = """
    select coalesce(jsonb_agg(jsonb_build_object(
        'variant_id', v.id, 'sku', v.sku, 'handle', p.handle, 'title', p.title,
        'options', v.options, 'image', p.images->0->>'src', 'price', v.price,
        'currency', v.currency, 'stock', v.stock, 'oversell', v.oversell,
        'sold', p.published and v.active
    )), '[]')::text
    from variants v join products p on p.id = v.product_id
    where v.id = any(array(select id from wanted))
"""
"""The offers that ``wanted`` names, as JSON."""


class _StoredLine(msgspec.Struct):
    variant: int
    quantity: int
    price: int


_lines = msgspec.json.Decoder(list[_StoredLine])
_offers = msgspec.json.Decoder(list[Offer])


async def select_cart(
    db: Connection,
    claim: Claim,
    now: datetime,
    *,
    guest_cart: UUID | None,
    sku: str | None = None,
    lock: bool = False,
) -> tuple[UUID | None, Cart, Offer | None]:
    """Return the caller's account, their cart, and the offer of the sku asked for.

    The account is None for a guest and for a login that has ended; then the cart is the
    guest's own, and never one that belongs to an account. With ``lock`` the row is locked, and
    read as it is once the lock is held.
    """
    locking = "for update" if lock else ""
    (row,) = await db.fetch(
        f"""
        with {LOGIN},
        of_account as (
            select id, revision, lines from carts
            where account_id = (select account_id from login)
            {locking}
        ),
        of_guest as (
            select id, revision, lines from carts
            where id = $4 and account_id is null and not exists (select from login)
            {locking}
        ),
        cart as (
            select id, revision, lines from of_account
            union all
            select id, revision, lines from of_guest
        ),
        wanted as (
            select id from variants where sku = $5
            union
            select (line->>'variant')::bigint
            from cart, jsonb_array_elements(cart.lines) as line
        )
        select (select account_id from login) as account_id, cart.id, cart.revision,
            cart.lines::text as lines, ({OFFERS}) as offers
        from (select) as one left join cart on true
        """,
        claim.token_hash,
        claim.account_id,
        now,
        guest_cart,
        sku,
    )
    offers = _offers.decode(row["offers"])
    asked = next((offer for offer in offers if offer.sku == sku), None)
    return row["account_id"], _cart(row, offers), asked


async def select_carts_to_merge(
    db: Connection, account_id: UUID, guest_cart: UUID | None
) -> tuple[Cart, Cart]:
    """Lock and return the guest's cart and the account's, the account's first."""
    rows = await db.fetch(
        f"""
        with of_account as (
            select id, account_id, revision, lines from carts where account_id = $1 for update
        ),
        of_guest as (
            select id, account_id, revision, lines from carts
            where id = $2 and account_id is null for update
        ),
        -- in this order: whoever locks both can't be in another's way
        cart as (
            select id, account_id, revision, lines from of_account
            union all
            select id, account_id, revision, lines from of_guest
        ),
        wanted as (
            select (line->>'variant')::bigint as id
            from cart, jsonb_array_elements(cart.lines) as line
        )
        select cart.id, cart.account_id, cart.revision, cart.lines::text as lines,
            ({OFFERS}) as offers
        from cart
        """,
        account_id,
        guest_cart,
    )
    carts = {row["account_id"]: _cart(row, _offers.decode(row["offers"])) for row in rows}
    return carts.get(None, Cart()), carts.get(account_id, Cart())


async def insert_cart(db: Connection, cart: Cart, account_id: UUID | None, now: datetime) -> bool:
    """Store a cart that has no row yet; returns False if it has one by now."""
    done = await db.fetchval(
        """
        insert into carts (id, account_id, revision, lines, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $5)
        on conflict do nothing
        returning true
        """,
        cart.id,
        account_id,
        cart.revision,
        _encode(cart),
        now,
    )
    return bool(done)


async def update_cart(db: Connection, cart: Cart, now: datetime) -> bool:
    """Store a cart whose row still has the revision before; returns False if it has not."""
    done = await db.fetchval(
        """
        update carts set revision = $2, lines = $3, updated_at = $4
        where id = $1 and revision = $2 - 1
        returning true
        """,
        cart.id,
        cart.revision,
        _encode(cart),
        now,
    )
    return bool(done)


async def update_merged(db: Connection, guest: Cart, account_id: UUID, now: datetime) -> None:
    """Empty a guest's cart, whose lines went into the account's."""
    await db.execute(
        """
        update carts set revision = revision + 1, lines = '[]', merged_into = $2,
            merged_at = $3, updated_at = $3
        where id = $1
        """,
        guest.id,
        account_id,
        now,
    )


def _encode(cart: Cart) -> str:
    return msgspec.json.encode(
        [_StoredLine(line.offer.variant_id, line.quantity, line.added_price) for line in cart.lines]
    ).decode()


def _cart(row: Record, offers: list[Offer]) -> Cart:
    if row["id"] is None:
        return Cart()
    by_variant = {offer.variant_id: offer for offer in offers}
    lines = tuple(
        Line(by_variant[line.variant], line.quantity, line.price)
        for line in _lines.decode(row["lines"])
    )
    return Cart(row["id"], row["revision"], lines)
