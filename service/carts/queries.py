"""How carts are stored: a row each, its lines as JSON, what they refer to joined on reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import asyncpg
import msgspec

from service.database import Conflicted, Connection
from service.http.idempotency import CLAIM_CTE, Claim
from service.logins import JUST_LOGGED_OUT, LOGIN, PresentedLogin
from service.outbox import events_cte
from service.statements import Statement
from service.throttling import Attempt, ThrottleResult, throttle_cte

from .cookie import CartCookie
from .lines import OFFERS, encode_lines, read_cart, read_offers
from .model import Cart, Offer
from .tokens import CartToken

HAS_LATE_LINES = """(
    -- a guest's cart that joined the account's has got lines since
    exists (
        select from carts, login
        where carts.merged_into = login.account_id and carts.lines <> '[]'
    )
    -- or the browser's own guest's cart has lines, and hasn't joined any: its first add was under
    -- way while the login was
    or exists (
        select from carts, login
        where carts.id = :guest_cart_id and carts.account_id is null and carts.lines <> '[]'
            and coalesce(carts.merged_into, login.account_id) = login.account_id
    )
)"""
"""Whether lines have to follow into the cart of ``login``, which a guest never has."""


UNITS_CTE = """
    units as (
        select coalesce(sum((line->>'quantity')::int), 0) as quantity
        from (
            select lines from carts where account_id = (select account_id from login)
            union all
            select lines from carts
            where id = :guest_cart_id and account_id is null and not exists (select from login)
                and not (:promised and exists (select from over))
                and (
                    merged_at is null
                    or (merged_into is not null and merged_at > :now - :merge_window::interval)
                )
        ) as cart, jsonb_array_elements(cart.lines) as line
    )
"""
"""A CTE to stand behind `LOGIN`: its one row has the units in the caller's cart.

Its parameters are the id of the guest's cart, whether that is ``promised`` for after the login, and
the window in which it follows into the account's that it joined.
"""


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


def _select_cart(locking: str, *, claiming: bool = False) -> Statement:
    # Only who has claimed the key goes on to the cart, so that all lock them in this order.
    claim = f"{CLAIM_CTE}," if claiming else ""
    free = "and (select free from claim)" if claiming else ""
    claimed = ", (select scope from claim) as scope, (select free from claim) as free"
    return Statement(
        f"""
        with {LOGIN},
        {claim}
        of_account as (
            select id, revision, lines, false as closed from carts
            where account_id = (select account_id from login) {free}
            {locking}
        ),
        of_guest as (
            select id, revision, lines, account_id is not null or (
                merged_at is not null
                and (
                    merged_into is null or :cart_token::bytea is not null
                    or merged_at <= :now - :merge_window::interval
                )
            ) as closed
            from carts where id = :guest_cart_id and token_hash is not distinct from :cart_token
                and not exists (select from login)
                and not (:promised and exists (select from over)) {free}
            {locking}
        ),
        cart as (
            select id, revision, lines, closed from of_account
            union all
            select id, revision, lines, closed from of_guest
        ),
        wanted as (
            select id from variants where sku = :sku
            union
            select unnest(:variants::bigint[])
            union
            select (line->>'variant')::bigint
            from cart, jsonb_array_elements(cart.lines) as line
        )
        select (select account_id from login) as account_id, cart.id, cart.revision,
            cart.lines::text as lines, ({OFFERS}) as offers,
            coalesce(cart.closed, :promised and exists (select from over)) as closed,
            :promised and {JUST_LOGGED_OUT} as leaving,
            {HAS_LATE_LINES} as has_late_lines {claimed if claiming else ""}
        from (select) as one left join cart on true
        """
    )


SELECT_CART = _select_cart("")
LOCK_CART = _select_cart("for update")
CLAIM_AND_LOCK_CART = _select_cart("for update", claiming=True)


async def select_cart(  # noqa: PLR0913 - what there is to know, all by name
    db: Connection,
    presented: PresentedLogin,
    now: datetime,
    *,
    cookie: CartCookie,
    sku: str | None = None,
    merge_window: timedelta,
    lock: bool = False,
    token: CartToken | None = None,
    claim: Claim | None = None,
) -> Found:
    """Return the caller's cart, with the offers of its lines, the cookie's, and the sku's.

    A guest, and a login that isn't valid any more, get the guest's own cart and never an account's.
    The cart that is promised for after the login is only for a session that isn't over. With
    ``lock`` the row is locked, and read as it is once the lock is held. With a ``token`` the cart
    is the one that it names, until that joins an account's. With a ``claim`` the key is claimed
    first; raises as `Claim.heed`.
    """
    statement = CLAIM_AND_LOCK_CART if claim else LOCK_CART if lock else SELECT_CART
    (row,) = await db.fetch(
        *statement(
            **presented.parameters(),
            now=now,
            guest_cart_id=token.cart_id if token else cookie.guest_cart_id,
            cart_token=token.hash if token else None,
            promised=cookie.promised,
            variants=cookie.variants(),
            sku=sku,
            merge_window=merge_window,
            **(claim.parameters() if claim else {}),
        )
    )
    if claim:
        claim.heed(found=row["account_id"] is not None, scope=row["scope"], free=row["free"])
    offers = read_offers(row)
    cart = Cart() if row["closed"] else read_cart(row, offers)
    return Found(
        row["account_id"], cart, offers, row["has_late_lines"], row["closed"], row["leaving"]
    )


@cache
def _insert_guest_cart(limits: int) -> Statement:
    return Statement(
        f"""
        with {throttle_cte(limits, device=False)},
        stored as (
            insert into carts (id, revision, lines, created_at, updated_at, token_hash)
            select :id::uuid, :revision::integer, :lines::jsonb, :now, :now, :cart_token::bytea
            from counted where passed = cardinality(:attempt_keys)
            on conflict (id) do nothing
            returning true
        )
        select passed, ends_at, first, spare, exists (select from stored) as stored from counted
        """
    )


async def insert_guest_cart(
    db: Connection, cart: Cart, attempt: Attempt, now: datetime, token: CartToken | None = None
) -> ThrottleResult:
    """Store a guest's new cart, if the attempt to begin one has room; a token may name it.

    Raises `Conflicted` if it has a row by now.
    """
    (row,) = await db.fetch(
        *_insert_guest_cart(attempt.limits)(
            **attempt.parameters(),
            now=now,
            id=cart.id,
            revision=cart.revision,
            lines=encode_lines(cart),
            cart_token=token.hash if token else None,
        )
    )
    counted = ThrottleResult.of(row, attempt, now)
    if counted.retry_at is None and not row["stored"]:
        raise Conflicted
    return counted


INSERT_TOKEN_CART = Statement(
    """
    insert into carts (id, revision, lines, created_at, updated_at, token_hash)
    values (:id, :revision, '[]', :now, :now, :cart_token)
    """
)


async def insert_token_cart(db: Connection, cart: Cart, now: datetime, token: CartToken) -> None:
    """Store a guest's new cart that a token names, where beginning one is not limited."""
    await db.execute(
        *INSERT_TOKEN_CART(id=cart.id, revision=cart.revision, now=now, cart_token=token.hash)
    )


