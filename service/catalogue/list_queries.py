"""How products are listed and found. Each function is one statement.

These read `listed_products`, which triggers keep beside products and variants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from service.database import Connection

from .cursor import Cursor, decode_cursor, encode_cursor
from .model import COUNTED, EVERYTHING, FacetCount, Facets, Page, Selection, Sort
from .queries import decode_product
from .search import BEGINNING, read_search

FACETS = 100
"""Values of a kind, at most."""
SORTED = 20_000
"""Products that a search may find to be sorted as they are found."""

_KEYS: dict[Sort, tuple[str, bool]] = {
    "relevance": ("rank", True),
    "newest": ("0::bigint", True),
    "price": ("price", False),
    "-price": ("price", True),
    "title": ("title", False),
}
"""What each order goes by, before the id, and whether it goes down."""

_LANGUAGE = "(select language::regconfig from search_index)"

# The title counts most, then type and vendor, then tags, options and SKUs, then the description.
# What is there just as it was typed counts twice, and a title that is nothing else comes first.
_RANK = """(1000000 * (
    ts_rank('{0.02, 0.1, 0.4, 1}', words, (select likeness from wanted))
    + ts_rank('{0.02, 0.1, 0.4, 1}', words, (select exact from wanted))
    + (title = (select title from wanted))::int
))::bigint"""

_AVAILABLE = """exists (
    select from variants
    where variants.product_id = listed_products.product_id and variants.active
        and (variants.stock is null or variants.oversell or variants.stock > 0)
)"""


class _ListStatement:
    """A list's statement: what it looks for, its conditions, and the parameters of both."""

    def __init__(self, selection: Selection) -> None:
        self.parameters: list[object] = []
        search = read_search(selection.text)
        self.searches = bool(search.words)
        self.wanted = ""
        if search.words:
            values = (search.query, search.likeness, selection.text)
            self.wanted = _wanted(*map(self.parameter, values))
        self.filters = list(self._filters(selection))
        self.choices = dict(self._choices(selection))

    def parameter(self, value: object) -> str:
        """Return how the statement names this value."""
        self.parameters.append(value)
        return f"${len(self.parameters)}"

    def _filters(self, selection: Selection) -> Iterator[str]:
        # Conditions are added as they are asked for: `$1 is null or …` would keep the plan from
        # using the index that each of them has.
        if self.searches:
            yield "words @@ (select query from wanted)"
        elif selection.text.strip():
            yield "false"
        if selection.min_price is not None:
            yield f"price >= {self.parameter(selection.min_price)}"
        if selection.max_price is not None:
            yield f"price <= {self.parameter(selection.max_price)}"
        if selection.available:
            yield _AVAILABLE

    def _choices(self, selection: Selection) -> Iterator[tuple[str, str]]:
        if selection.type:
            yield "types", f"type = {self.parameter(selection.type)}"
        if selection.vendor:
            yield "vendors", f"vendor = {self.parameter(selection.vendor)}"
        if selection.tag:
            yield "tags", f"tags @> array[{self.parameter(selection.tag)}]"

    def matching(self, sort: Sort) -> str:
        """Return what a search finds, as far as it is looked at: by the index and in no order."""
        if not self.searches:
            return ""
        if sort != "relevance":
            return f"""
                matching as materialized (
                    select product_id, price, title from listed_products
                    where {self.where()} limit {SORTED + 1}
                ),"""
        return f"""
            matching as materialized (
                select product_id, {_RANK} as rank from listed_products
                where {self.where()} limit {COUNTED + 1}
            ),"""

    def where(self, *more: str) -> str:
        """Return the condition of all that the selection asks for."""
        return " and ".join([*self.filters, *self.choices.values(), *more]) or "true"


def _wanted(query: str, likeness: str, text: str) -> str:
    """Return the search as tsqueries, made once; ``exact`` takes the words as they are.

    Where all of them are such as every text has, so does ``query``, which finds them in names.
    """
    return f"""
        typed as (
            select {_put_together(query)} as query, {_put_together(likeness)} as likeness
        ),
        understood as (
            select case
                when querytree(to_tsquery({_LANGUAGE}, query)) in ('', 'T') then 'simple'
                else {_LANGUAGE}
            end as language
            from typed
        ),
        wanted as materialized (
            select
                to_tsquery(language, query) as query,
                to_tsquery(language, likeness) as likeness,
                to_tsquery('simple', replace(likeness, '{BEGINNING}', '')) as exact,
                left(search_text({text}), 64) as title
            from typed, understood
        ),"""


