"""How guests' carts join an account's: read, stored and closed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from service.database import Conflicted, Connection
from service.logins import session_lasts
from service.statements import Statement

from .lines import OFFERS, encode_lines, read_cart, read_offers
from .model import Cart, Offer
from .queries import conflicts
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
def _select_carts_to_merge(locking: str) -> Statement:
    return Statement(
        f"""
        with of_account as (
            select id, account_id, revision, lines, merged_into, merged_at, token_hash from carts
            where account_id = :account_id
            {locking}
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
            order by id
            {locking}
        ),
        cart as (
            select id, account_id, revision, lines, merged_into, merged_at, token_hash
            from of_account
            union all
            select id, account_id, revision, lines, merged_into, merged_at, token_hash
            from of_guests
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


SELECT_CARTS_TO_MERGE = _select_carts_to_merge("")
LOCK_CARTS_TO_MERGE = _select_carts_to_merge("for update")


async def select_carts_to_merge(
    db: Connection,
    account_id: UUID,
    guest_cart_id: UUID | None,
    variants: Sequence[int] = (),
    *,
    promised_to: bytes | None = None,
    now: datetime | None = None,
    token_cart_id: UUID | None = None,
    lock: bool,
) -> CartsToMerge:
    """Return, and perhaps lock, the account's cart, and the guests' carts that have to join it.

    Those are the ones that are named, whatever became of it, and those that joined this account's
    before and got lines since. A cart that is promised to the session of a login counts only while
    that session isn't over.
    """
    statement = LOCK_CARTS_TO_MERGE if lock else SELECT_CARTS_TO_MERGE
    rows = await db.fetch(
        *statement(
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


@dataclass(frozen=True, slots=True)
class MergeChanges:
    """What a merge writes.

    ``cart`` is the account's, None where it stays as it is; it was read at ``expected``, 0 for
    none. ``closing`` are the guests' carts that joined it, ``read_at`` says at which revisions
    their rows were read.
    """

    expected: int
    cart: Cart | None
    closing: Sequence[Cart]
    read_at: Mapping[UUID | None, int]

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of `as_read_cte` and `join_carts_cte`, but for ``now``."""
        cart = self.cart or Cart()
        return {
            "closing_ids": [guest.id for guest in self.closing],
            "closing_revisions": [guest.revision for guest in self.closing],
            "closing_read_at": [self.read_at.get(guest.id, 0) for guest in self.closing],
            "expected": self.expected,
            "cart_id": cart.id,
            "cart_revision": cart.revision,
            "cart_lines": encode_lines(cart),
        }


def as_read_cte(owner: str) -> str:
    """Return CTEs that lock the carts of a merge; ``as_read`` is ``owner`` if none has changed.

    ``owner`` has a row with the account's ``id``. A guest's cart that came into being meanwhile is
    no change: its lines follow, see `join_carts_cte`.
    """
    return f"""
        account_cart as (
            select revision from carts where account_id = (select id from {owner}) for update
        ),
        guest_carts as (
            select id, revision from carts
            where id = any(:closing_ids::uuid[]) and account_id is null
                -- the account's is locked first, as by everyone
                and (select count(*) from account_cart) >= 0
            order by id for update
        ),
        as_read as (
            select id from {owner}
            where coalesce((select revision from account_cart), 0) = :expected::integer
                and not exists (
                    select from unnest(:closing_ids, :closing_read_at::integer[])
                        as closing (id, revision)
                    left join guest_carts using (id)
                    where closing.revision > 0
                        and closing.revision is distinct from guest_carts.revision
                )
        )"""


def join_carts_cte(source: str) -> str:
    """Return CTEs that store an account's cart and close the guests' that joined it.

    They do so if ``source`` has a row, with the account's ``id``. Their parameters are ``now`` and
    `MergeChanges.parameters`.

    Each guest's cart comes with the revision at which it joined, and no snapshot may bring that
    back. A row that has come into being since it was looked for keeps its lines: these, and lines
    that are added later, are found by ``merged_into``.
    """
    return f"""
        closed as (
            insert into carts (id, revision, lines, merged_into, merged_at, created_at, updated_at)
            select guest.id, guest.revision + 1, '[]', {source}.id, :now, :now, :now
            from {source},
                unnest(:closing_ids::uuid[], :closing_revisions::integer[]) as guest (id, revision)
            on conflict (id) do update
            set revision = greatest(carts.revision + 1, excluded.revision),
                lines = case when carts.revision < excluded.revision then '[]' else carts.lines end,
                merged_into = excluded.merged_into, updated_at = excluded.updated_at,
                merged_at = coalesce(carts.merged_at, excluded.merged_at)
            where carts.account_id is null
        ),
        stored as (
            insert into carts (id, account_id, revision, lines, created_at, updated_at)
            select :cart_id::uuid, {source}.id, :cart_revision::integer, :cart_lines::jsonb,
                :now, :now
            from {source} where :cart_id is not null
            on conflict (id) do update
            set revision = excluded.revision, lines = excluded.lines,
                updated_at = excluded.updated_at
            where carts.revision = :expected::integer
        )"""


JOIN_CARTS = Statement(
    f"""
    with owner as (select :account_id::uuid as id),
    {as_read_cte("owner")},
    {join_carts_cte("as_read")}
    select exists (select from as_read)
    """
)


async def join_carts(
    db: Connection, account_id: UUID, changes: MergeChanges, now: datetime
) -> None:
    """Write what a merge changes.

    Raises `Conflicted` if a cart has changed since it was read, or the account was deleted.
    """
    with conflicts():
        done = await db.fetchval(
            *JOIN_CARTS(account_id=account_id, now=now, **changes.parameters())
        )
    if not done:
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
