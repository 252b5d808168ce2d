"""How carts are stored: a row each, its lines as JSON, what they refer to joined on reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import asyncpg
import msgspec
from asyncpg import Record

from service.database import Conflicted, Connection
from service.logins import LOGIN, PresentedLogin
from service.statements import Statement
from service.throttling import Attempt, Counted, throttle_cte

from .cookie import CartCookie
from .model import Cart, Line, Offer

_LOGIN = LOGIN
for number, name in enumerate(("presented_hash", "presented_account", "now"), 1):
    _LOGIN = _LOGIN.replace(f":{name}", f"${number}")

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


class _StoredLine(msgspec.Struct):
    variant: int
    quantity: int
    price: int
    currency: str | None = None
    """None: it was stored before there was a note of it."""


_lines = msgspec.json.Decoder(list[_StoredLine])
_offers = msgspec.json.Decoder(list[Offer])


@dataclass(frozen=True, slots=True)
class Found:
    """A caller's cart, and what else there is to know about it.

    ``account_id`` is None for a guest. ``offers`` are by variant id. ``has_late_lines``: lines
    were added to a guest's cart after it had joined this one. ``closed``: the guest's cart can't be
    used: it joined an account's too long ago, or one that was deleted, or is itself an account's,
    or is promised to a session that is over. ``leaving``: its browser logged out just now.
    """

    account_id: UUID | None
    cart: Cart
    offers: dict[int, Offer]
    has_late_lines: bool
    closed: bool
    leaving: bool

    def offer(self, sku: str | None) -> Offer | None:
        return next((offer for offer in self.offers.values() if offer.sku == sku), None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A guest's cart that may join an account's; ``merged_into`` is the one it did join."""

    cart: Cart
    merged_into: UUID | None


async def select_cart(
    db: Connection,
    presented: PresentedLogin,
    now: datetime,
    *,
    cookie: CartCookie,
    sku: str | None = None,
    merge_window: timedelta,
    lock: bool = False,
) -> Found:
    """Return the caller's cart, with the offers of its lines, the cookie's, and the sku's.

    A guest, and a login that has ended, get the guest's own cart and never an account's; the one
    that is promised for after the login only until that is over. With ``lock`` the row is locked,
    and read as it is once the lock is held.
    """
    locking = "for update" if lock else ""
    (row,) = await db.fetch(
        f"""
        with {_LOGIN},
        of_account as (
            select id, revision, lines, false as closed from carts
            where account_id = (select account_id from login)
            {locking}
        ),
        of_guest as (
            select id, revision, lines, account_id is not null or (
                merged_at is not null
                and (merged_into is null or merged_at <= $3 - $7::interval)
            ) as closed
            from carts where id = $4 and not exists (select from login)
                and not ($8 and exists (select from over))
            {locking}
        ),
        cart as (
            select id, revision, lines, closed from of_account
            union all
            select id, revision, lines, closed from of_guest
        ),
        wanted as (
            select id from variants where sku = $5
            union
            select unnest($6::bigint[])
            union
            select (line->>'variant')::bigint
            from cart, jsonb_array_elements(cart.lines) as line
        )
        select (select account_id from login) as account_id, cart.id, cart.revision,
            cart.lines::text as lines, ({OFFERS}) as offers,
            coalesce(cart.closed, $8 and exists (select from over)) as closed,
            $8 and exists (select from logins where token_hash = $1 and over_at > $3) as leaving,
            exists (
                select from carts, login
                where merged_into = login.account_id and carts.lines <> '[]'
            ) or exists (
                select from carts, login
                where carts.id = $4 and carts.account_id is null and carts.lines <> '[]'
                    and coalesce(carts.merged_into, login.account_id) = login.account_id
            ) as has_late_lines
        from (select) as one left join cart on true
        """,
        presented.token_hash,
        presented.account_id,
        now,
        cookie.guest_cart_id,
        sku,
        cookie.variants(),
        merge_window,
        cookie.promised,
    )
    offers = _by_variant(row)
    cart = Cart() if row["closed"] else _cart(row, offers)
    return Found(
        row["account_id"], cart, offers, row["has_late_lines"], row["closed"], row["leaving"]
    )