UPSERT_CART = Statement(
    """
    insert into carts (id, account_id, revision, lines, created_at, updated_at)
    values (:id, :account_id, :revision, :lines, :now, :now)
    on conflict (id) do update
    set revision = excluded.revision, lines = excluded.lines, updated_at = excluded.updated_at
    where carts.revision = :expected
    returning true
    """
)


async def upsert_cart(
    db: Connection, cart: Cart, account_id: UUID | None, expected: int, now: datetime
) -> None:
    """Store a cart whose row has the expected revision, 0 for none.

    Raises `Conflicted` if it has another.
    """
    with conflicts():
        stored = await db.fetchval(
            *UPSERT_CART(
                id=cart.id,
                account_id=account_id,
                revision=cart.revision,
                lines=encode_lines(cart),
                expected=expected,
                now=now,
            )
        )
    if not stored:
        raise Conflicted


def empty_cte(source: str) -> str:
    """Return a CTE, ``emptied_cart``, that empties a cart; it has a row if that was done.

    ``source`` has its ``cart_id``, and the ``cart_revision`` from which on it is empty; it isn't
    emptied if it was not at the one before. The parameter is ``now``.
    """
    return f"""
        emptied_cart as (
            update carts set lines = '[]', revision = {source}.cart_revision, updated_at = :now
            from {source}
            where carts.id = {source}.cart_id and carts.revision = {source}.cart_revision - 1
            returning true
        )"""


@contextmanager
def conflicts() -> Iterator[None]:
    """Raise `Conflicted` where the account got another cart meanwhile, or was deleted."""
    try:
        yield
    except (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError) as error:
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


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line of a cart, as whoever it is of gets it."""

    sku: str
    quantity: int
    metadata: dict[str, str]


SELECT_KEPT_LINES = Statement(
    """
    select v.sku, (line->>'quantity')::int as quantity,
        coalesce(line->'metadata', '{}')::text as metadata
    from carts, jsonb_array_elements(carts.lines) with ordinality as stored (line, number)
        join variants v on v.id = (line->>'variant')::bigint
    where carts.account_id = :account_id
    order by number
    """
)


async def select_kept_lines(db: Connection, account_id: UUID) -> list[KeptLine]:
    """Return the lines of an account's cart."""
    rows = await db.fetch(*SELECT_KEPT_LINES(account_id=account_id))
    return [
        KeptLine(row["sku"], row["quantity"], msgspec.json.decode(row["metadata"])) for row in rows
    ]


TELL_OF_ABANDONED = Statement(
    f"""
    with alone as (
        select id from carts
        where lines <> '[]' and merged_at is null and (told_at is null or told_at < updated_at)
            and updated_at <= :until
        order by updated_at limit :most
        for no key update skip locked
    ),
    told as (
        update carts set told_at = updated_at from alone where carts.id = alone.id
        returning carts.id, carts.account_id, carts.updated_at, carts.lines
    ),
    left_cart as (
        select 'cart.abandoned' as kind, 'cart:' || told.id as subject, :now::timestamptz as at,
            jsonb_build_object(
                'cart_id', told.id,
                'account_id', told.account_id,
                'marketing_emails', coalesce(
                    (select marketing_emails from preferences
                        where account_id = told.account_id),
                    false
                ),
                'changed_at',
                    to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'lines', (
                    select jsonb_agg(jsonb_build_object(
                        'sku', v.sku, 'title', p.title, 'options', (
                            select coalesce(jsonb_object_agg(pair->>0, pair->>1), '{{}}')
                            from jsonb_array_elements(v.options) as pair
                        ),
                        'quantity', (line->>'quantity')::int
                    ) order by number)
                    from jsonb_array_elements(told.lines) with ordinality as l (line, number)
                    join variants v on v.id = (line->>'variant')::bigint
                    join products p on p.id = v.product_id
                )
            ) as data
        from told
    ),
    {events_cte("left_cart")}
    select count(*) from told
    """
)


async def tell_of_abandoned(db: Connection, after: timedelta, now: datetime, most: int) -> int:
    """Tell of carts that have lines and were left alone for so long; returns how many there were.

    Each is told of once until it changes, however many look at once: what another holds just now
    is passed over.
    """
    return int(await db.fetchval(*TELL_OF_ABANDONED(until=now - after, now=now, most=most)))
