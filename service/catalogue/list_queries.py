"""How products are listed and found. Each function is one statement.

These read `listed_products`, which triggers keep beside products and variants.
"""

from __future__ import annotations

from service.database import Connection

from .cursor import decode_cursor, link_pages
from .list_statements import ListStatement, judged
from .model import COUNTED, EVERYTHING, Page, Selection, Sort
from .queries import decode_product

_KEYS: dict[Sort, tuple[str, bool]] = {
    "relevance": ("rank", True),
    "newest": ("0::bigint", True),
    "price": ("price", False),
    "-price": ("price", True),
    "title": ("title", False),
}
"""What each order goes by, before the id, and whether it goes down."""

# The title counts most, then type and vendor, then tags, options and SKUs, then the description.
# What is there just as it was typed counts twice, and a title that is nothing else comes first.
_RANK = """(1000000 * (
    ts_rank('{0.02, 0.1, 0.4, 1}', words, (select likeness from wanted))
    + ts_rank('{0.02, 0.1, 0.4, 1}', words, (select exact from wanted))
    + (title = (select title from wanted))::int
))::bigint"""


async def select_products(
    db: Connection,
    selection: Selection = EVERYTHING,
    *,
    sort: Sort = "relevance",
    limit: int = 20,
    after: str | None = None,
) -> Page:
    """Return a part of the list. Its order holds still while paging.

    What a search finds beyond `COUNTED` is not ranked, so in the order of relevance the list ends
    there. Without a search the order is of the newest instead. Raises `InvalidCursor`.
    """
    statement = ListStatement(selection)
    if sort == "relevance" and not statement.searches:
        sort = "newest"
    cursor = decode_cursor(after, selection, sort) if after else None
    back = cursor is not None and cursor.back
    key, down = _KEYS[sort]
    comparison, direction = ("<", "desc") if down is not back else (">", "asc")
    beyond = "true"
    if cursor and sort == "newest":
        beyond = f"product_id {comparison} {statement.parameter(cursor.id)}"
    elif cursor:
        last = f"{statement.parameter(cursor.key)}, {statement.parameter(cursor.id)}"
        beyond = f"({key}, product_id) {comparison} ({last})"
    if key == "price" and "prices" in statement.indexed:
        # Else what is cheaper would be read through before the first that is dear enough.
        beyond = f"{beyond} and {statement.indexed['prices']}"
    order = ("" if sort == "newest" else f"{key} {direction}, ") + f"product_id {direction}"
    ranks = sort == "relevance"
    end = f"limit {limit + 1}"
    few = f"select product_id, {key} as key from matching where {beyond} order by {order} {end}"
    ordered = statement.alone(sort)
    walked = statement.walked("" if sort == "newest" else key, direction, beyond)
    in_order = f"""
        select product_id, {key} as key from ({walked}) as listed_products
        where {judged(statement.where())} {end}"""
    if ordered:
        in_order = f"""
            select product_id, {key} as key from listed_products
            where {ordered} and {beyond} order by {order} {end}"""
    ahead = ""
    if ranks:
        part = few
    elif not statement.asks:
        part = in_order
    elif statement.is_found():
        ahead = statement.ahead(sort, key, direction, beyond, limit + 1)
        part = f"""
            (select product_id, key from ({few}) as few where not (select more from counted))
            union all
            (select product_id, key from next where (select arrived from arrived))
            union all
            (
                select product_id, key from ({in_order}) as many
                where (select more from counted) and not (select arrived from arrived)
            )"""
    else:
        part = f"""
            (select product_id, key from ({few}) as few where not (select more from counted))
            union all
            (select product_id, key from ({in_order}) as many where (select more from counted))"""
    columns = ["product_id", f"{_RANK} as rank"] if ranks else ["product_id", "price", "title"]
    by = None if ranks or ordered else sort
    rows = await db.fetch(
        f"""
        with {statement.first}
        {statement.matching("matching", *columns, sort=by)},
        counted as materialized (
            select count(*) as total, count(*) > (select bound from matching_way) as more
            from matching
        ),
        {ahead}
        part as ({part})
        select
            total, more, product_id, key, handle, title, description, vendor, type, tags, images,
            published, variants
        from counted
        left join part on true
        left join catalogue on catalogue.id = product_id
        order by key {direction}, product_id {direction}
        """,
        *statement.parameters,
    )
    known = rows[0]["total"] <= COUNTED and not rows[0]["more"]
    found = [row for row in rows if row["product_id"] is not None]
    more = len(found) > limit
    found = found[:limit][:: -1 if back else 1]
    keys = [(row["key"], row["product_id"]) for row in found]
    following, previous = link_pages(keys, selection, sort, cursor, more=more)
    return Page(
        products=tuple(map(decode_product, found)),
        next=following,
        previous=previous,
        total=rows[0]["total"] if known else None,
    )