async def select_carts_to_merge(
    db: Connection,
    account_id: UUID,
    guest_cart_id: UUID | None,
    variants: Sequence[int] = (),
    *,
    promised_to: bytes | None = None,
    now: datetime | None = None,
) -> tuple[Cart, list[Candidate], dict[int, Offer]]:
    """Lock and return the account's cart, and the guests' carts that have to join it.

    A cart that is promised, to the session of this login, only until that is over.
    Those are the one that is named, whatever became of it, and those that joined this account's
    before and got lines since.
    """
    rows = await db.fetch(
        f"""
        with of_account as (
            select id, account_id, revision, lines, merged_into from carts
            where account_id = $1 for update
        ),
        of_guests as (
            select id, account_id, revision, lines, merged_into from carts
            where id in (
                select $2::uuid where $4::bytea is null or exists (
                    select from logins where token_hash = $4 and (over_at > $5) is not false
                )
                union
                select id from carts where merged_into = $1 and lines <> '[]'
            ) and account_id is null
            order by id for update
        ),
        -- in this order: whoever locks several can't be in another's way
        cart as (
            select id, account_id, revision, lines, merged_into from of_account
            union all
            select id, account_id, revision, lines, merged_into from of_guests
        ),
        wanted as (
            select unnest($3::bigint[]) as id
            union
            select (line->>'variant')::bigint
            from cart, jsonb_array_elements(cart.lines) as line
        )
        select cart.id, cart.account_id, cart.revision, cart.lines::text as lines,
            cart.merged_into, ({OFFERS}) as offers
        from (select) as one left join cart on true
        """,
        account_id,
        guest_cart_id,
        variants,
        promised_to,
        now,
    )
    offers = _by_variant(rows[0])
    account, guests = Cart(), []
    for row in rows:
        cart = _cart(row, offers)
        if row["account_id"] is not None:
            account = cart
        elif cart.id is not None:
            guests.append(Candidate(cart, row["merged_into"]))
    return account, guests, offers


@cache
def _insert_guest_cart(limits: int) -> Statement:
    return Statement(
        f"""
        with {throttle_cte(limits, device=False)},
        stored as (
            insert into carts (id, revision, lines, created_at, updated_at)
            select :id::uuid, :revision::integer, :lines::jsonb, :now, :now
            from counted where passed = cardinality(:attempt_keys)
            on conflict (id) do nothing
            returning true
        )
        select passed, ends_at, first, spare, exists (select from stored) as stored from counted
        """
    )


async def insert_guest_cart(db: Connection, cart: Cart, attempt: Attempt, now: datetime) -> Counted:
    """Store a guest's new cart, if the attempt to begin one has room.

    Raises `Conflicted` if it has a row by now.
    """
    (row,) = await db.fetch(
        *_insert_guest_cart(attempt.limits)(
            **attempt.parameters(),
            now=now,
            id=cart.id,
            revision=cart.revision,
            lines=_encode(cart),
        )
    )
    counted = Counted.of(row, attempt, now)
    if counted.retry_at is None and not row["stored"]:
        raise Conflicted
    return counted


CLOSE = """
    insert into carts (id, revision, lines, merged_into, merged_at, created_at, updated_at)
    select id, revision + 1, '[]', {account_id}, {now}, {now}, {now}
    from unnest({ids}::uuid[], {revisions}::int[]) as guest (id, revision)
    on conflict (id) do update
    set revision = greatest(carts.revision + 1, excluded.revision),
        lines = case when carts.revision < excluded.revision then '[]' else carts.lines end,
        merged_into = excluded.merged_into, updated_at = excluded.updated_at,
        merged_at = coalesce(carts.merged_at, excluded.merged_at)
    where carts.account_id is null
"""
"""Empties guests' carts, whose lines go into the account's, also those without a row.

They come with the revision that was read, which nothing may bring them back to. A row that has
come into being since keeps its lines; they, and those added later, are found by ``merged_into``.
"""


