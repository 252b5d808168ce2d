"""How guests' carts join an account's: read, stored and closed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from service.database import Conflicted, Connection
from service.logins import session_lasts
from service.statements import Statement

from .lines import OFFERS, read_cart, read_offers
from .model import Cart, Offer
from .queries import UPSERT, conflicts, upsert_parameters
from .tokens import CartToken


@dataclass(frozen=True, slots=True)
class Candidate:
    """A guest's cart that may join an account's; ``merged_into`` is the one it did join.

    ``ended``: it joined one, though that may be gone by now.
    """

    cart: Cart
    merged_into: UUID | None
    ended: bool = False
    token_hash: bytes | None = None

    def is_named_by(self, token: CartToken, account_id: UUID) -> bool:
        """Return whether the token is this cart's, and good for joining this account's."""
        same = self.cart.id == token.cart_id and self.token_hash == token.hash
        return same and (not self.ended or self.merged_into == account_id)


@dataclass(frozen=True, slots=True)
class CartsToMerge:
    """An account's cart, the guests' carts that may join it, and the offers of all of them."""

    account: Cart
    guests: list[Candidate]
    offers: dict[int, Offer]


# All who lock several carts lock the account's first and then the guests' by id, so that none
# waits for another in a circle.
SELECT_CARTS_TO_MERGE = Statement(
    f"""
    with of_account as (
        select id, account_id, revision, lines, merged_into, merged_at, token_hash from carts
        where account_id = :account_id for update
    ),
    of_guests as (
        select id, account_id, revision, lines, merged_into, merged_at, token_hash from carts
        where id in (
            select :guest_cart_id::uuid
            where :promised_to::bytea is null or {session_lasts(":promised_to")}
            union
            select :token_cart_id::uuid
            union
            select id from carts where merged_into = :account_id and lines <> '[]'
        ) and account_id is null
        order by id for update
    ),
    cart as (
        select id, account_id, revision, lines, merged_into, merged_at, token_hash from of_account
        union all
        select id, account_id, revision, lines, merged_into, merged_at, token_hash from of_guests
    ),
    wanted as (
        select unnest(:variants::bigint[]) as id
        union
        select (line->>'variant')::bigint
        from cart, jsonb_array_elements(cart.lines) as line
    )
    select cart.id, cart.account_id, cart.revision, cart.lines::text as lines,
        cart.merged_into, cart.merged_at is not null as ended, cart.token_hash,
        ({OFFERS}) as offers
    from (select) as one left join cart on true
    """
)


async def select_carts_to_merge(
    db: Connection,
    account_id: UUID,
    guest_cart_id: UUID | None,
    variants: Sequence[int] = (),
    *,
    promised_to: bytes | None = None,
    now: datetime | None = None,
    token_cart_id: UUID | None = None,
) -> CartsToMerge:
    """Lock and return the account's cart, and the guests' carts that have to join it.

    Those are the ones that are named, whatever became of it, and those that joined this account's
    before and got lines since. A cart that is promised to the session of a login counts only while
    that session isn't over.
    """
    rows = await db.fetch(
        *SELECT_CARTS_TO_MERGE(
            account_id=account_id,
            guest_cart_id=guest_cart_id,
            variants=variants,
            promised_to=promised_to,
            now=now,
            token_cart_id=token_cart_id,
        )
    )
    offers = read_offers(rows[0])
    account, guests = Cart(), []
    for row in rows:
        cart = read_cart(row, offers)
        if row["account_id"] is not None:
            account = cart
        elif cart.id is not None:
            guests.append(Candidate(cart, row["merged_into"], row["ended"], row["token_hash"]))
    return CartsToMerge(account, guests, offers)


CLOSE = """
    insert into carts (id, revision, lines, merged_into, merged_at, created_at, updated_at)
    select id, revision + 1, '[]', :account_id, :now, :now, :now
    from unnest(:closing_ids::uuid[], :closing_revisions::int[]) as guest (id, revision)
    on conflict (id) do update
    set revision = greatest(carts.revision + 1, excluded.revision),
        lines = case when carts.revision < excluded.revision then '[]' else carts.lines end,
        merged_into = excluded.merged_into, updated_at = excluded.updated_at,
        merged_at = coalesce(carts.merged_at, excluded.merged_at)
    where carts.account_id is null
"""
"""Empties the guests' carts whose lines went into the account's, and makes a row for those without.

Each cart comes with the revision at which it was read, and no snapshot may bring that back. A row
that has come into being since then keeps its lines: these, and lines that are added later, are
found by ``merged_into``.
"""

CLOSE_CARTS = Statement(CLOSE)


async def close_carts(
    db: Connection, closing: Sequence[Cart], account_id: UUID, now: datetime
) -> None:
    """Close guests' carts, as `CLOSE` says; raises `Conflicted` if the account was deleted."""
    with conflicts():
        await db.execute(*CLOSE_CARTS(**_closing(closing), account_id=account_id, now=now))


MERGE_CARTS = Statement(f"with closed as ({CLOSE}) {UPSERT}")


async def merge_carts(
    db: Connection,
    cart: Cart,
    account_id: UUID,
    expected: int,
    now: datetime,
    closing: Sequence[Cart],
) -> None:
    """Store an account's cart as `upsert_cart` does, and close the guests' carts that joined it.

    Raises `Conflicted`.
    """
    with conflicts():
        stored = await db.fetchval(
            *MERGE_CARTS(**_closing(closing), **upsert_parameters(cart, account_id, expected, now))
        )
    if not stored:
        raise Conflicted


def empty_joined_cte(account_id: str, now: str) -> str:
    """Return a CTE, ``emptied``, that empties the guests' carts that joined this account's.

    Its arguments name parameters, and its rows have the carts' ids. The carts' own rows stay:
    without them what browsers remember of the carts would be taken for what the database lost.
    """
    return f"""
        emptied as (
            update carts set lines = '[]', revision = revision + 1, updated_at = {now}
            where merged_into = {account_id}
            returning id
        )"""


def _closing(guests: Sequence[Cart]) -> dict[str, Any]:
    return {
        "closing_ids": [guest.id for guest in guests],
        "closing_revisions": [guest.revision for guest in guests],
    }
