"""What a list can be narrowed by. Each function is one statement."""

from __future__ import annotations

from service.database import Connection
from service.statements import Statement

from .list_statements import ListStatement
from .model import COUNTED, FacetCount, Facets, Selection

FACETS = 100
"""Values of a kind, at most."""

_VALUES = {"types": "type", "vendors": "vendor", "tags": "unnest(tags)"}


async def select_facets(db: Connection, selection: Selection) -> Facets:
    """Return what the list can be narrowed by, each kind as if nothing were chosen of it.

    Each of `COUNTED` products alone; where there are more, the counts aren't known.
    """
    statement = ListStatement(selection)
    # What nothing is chosen of is counted in the list itself.
    sources = {facet: facet if facet in statement.chosen else "matching" for facet in _VALUES}
    matching = ",".join(
        statement.matching(source, "type", "vendor", "tags", leave=source)
        for source in sorted({*sources.values()})
    )
    counted = " union all ".join(
        f"""(
            select '{facet}' as facet, value,
                case when (select count(*) from {sources[facet]}) <= {COUNTED} then count(*) end
                    as count
            from (select {value} as value from {sources[facet]}) as each
            where value <> ''
            group by value order by count(*) desc, value limit {FACETS}
        )"""
        for facet, value in _VALUES.items()
    )
    rows = await db.fetch(f"with {statement.first} {matching} {counted}", *statement.parameters)
    found: dict[str, list[FacetCount]] = {facet: [] for facet in _VALUES}
    for row in rows:
        found[row["facet"]].append(FacetCount(row["value"], row["count"]))
    return Facets(**{facet: tuple(counts) for facet, counts in found.items()})


SELECT_TYPES = Statement(
    f"""
    select type, case when sum(products) <= {COUNTED} then sum(products)::bigint end as count
    from listed_types group by type having sum(products) > 0 order by type limit :limit
    """
)


async def select_types(db: Connection, limit: int) -> list[FacetCount]:
    """Return the types of what is listed, in the order of the alphabet."""
    rows = await db.fetch(*SELECT_TYPES(limit=limit))
    return [FacetCount(row["type"], row["count"]) for row in rows]