async def upsert_cart(
    db: Connection,
    cart: Cart,
    account_id: UUID | None,
    expected: int,
    now: datetime,
    closing: Sequence[Cart] = (),
) -> None:
    """Store a cart whose row has the expected revision, 0 for none; close guests' carts with it.

    Raises `Conflicted` if it has another.
    """
    close = CLOSE.format(account_id="$2", now="$5", ids="$7", revisions="$8")
    try:
        stored = await db.fetchval(
            f"""
            {f"with closed as ({close})" if closing else ""}
            insert into carts (id, account_id, revision, lines, created_at, updated_at)
            values ($1, $2, $3, $4, $5, $5)
            on conflict (id) do update
            set revision = excluded.revision, lines = excluded.lines,
                updated_at = excluded.updated_at
            where carts.revision = $6
            returning true
            """,
            cart.id,
            account_id,
            cart.revision,
            _encode(cart),
            now,
            expected,
            *(_closing(closing) if closing else ()),
        )
    except (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError) as error:
        # The account's first cart came into being meanwhile, under another id; or the account
        # was deleted.
        raise Conflicted from error
    if not stored:
        raise Conflicted


async def close_carts(
    db: Connection, closing: Sequence[Cart], account_id: UUID, now: datetime
) -> None:
    """Close guests' carts, as `CLOSE` says; raises `Conflicted` if the account was deleted."""
    statement = CLOSE.format(account_id="$1", now="$2", ids="$3", revisions="$4")
    try:
        await db.execute(statement, account_id, now, *_closing(closing))
    except asyncpg.ForeignKeyViolationError as error:
        raise Conflicted from error


async def note_currency(db: Connection) -> None:
    """Write down which currency the remembered prices of all carts are in, where it isn't noted.

    For the moment before the catalogue's currency changes.
    """
    await db.execute(
        """
        update carts set lines = (
            select jsonb_agg(
                jsonb_build_object('currency', variants.currency) || line order by place
            )
            from jsonb_array_elements(carts.lines) with ordinality as l (line, place)
            join variants on variants.id = (line->>'variant')::bigint
        )
        where lines <> '[]' and lines @? '$[*] ? (!exists(@.currency))'
        """
    )


def _closing(guests: Sequence[Cart]) -> tuple[list[UUID | None], list[int]]:
    return [guest.id for guest in guests], [guest.revision for guest in guests]


def _encode(cart: Cart) -> str:
    stored = [
        _StoredLine(line.offer.variant_id, line.quantity, line.added_price, line.offer.currency)
        for line in cart.lines
    ]
    return msgspec.json.encode(stored).decode()


def _by_variant(row: Record) -> dict[int, Offer]:
    return {offer.variant_id: offer for offer in _offers.decode(row["offers"])}


def _cart(row: Record, offers: dict[int, Offer]) -> Cart:
    if row["id"] is None:
        return Cart()
    stored = _lines.decode(row["lines"])
    if not offers.keys() >= {line.variant for line in stored}:
        # It came in while the row's lock was waited for, and is newer than this statement's view
        # of the catalogue.
        raise Conflicted
    return Cart(row["id"], row["revision"], tuple(_line(line, offers) for line in stored))


def _line(stored: _StoredLine, offers: dict[int, Offer]) -> Line:
    offer = offers[stored.variant]
    # A price of before the catalogue changed its currency can't be compared with today's.
    comparable = stored.currency in {None, offer.currency}
    return Line(offer, stored.quantity, stored.price if comparable else offer.price)


def empty_joined_cte(account_id: str, now: str) -> str:
    """Return a CTE, ``emptied``, that empties the guests' carts that joined this account's.

    Its arguments name parameters. The rows stay: without them what browsers remember of the carts
    would be taken for what the database lost.
    """
    return f"""
        emptied as (
            update carts set lines = '[]', revision = revision + 1, updated_at = {now}
            where merged_into = {account_id}
        )"""
