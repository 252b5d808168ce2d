"""How what is sold is read to be held in memory, and what of it has changed since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from asyncpg import Record

from service.database import Connection
from service.statements import Statement

from .held_lists import ListPlace
from .list_statements import judged
from .model import Product
from .queries import decode_product

MANY = 5_000
"""Changes at once; of more, all is read anew."""

_COLUMNS = """
    id, handle, title, description, vendor, type, tags, images, published, variants, place, price
"""
# What isn't listed is sold, too. In this form the planner can't read all of the list for a few.
_PLACED = """catalogue left join lateral (
    select title as place, price from listed_products where product_id = catalogue.id
    offset 0
) as listed on true"""
_SOLD = "published and variants is not null"

# Another one where the server was started again, is another, or had its tables put back. None where
# it is a standby, which lags behind and doesn't know which transactions are over.
_STORE = """case when not pg_is_in_recovery() then concat_ws(
    ' ', pg_postmaster_start_time(), pg_relation_filenode('products'),
    pg_relation_filenode('variants')
) end"""


@dataclass(frozen=True, slots=True)
class SeenCatalogue:
    """What there was to be seen: where, and of which transactions, as PostgreSQL writes them."""

    store: str | None
    snapshot: str


@dataclass(frozen=True, slots=True)
class NumberedProduct:
    """A product with its id, and its place in lists; None where it isn't listed."""

    id: int
    product: Product
    place: ListPlace | None

    @classmethod
    def of(cls, row: Record) -> Self:
        place = None if row["place"] is None else ListPlace(row["place"], row["price"])
        return cls(row["id"], decode_product(row), place)


SELECT_SEEN = Statement(f"select {_STORE} as store, pg_current_snapshot()::text as snapshot")


async def select_seen(db: Connection) -> SeenCatalogue:
    """Return what there is to be seen now."""
    (row,) = await db.fetch(*SELECT_SEEN())
    return SeenCatalogue(**row)


# In the order of the index, with a limit: the planner knows nothing of transactions and would
# think that a third of all rows come after any of them.
_CHANGED = """(
    select {id} as product_id from {table}
    where changed >= pg_snapshot_xmin(:snapshot::text::pg_snapshot) and {new}
    order by changed limit :most
)"""
# Ids of another server's transactions, from a backup, may be larger than any of this one's.
_NEW = judged("""
    not pg_visible_in_snapshot(changed, :snapshot::text::pg_snapshot)
    and pg_visible_in_snapshot(changed, pg_current_snapshot())
""")

SELECT_CHANGED = Statement(
    f"""
    select {_STORE} as store, pg_current_snapshot()::text as snapshot, array(
        {_CHANGED.format(id="id", table="products", new=_NEW)}
        union
        {_CHANGED.format(id="product_id", table="variants", new=_NEW)}
    ) as ids
    """
)


async def select_changed(db: Connection, seen: SeenCatalogue) -> tuple[SeenCatalogue, list[int]]:
    """Return what there is to be seen now, and the ids of products that weren't so before.

    There are more than `MANY` of them where not all are named.
    """
    (row,) = await db.fetch(*SELECT_CHANGED(snapshot=seen.snapshot, most=MANY + 1))
    return SeenCatalogue(row["store"], row["snapshot"]), row["ids"]


SELECT_SOLD = Statement(
    f"""
    select {_COLUMNS} from {_PLACED}
    where id > :after and {_SOLD} order by id limit :count
    """
)


async def select_sold(db: Connection, after: int, count: int) -> Iterator[NumberedProduct]:
    """Return what is sold, in the order of ids, beyond one of them; each is decoded in its turn."""
    rows = await db.fetch(*SELECT_SOLD(after=after, count=count))
    return map(NumberedProduct.of, rows)


SELECT_SOLD_OF = Statement(
    f"select {_COLUMNS} from {_PLACED} where id = any(:ids::bigint[]) and {_SOLD}"
)


async def select_sold_of(db: Connection, ids: Sequence[int]) -> Iterator[NumberedProduct]:
    """Return those of these products that are sold; each is decoded in its turn."""
    rows = await db.fetch(*SELECT_SOLD_OF(ids=ids))
    return map(NumberedProduct.of, rows)