def _put_together(pieces: str) -> str:
    return f"""(
        select string_agg(
            case n % 2 when 1 then piece else '''' || search_text(piece) || ' ''' end,
            '' order by n
        )
        from unnest({pieces}::text[]) with ordinality as each (piece, n)
    )"""


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
    statement = _ListStatement(selection)
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
    order = "" if sort == "newest" else f"{key} {direction},"
    end = f"order by {order} product_id {direction} limit {statement.parameter(limit + 1)}"
    part = f"""
        select product_id, {key} as key from listed_products
        where {statement.where(beyond)} {end}"""
    counted = f"select from listed_products where {statement.where()} limit {COUNTED + 1}"
    if statement.searches:
        counted = "select from matching"
        few = f"select product_id, {key} as key from matching where {beyond}"
        if sort == "relevance":
            part = f"{few} {end}"
        else:
            # What is found is sorted, unless it is so much that the sort's own index soon has
            # enough of it. The planner can't know which: what is looked for comes too late for it.
            part = f"""
                ({few} and (select total from counted) <= {SORTED} {end})
                union all
                (
                    select product_id, key from ({part}) as many
                    where (select total from counted) > {SORTED}
                )"""
    rows = await db.fetch(
        f"""
        with {statement.wanted} {statement.matching(sort)}
        counted as materialized (select count(*) as total from ({counted}) as each),
        part as ({part})
        select
            total, product_id, key, handle, title, description, vendor, type, tags, images,
            published, variants
        from counted
        left join part on true
        left join catalogue on catalogue.id = product_id
        order by key {direction}, product_id {direction}
        """,
        *statement.parameters,
    )
    total = rows[0]["total"]
    found = [row for row in rows if row["product_id"] is not None]
    more = len(found) > limit
    found = found[:limit][:: -1 if back else 1]

    def edge(at: int, *, back: bool) -> str:
        cursor = Cursor(sort, found[at]["key"], found[at]["product_id"], back)
        return encode_cursor(cursor, selection)

    return Page(
        products=tuple(map(decode_product, found)),
        next=edge(-1, back=False) if found and (more or back) else None,
        previous=edge(0, back=True) if found and (more if back else cursor) else None,
        total=total if total <= COUNTED else None,
    )


async def select_facets(db: Connection, selection: Selection) -> Facets:
    """Return what the list can be narrowed by, each kind as if nothing were chosen of it.

    Of `COUNTED` products alone; where there are more, the counts aren't known.
    """
    statement = _ListStatement(selection)
    filters = " and ".join(statement.filters) or "true"

    def count(facet: str, value: str, source: str) -> str:
        others = [each for name, each in statement.choices.items() if name != facet]
        return f"""(
            select '{facet}' as facet, {value} as value, count(*) as count
            from {source} where {" and ".join([*others, f"{value} <> ''"])}
            group by value order by count desc, value limit {FACETS}
        )"""

    rows = await db.fetch(
        f"""
        with {statement.wanted}
        matching as materialized (
            select type, vendor, tags from listed_products where {filters} limit {COUNTED + 1}
        ),
        counted as (
            {count("types", "type", "matching")}
            union all {count("vendors", "vendor", "matching")}
            union all {count("tags", "tag", "matching, unnest(tags) as tag")}
        )
        select facet, value, case when whole then count end as count
        from counted, (select count(*) <= {COUNTED} as whole from matching) as matched
        """,
        *statement.parameters,
    )
    found: dict[str, list[FacetCount]] = {"types": [], "vendors": [], "tags": []}
    for row in rows:
        found[row["facet"]].append(FacetCount(row["value"], row["count"]))
    return Facets(**{facet: tuple(counts) for facet, counts in found.items()})


async def select_types(db: Connection, limit: int) -> list[FacetCount]:
    """Return the types of what is listed, in the order of the alphabet."""
    # From one type to the next by the index: the table may be large, the types are few.
    rows = await db.fetch(
        f"""
        with recursive found (type) as (
            (select type from listed_products where type > '' order by type limit 1)
            union all
            select (
                select listed_products.type from listed_products
                where listed_products.type > found.type order by listed_products.type limit 1
            )
            from found where found.type is not null
        )
        select type, nullif((
            select count(*) from (
                select from listed_products
                where listed_products.type = found.type limit {COUNTED + 1}
            ) as each
        ), {COUNTED + 1}) as count
        from found where type is not null limit $1
        """,
        limit,
    )
    return [FacetCount(row["type"], row["count"]) for row in rows]


async def select_proposals(db: Connection, words: Sequence[str]) -> list[str | None]:
    """Return for each word the one that was probably meant, None where it finds something.

    A word is meant that one slip makes of it, or that has enough letters in a row in common.
    """
    rows = await db.fetch(
        f"""
        with typed as materialized (
            select n, word, to_tsquery({_LANGUAGE}, '''' || word || ' ''{BEGINNING}') as query
            from unnest($1::text[]) with ordinality as each (raw, n), search_text(raw) as word
        )
        select case when known then null else (
            select vocabulary.word from vocabulary
            where slips && slips(typed.word) or vocabulary.word % typed.word
            order by
                (select count(*) from unnest(slips) as slip where slip = any(slips(typed.word)))
                    desc,
                similarity(vocabulary.word, typed.word) desc,
                vocabulary.word
            limit 1
        ) end as proposal
        from typed, lateral (
            -- More than one, as for the first one alone the planner would read through the table.
            with found as materialized (
                select from listed_products where words @@ typed.query limit {COUNTED}
            )
            select numnode(typed.query) = 0 or exists (select from found) as known
        ) as looked_up
        order by n
        """,
        words,
    )
    return [row["proposal"] for row in rows]
